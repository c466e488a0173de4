"""Simulated endpoints and generated workloads for tests of the load side. Nothing here is a real model."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from assay.campaign.load_process import TimedOutError, run_load
from assay.load.bodies import write_bodies
from assay.load.closing import close_load
from assay.load.encoders import completion_body
from assay.load.pacer import Timetable
from assay.load.plan import EndpointPlan, LoadgenSettings, LoadPlan, PacerPlan, Timeouts, WarmupPlan
from assay.runs import Ledger, LoadOutcome, RunFolder, read_outcome
from assay.runs.shapes import LoadShape
from assay.runs.tail_limits import parse_tail_limits
from assay.serving.connection import EndpointConnection

FAST = ("--ttft-ms", "5", "--itl-ms", "1", "--output-tokens", "8")


@contextmanager
def simulators(
    folder: Path, servers: Sequence[Sequence[str]], started: list[subprocess.Popen[bytes]] | None = None
) -> Iterator[list[str]]:
    """One server for each list of options; gives their URLs and ends them. Puts their processes into `started`."""
    processes = [] if started is None else started
    try:
        for number, options in enumerate(servers):
            port_file = folder / f"port-{number}"
            command = [sys.executable, "-m", "assay.simulator", "--port", "0", "--port-file", str(port_file), *options]
            processes.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        yield [f"http://127.0.0.1:{_port(folder / f'port-{number}')}" for number in range(len(servers))]
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=10)


def _port(path: Path) -> int:
    deadline_s = time.monotonic() + 20
    while time.monotonic() < deadline_s:
        if path.exists() and (text := path.read_text()).endswith("\n"):
            return int(text)
        time.sleep(0.02)
    raise TimeoutError(f"no port in {path}")


@dataclass
class Run:
    """A closed run: its folder, ledger, and how the load process says it ended."""

    folder: RunFolder
    ledger: Ledger
    outcome: LoadOutcome


def reached(url: str, **changes: Any) -> EndpointConnection:
    return EndpointConnection(url=url, **{"connect_timeout_s": 2.0, **changes})


def make_plan(folder: Path, urls: Sequence[str], scenario: str = "Offline", **changes: Any) -> LoadPlan:
    """A short run over generated prompts. `changes` replace fields of the plan; `loadgen` and `timeouts` in part.

    With `shape` (and `timetable`, and the `limits` of one that ends once it is sure) Assay's pacer drives. Each request
    tells its sample's number as `user`.
    """
    samples, warmup = changes.pop("samples", 32), changes.pop("warmup_prompts", 0)
    max_tokens = changes.pop("max_tokens", 16)
    scratch = folder.parent
    generator = np.random.default_rng(1)
    prompts: Sequence[str | list[int]] = changes.pop("prompts", None) or [
        generator.integers(5, 5000, size=int(n)).tolist()
        for n in generator.integers(10, 60, samples + warmup + bool(warmup))
    ]
    body_options = {**changes.pop("body", {})}
    extra = body_options.pop("extra", {})
    write_bodies(
        scratch / "bodies.bin",
        (
            completion_body("simulated", p, max_tokens, extra={"user": str(i), **extra}, **body_options)
            for i, p in enumerate(prompts)
        ),
    )
    np.save(scratch / "prompt_tokens.npy", np.asarray([len(p) for p in prompts], dtype=np.int32))
    loadgen = {
        "model": "llama3_1-8b",
        "scenario": "Server" if scenario == "Interactive" else scenario,
        "official": False,
        "own_sample_count": True,
        "target_qps": 200.0 if scenario in ("Server", "Interactive") else None,
        "ttft_limit_ns": 2_000_000_000,
        "tpot_limit_ns": 100_000_000,
        **changes.pop("loadgen", {}),
    }
    pacer = _pacer_plan(scratch, changes.pop("shape", None), changes.pop("timetable", None), changes.pop("limits", ""))
    timeouts = {"stall_s": 1.0, "request_s": 20.0, **changes.pop("timeouts", {})}
    window = changes.pop("window", 8)
    return LoadPlan(
        folder=str(folder),
        scenario=pacer.shape.scenario if pacer else scenario,  # type: ignore[arg-type]
        mode=changes.pop("mode", "performance"),
        loadgen=None if pacer else LoadgenSettings(**loadgen),
        pacer=pacer,
        samples=samples,
        max_tokens=max_tokens,
        eos_id=2,
        prompt_tokens=str(scratch / "prompt_tokens.npy"),
        tokenizer=changes.pop("tokenizer", None),
        endpoints=[
            EndpointPlan(name=f"sim{i}", connection=reached(url), window=window, bodies=str(scratch / "bodies.bin"))
            for i, url in enumerate(urls)
        ],
        workers=changes.pop("workers", 1),
        max_attempts=changes.pop("max_attempts", 3),
        timeouts=Timeouts(**timeouts),
        warmup=WarmupPlan(prompts=warmup, **changes.pop("warmup", {})),
        **changes,
    )


def _pacer_plan(
    scratch: Path, shape: dict[str, Any] | None, timetable: Timetable | None, limits: str
) -> PacerPlan | None:
    if shape is None:
        return None
    if timetable is not None:
        timetable.write(scratch / "timetable.npy")
    path = str(scratch / "timetable.npy") if timetable is not None else None
    tested = tuple(parse_tail_limits(limits)) if limits else ()
    return PacerPlan(shape=TypeAdapter(LoadShape).validate_python(shape), seed=1, timetable=path, limits=tested)


async def run_plan(plan: LoadPlan, limit_s: float = 60.0) -> Run:
    """Run and close it, as a campaign would."""
    folder = RunFolder(Path(plan.folder))
    folder.path.mkdir()
    with contextlib.suppress(TimedOutError):
        await run_load(plan, folder, limit_s, lambda facts: None)
    return Run(folder, close_load(folder, plan), read_outcome(folder))


def run(folder: Path, urls: Sequence[str], scenario: str = "Offline", limit_s: float = 60.0, **changes: Any) -> Run:
    return asyncio.run(run_plan(make_plan(folder / "run", urls, scenario, **changes), limit_s))
