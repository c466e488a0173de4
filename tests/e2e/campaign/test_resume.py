"""Campaigns whose controller is killed at random moments, and resumed: same end, nothing twice, nothing left over."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

import pytest
from tests.campaigns import Controller, latest, settings, still_running, write_settings

from assay.runs import CampaignFolder, CampaignState, RunStatus, read_ledger, read_requests
from assay.runs.campaign import find_campaigns

pytestmark = [pytest.mark.resume, pytest.mark.slow]

KILLS = 10
SEED = 20261122
LONGEST_S = 2.0


def begun(output: Path) -> int:
    """How many run folders there are."""
    return sum(len(list(folder.runs.iterdir())) for folder in find_campaigns(output))


def final_state(folder: CampaignFolder, state: CampaignState) -> list[tuple[object, ...]]:
    """What must be the same however often a campaign was interrupted."""
    rows: list[tuple[object, ...]] = []
    for entry in state.runs:
        assert entry.run is not None
        run = folder.run(entry.run)
        ledger = read_ledger(run)
        table = read_requests(run.requests, ["sample_id", "qsl_idx", "final"]).to_pylist()
        samples = sorted(row["qsl_idx"] for row in table if row["final"])
        assert ledger.balanced
        assert run.result.exists()
        assert not run.parts.exists()
        rows.append((entry.key, entry.status, entry.nodes, ledger.issued, ledger.completed, samples))
    known = {entry.run for entry in state.runs} | {run for entry in state.runs for run in entry.earlier}
    assert {path.name for path in folder.runs.iterdir()} == known, "a run folder that no campaign knows"
    return sorted(rows, key=lambda row: str(row[0]))


def uninterrupted() -> list[tuple[object, ...]]:
    """The final state that the plan alone determines: eight samples for each node, every one once."""
    nodes = {"alone-node-a-r0": ["node-a"], "alone-node-b-r0": ["node-b"], "together-2-r0": ["node-a", "node-b"]}
    return [
        (key, RunStatus.COMPLETED, of, 8 * len(of), 8 * len(of), sorted([*range(8)] * len(of)))
        for key, of in nodes.items()
    ]


def unfinished(output: Path) -> bool:
    return bool(find_campaigns(output)) and not latest(output)[0].report.exists()


def completed(state: CampaignState) -> dict[str, str | None]:
    return {entry.key: entry.run for entry in state.runs if entry.status is RunStatus.COMPLETED}


def test_ten_kills_and_the_same_end(tmp_path: Path) -> None:
    output = tmp_path / "results"
    campaign = {"kind": "scaling", "repeats": 1, "queries_per_node": 8, "seed": 5}
    file = write_settings(tmp_path / "assay.yaml", settings(output, campaign=campaign))
    expected = uninterrupted()
    draw = random.Random(SEED)
    done: dict[str, str | None] = {}
    kills, in_a_run = 0, 0
    while kills < KILLS:
        controller = Controller(file, *(["--resume"] if unfinished(output) else []))
        before = begun(output)
        if draw.random() < 0.6:  # moments within or after a run; the others are while everything starts
            while begun(output) == before and not controller.ended:
                time.sleep(0.01)
        moment_s = time.monotonic() + draw.uniform(0, LONGEST_S)
        while time.monotonic() < moment_s and not controller.ended:
            time.sleep(0.01)
        kills += not controller.ended
        controller.kill()
        assert controller.gone(), still_running(controller.mark)
        if not find_campaigns(output):
            continue
        folder, state = latest(output)
        in_a_run += any(entry.run and entry.status is None for entry in state.runs)
        assert completed(state).items() >= done.items(), "a completed run was repeated or lost"
        done = completed(state)
        if state.ended_utc:
            assert final_state(folder, state) == expected
        if folder.report.exists():
            done = {}
    controller = Controller(file, *(["--resume"] if unfinished(output) else []))
    assert controller.wait() == 0
    assert controller.gone()
    folder, state = latest(output)
    assert completed(state).items() >= done.items()
    assert final_state(folder, state) == expected
    assert in_a_run, "no kill hit a run: the moments are badly chosen"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
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
