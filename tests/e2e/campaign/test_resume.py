"""Campaigns whose controller is killed at random moments, and resumed: same end, nothing twice, nothing left over."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from tests.campaigns import FAST, Controller, latest, settings, still_running, write_settings

from assay.runs import RunStatus, read_ledger, read_requests
from assay.runs.campaign import find_campaigns
from assay.runs.campaign_manifest import check_all

pytestmark = [pytest.mark.resume, pytest.mark.slow]

KILLS = 10
# Phases of a controller's life, and how long after the beginning of each the kill may come, s.
PHASES = {"start": 1.2, "servers": 1.0, "warm-up": 0.1, "load": 0.15, "closing": 0.05, "between": 0.2, "report": 1.5}


def has(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def open_runs(output: Path) -> set[str]:
    """Runs that were begun and aren't closed."""
    if not find_campaigns(output):
        return set()
    return {entry.run for entry in latest(output)[1].runs if entry.run and entry.status is None}


def completed(output: Path) -> dict[str, str | None]:
    if not find_campaigns(output):
        return {}
    return {entry.key: entry.run for entry in latest(output)[1].runs if entry.status is RunStatus.COMPLETED}


class Moment:
    """What was there when a controller started, so that what it does itself can be told from what it found."""

    def __init__(self, output: Path) -> None:
        self._output = output
        self._open, self._completed = open_runs(output), completed(output)

    def phase(self) -> str:
        """Where the controller is, or was when it was killed, from what it wrote."""
        if not find_campaigns(self._output):
            return "start"
        folder, state = latest(self._output)
        if own := open_runs(self._output) - self._open:
            run = folder.run(own.pop())
            for phase, file in (("closing", "outcome.json"), ("load", "issued.bin")):
                if has(run.parts / file):
                    return phase
            return "warm-up" if has(run.progress) else "between"
        if open_runs(self._output):
            return "servers"
        if not state.todo:
            return "ended" if folder.report.exists() else "report"
        return "servers" if completed(self._output) == self._completed else "between"


def unfinished(output: Path) -> bool:
    return bool(find_campaigns(output)) and not latest(output)[0].report.exists()


def final_state(output: Path) -> list[tuple[object, ...]]:
    """What must be the same however often a campaign was interrupted."""
    (folder,) = find_campaigns(output)
    state = latest(output)[1]
    rows: list[tuple[object, ...]] = []
    for entry in state.runs:
        assert entry.run is not None
        run = folder.run(entry.run)
        ledger = read_ledger(run)
        table = read_requests(run.requests, ["sample_id", "qsl_idx", "final"]).to_pylist()
        samples = sorted(row["qsl_idx"] for row in table if row["final"])
        assert ledger.balanced
        assert run.result.exists()
        assert (run.path / "report.html").exists()
        assert not run.parts.exists()
        rows.append((entry.key, entry.status, entry.nodes, ledger.issued, ledger.completed, samples))
    assert check_all(folder) == []
    known = {entry.run for entry in state.runs} | {run for entry in state.runs for run in entry.earlier}
    assert {path.name for path in folder.runs.iterdir()} == known, "a run folder that no campaign knows"
    return sorted(rows, key=lambda row: str(row[0]))


def planned() -> list[tuple[object, ...]]:
    """The final state that the plan alone determines: eight samples for each node, every one once."""
    nodes = {"alone-node-a-r0": ["node-a"], "alone-node-b-r0": ["node-b"], "together-2-r0": ["node-a", "node-b"]}
    return [
        (key, RunStatus.COMPLETED, of, 8 * len(of), 8 * len(of), sorted([*range(8)] * len(of)))
        for key, of in nodes.items()
    ]


def kill_in(phase: str, controller: Controller, moment: Moment, delay_s: float) -> str | None:
    """Kill the controller `delay_s` after the phase began; the phase that was hit, None where it had ended before."""
    while not controller.ended and moment.phase() not in (phase, "report"):
        time.sleep(0.005)
    until_s = time.monotonic() + delay_s
    while time.monotonic() < until_s and not controller.ended:
        time.sleep(0.005)
    killed = not controller.ended
    controller.kill()
    return moment.phase() if killed else None


def test_ten_kills_and_the_same_end(tmp_path: Path) -> None:
    seed = int(os.environ.get("ASSAY_TEST_SEED", random.SystemRandom().randrange(2**32)))
    print(f"ASSAY_TEST_SEED={seed}")
    draw = random.Random(seed)
    engine = {**FAST, "ttft_ms": 120, "itl_ms": 5}  # loads of a few tenths of a second
    values: dict[str, Any] = {"campaign": {"kind": "scaling", "repeats": 1, "queries_per_node": 8}, "engine": engine}
    output, calm_output = tmp_path / "results", tmp_path / "calm" / "results"
    file = write_settings(tmp_path / "assay.yaml", settings(output, **values))
    calm_output.parent.mkdir()  # of a campaign beside them that nobody disturbs
    calm = Controller(write_settings(calm_output.parent / "assay.yaml", settings(calm_output, **values)))

    between = ["servers", "warm-up", "warm-up", "load", "load", "load", "closing", "between"]
    draw.shuffle(between)
    hit: list[str] = []
    done: dict[str, str | None] = {}
    for phase in ["start", *between, "report"]:
        moment = Moment(output)
        controller = Controller(file, *(["--resume"] if unfinished(output) else []))
        found = kill_in(phase, controller, moment, draw.uniform(0, PHASES[phase]))
        assert found is not None, f"ended before {phase}: {controller.log.read_text()}"
        hit.append(found)
        assert controller.gone(), still_running(controller.mark)
        assert completed(output).items() >= done.items(), "a completed run was repeated or lost"
        done = completed(output)
    print(f"killed in {hit}")
    assert len(hit) == KILLS
    assert len(set(hit)) >= 5, f"the moments are badly spread: {hit}"
    assert {"load", "report"} <= set(hit), f"the moments are badly spread: {hit}"

    controller = Controller(file, "--resume")
    assert controller.wait() == 0, controller.log.read_text()
    assert controller.gone()
    assert completed(output).items() >= done.items()
    assert calm.wait() == 0
    assert calm.gone()
    assert final_state(output) == final_state(calm_output) == planned()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupt_closes_the_run_and_stops_the_servers(tmp_path: Path, number: signal.Signals) -> None:
    slow = {"kind": "simulated", "ttft_ms": 2000, "itl_ms": 20, "output_tokens": 64, "window": 1}
    one = {"nodes": [{"name": "node-a"}]}
    values = settings(tmp_path / "results", engine=slow, cluster=one, load={"warmup_prompts": 0})
    controller = Controller(write_settings(tmp_path / "assay.yaml", values))
    while not any(path.stat().st_size for path in tmp_path.glob("results/*/runs/*/parts/issued.bin")):
        assert not controller.ended, controller.log.read_text()
        time.sleep(0.05)
    assert controller.kill(number) == 130
    assert still_running(controller.mark) == []
    folder, state = latest(tmp_path / "results")
    (entry,) = state.runs
    assert entry.status is RunStatus.INTERRUPTED
    assert entry.run is not None
    ledger = read_ledger(folder.run(entry.run))
    assert ledger.balanced
    assert ledger.lost == ledger.issued - ledger.completed > 0
    assert state.ended_utc is None
    assert state.sessions[-1].ended_utc is not None


def test_a_second_interrupt_loses_nothing(tmp_path: Path) -> None:
    slow = {"kind": "simulated", "ttft_ms": 1500, "itl_ms": 1, "output_tokens": 8, "window": 2}
    output = tmp_path / "results"
    values = settings(
        output, engine=slow, cluster={"nodes": [{"name": "node-a"}]}, load={"warmup_prompts": 0}, dataset={"samples": 4}
    )
    controller = Controller(write_settings(tmp_path / "assay.yaml", values))
    while not any(has(path) for path in tmp_path.glob("results/*/runs/*/parts/issued.bin")):
        assert not controller.ended, controller.log.read_text()
        time.sleep(0.05)
    controller.send(signal.SIGINT)
    time.sleep(0.2)
    assert controller.kill(signal.SIGINT) == 130
    assert controller.gone(), still_running(controller.mark)
    assert "Traceback" not in controller.log.read_text()
    resumed = Controller(tmp_path / "assay.yaml", "--resume")
    assert resumed.wait() == 0, resumed.log.read_text()
    assert len(completed(output)) == 1
    (folder,) = find_campaigns(output)
    assert sum(read_ledger(folder.run(run)).completed for run in completed(output).values() if run) == 4
