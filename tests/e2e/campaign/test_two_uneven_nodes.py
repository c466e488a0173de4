"""The example of two uneven nodes: what its report states agrees with what the simulated servers wrote down.

The truth is taken in the very runs that the report is about, so it shares their noise, and the two differ by the
client's error alone. That error is part of the reported intervals, as a bound on what the client measured of itself;
so a figure outside its interval is a mistake, not one time in twenty. Figures without an interval must equal the truth,
counts to the last sample and times to what the client says of its own clock.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.campaigns import Controller, latest
from tests.simulator_truth import TrueRun, true_runs, true_seconds

from assay.config import Config, load_config
from assay.engines.options import SimulatedOptions
from assay.runs import CampaignFolder, CampaignState, RunRecord

pytestmark = [pytest.mark.resume, pytest.mark.slow]

EXAMPLE = Path(__file__).parents[3] / "src/assay/examples" / "two-uneven-nodes.yaml"
NODES = ("node-a", "node-b")
WHOLE = 13_368
LIMIT_S = 180


@dataclass
class Done:
    """The example, carried out once for all tests."""

    config: Config
    folder: CampaignFolder
    state: CampaignState
    truth: dict[str, TrueRun]
    report: dict[str, Any]
    seconds: float

    def runs(self, *nodes: str) -> list[TrueRun]:
        return [run for run in self.truth.values() if run.nodes == nodes]

    def mean(self, what: str, *nodes: str) -> float:
        values = [getattr(run, what) for run in self.runs(*nodes)]
        assert len(values) == 3
        return float(sum(values) / len(values))


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    folder = tmp_path_factory.mktemp("example")
    began_s = time.monotonic()
    controller = Controller(
        EXAMPLE, "--output", str(folder / "results"), "--set", f"engine.truth={folder / 'truth'}", folder=folder
    )
    assert controller.wait(280) == 0, controller.log.read_text()
    seconds = time.monotonic() - began_s
    assert controller.gone()
    campaign, state = latest(folder / "results")
    report = json.loads((campaign.path / "report.json").read_text())
    truth = true_runs(campaign, state, folder / "truth")
    return Done(load_config(EXAMPLE), campaign, state, truth, report, seconds)


def test_it_takes_no_longer_than_it_says(done: Done) -> None:
    assert done.seconds < LIMIT_S


def test_the_servers_and_the_ledger_count_the_same(done: Done) -> None:
    assert [(run.nodes, run.samples) for run in done.truth.values()] == [
        (tuple(entry.nodes), 200 * len(entry.nodes)) for entry in done.state.runs
    ]


@pytest.mark.parametrize("nodes", [("node-a",), ("node-b",), NODES])
def test_rates_agree_within_their_intervals(done: Done, nodes: tuple[str, ...]) -> None:
    (group,) = [group for group in done.report["groups"] if group["what"] == "Offline " + " + ".join(nodes)]
    for name, what in (("samples_per_s", "samples_per_s"), ("output_tokens_per_s", "tokens_per_s")):
        assert group[name]["low"] <= done.mean(what, *nodes) <= group[name]["high"]


def test_combined_over_the_sum_of_the_singles_agrees_within_its_interval(done: Done) -> None:
    (group,) = done.report["scaling"]["groups"]
    alone = {node: done.mean("tokens_per_s", node) for node in NODES}
    together = done.mean("tokens_per_s", *NODES)
    assert group["nodes"] == list(NODES)
    assert group["repeats"] == 3
    assert group["rate_low"] <= together <= group["rate_high"]
    assert group["sum_low"] <= sum(alone.values()) <= group["sum_high"]
    assert group["low"] <= together / sum(alone.values()) <= group["high"]
    assert group["best_alone"] == "node-b"
    assert group["speedup_low"] <= together / alone["node-b"] <= group["speedup_high"]


@pytest.mark.parametrize("nodes", [("node-a",), ("node-b",), NODES])
def test_the_projection_holds_the_time_of_other_samples(done: Done, nodes: tuple[str, ...]) -> None:
    (line,) = [line for line in done.report["projections"] if line["name"] == " + ".join(nodes)]
    engine = done.config.engine
    assert isinstance(engine, SimulatedOptions)
    assert line["samples"] == WHOLE
    assert line["seconds_low"] <= true_seconds(done.runs(*nodes), engine, WHOLE) <= line["seconds_high"]


def test_shares_and_idle_tails_are_the_servers_own(done: Done) -> None:
    for entry in done.state.runs:
        if len(entry.nodes) == 1:
            continue
        assert entry.run is not None
        folder = done.folder.run(entry.run)
        client = RunRecord.model_validate_json(folder.record.read_bytes()).client
        resolution_s = (
            max(client.loop_lag_max_ns.values()) / 1e9 + (client.calibration or {})["ttft_error_p99_ns"] / 1e9
        )
        true = done.truth[entry.key]
        for line in json.loads((folder.path / "report.json").read_text())["nodes"]["nodes"]:
            assert line["share"] == true.share(line["node"])
            assert line["idle_tail_s"] == pytest.approx(true.idle_tail_s(line["node"]), abs=resolution_s)
    text = (done.folder.path / "report.md").read_text()
    assert "Idle at the end" in text
    assert "13,368 samples" in text
