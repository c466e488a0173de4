"""Campaign folders as they are while a campaign is carried out, and the events of a run that goes on."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Literal

from assay.runs import CampaignFolder, CampaignState, RunEntry, RunStatus, TelemetryJournal, write_json
from assay.runs.alerts import AlertEvent
from assay.runs.campaign import Session
from assay.runs.progress import EndpointProgress, PhaseEvent, ProgressEvent, TimeLeft, append_event
from assay.runs.sketch import Recorder, Sketch

SECOND = 1_000_000_000
GONE_PID = 2**22 + 1  # more than Linux gives


def entry(number: int, run: str | None = None, status: RunStatus | None = None, node: str = "node-a") -> RunEntry:
    key = f"offline-performance-{node}-r{number}"
    return RunEntry(
        key=key, scenario="Offline", mode="performance", nodes=[node], repeat=number, run=run, status=status
    )


def campaign(
    path: Path, entries: list[RunEntry], *, pid: int | None = None, ended_utc: str | None = None
) -> CampaignFolder:
    """A campaign of these runs; its controller is `pid`, this process where none is given."""
    folder = CampaignFolder(path)
    path.mkdir(parents=True, exist_ok=True)
    for one in entries:
        if one.run is not None:
            folder.run(one.run).path.mkdir(parents=True, exist_ok=True)
    session = Session(
        started_utc="2026-01-01T00:00:00Z", ended_utc=ended_utc, assay_version="0", pid=pid or os.getpid()
    )
    state = CampaignState(
        id=path.name, kind="scaling", name="two nodes", started_utc="2026-01-01T00:00:00Z", ended_utc=ended_utc,
        config_sha256="", seed=1, simulated=True, sessions=[session], runs=entries,
    )  # fmt: skip
    write_json(folder.state, state)
    return folder


def sketch(*latencies_ns: int) -> Sketch:
    recorder = Recorder()
    for latency_ns in latencies_ns:
        recorder.add(latency_ns)
    return recorder.snapshot()


def progress(
    at_s: float, completed: int, *, ttft: Sketch | None = None, out: tuple[str, ...] = (), failed: int = 0
) -> ProgressEvent:
    """`node-a` answered three of four, 100 tokens each."""
    share = {"node-a": completed * 3 // 4, "node-b": completed - completed * 3 // 4}
    endpoints = {
        name: EndpointProgress(completed=count, output_tokens=100 * count, in_flight=8, out=name in out)
        for name, count in share.items()
    }
    time_ns = round(at_s * SECOND)
    return ProgressEvent(
        time_ns=time_ns, clock_offset_ns=time.time_ns() - time_ns, phase="load", elapsed_ns=time_ns, expected=1000,
        issued=1000, completed=completed, failed=failed, in_flight=16, queued=1000 - completed - 16, input_tokens=0,
        output_tokens=100 * completed, endpoints=endpoints, ttft=ttft or Sketch(), tpot=Sketch(), latency=Sketch(),
        left=TimeLeft(ns=90 * SECOND, basis="completed so far"),
    )  # fmt: skip


def begin(folder: CampaignFolder, run: str, *events: ProgressEvent) -> None:
    """A run's load has begun, and told these."""
    path = folder.run(run).progress
    for phase in ("warmup", "load"):
        append_event(path, PhaseEvent(time_ns=0, clock_offset_ns=time.time_ns(), phase=phase))
    for event in events:
        append_event(path, event)


def sample(folder: CampaignFolder, run: str, *rows: tuple[str, str, float, float]) -> None:
    """A run's samplers have told these so far: node, metric, when in seconds, value."""
    folder.run(run).parts.mkdir(parents=True, exist_ok=True)
    folder.run(run).telemetry_journal.unlink(missing_ok=True)
    journal = TelemetryJournal(folder.run(run).telemetry_journal)
    for node, metric, at_s, value in rows:
        journal.add(node, metric, round(at_s * SECOND), value)
    journal.close()


def alert(rule: str, node: str, event: Literal["raised", "cleared"] = "raised") -> AlertEvent:
    return AlertEvent(
        time_ns=5 * SECOND, clock_offset_ns=0, event=event, rule=rule, node=node, since_ns=4 * SECOND, value=0.95,
        limit=0.9, unit="", words=f"The {rule} of {node} is at 95 %.",
    )  # fmt: skip
