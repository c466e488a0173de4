"""The example of two uneven nodes: what its report states agrees with what the simulator was told to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.campaigns import Controller, latest

from assay.config import Config, load_config
from assay.engines.options import SimulatedOptions
from assay.runs import CampaignFolder, CampaignState, read_requests

pytestmark = pytest.mark.slow

EXAMPLE = Path(__file__).parents[3] / "examples" / "two-uneven-nodes.yaml"
NODES = ("node-a", "node-b")
WHOLE = 13_368
# What the end of a run (places that stay empty), the client and a busy machine may take away, as a share.
ALLOWED = 0.08


def output_tokens(folder: CampaignFolder, state: CampaignState) -> dict[int, int]:
    """How many tokens the simulator answers each prompt with: the same in every run."""
    lengths: dict[int, int] = {}
    for entry in state.runs:
        assert entry.run is not None
        table = read_requests(folder.run(entry.run).requests, ["qsl_idx", "output_tokens"])
        for row in table.to_pylist():
            assert lengths.setdefault(row["qsl_idx"], row["output_tokens"]) == row["output_tokens"]
    return lengths


def true_rate(engine: SimulatedOptions, lengths: dict[int, int], speed: float) -> float:
    """Samples/s of servers whose every place is always taken, from the simulator's options alone."""
    seconds = [(engine.ttft_ms + engine.itl_ms * (tokens - 1)) / 1000 for tokens in lengths.values()]
    return engine.window * speed * len(seconds) / sum(seconds)


def agrees(truth: float, low: float, high: float) -> bool:
    return low * (1 - ALLOWED) <= truth <= high * (1 + ALLOWED)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Config, CampaignFolder, CampaignState]:
    folder = tmp_path_factory.mktemp("example")
    controller = Controller(EXAMPLE, "--output", str(folder / "results"), folder=folder)
    assert controller.wait(280) == 0, controller.log.read_text()
    assert controller.gone()
    return load_config(EXAMPLE), *latest(folder / "results")


def report(folder: CampaignFolder) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder.path / "report.json").read_text())
    return found


def test_the_report_agrees_with_the_simulator(done: tuple[Config, CampaignFolder, CampaignState]) -> None:
    settings, folder, state = done
    engine = settings.engine
    assert isinstance(engine, SimulatedOptions)
    lengths = output_tokens(folder, state)
    assert len(lengths) == 50
    truth = {
        ("node-a",): true_rate(engine, lengths, 1.0),
        ("node-b",): true_rate(engine, lengths, 2.1),
        NODES: true_rate(engine, lengths, 1.0 + 2.1),
    }
    made = report(folder)
    projections = {tuple(node for node in NODES if node in line["name"]): line for line in made["projections"]}
    assert set(projections) == set(truth)
    for nodes, rate in truth.items():
        line = projections[nodes]
        assert line["samples"] == WHOLE
        assert agrees(rate, line["rate_low"], line["rate_high"]), nodes
        assert agrees(WHOLE / rate, line["seconds_low"], line["seconds_high"]), nodes

    (group,) = made["scaling"]["groups"]
    alone = truth[NODES[:1]] + truth[NODES[1:]]
    assert group["nodes"] == list(NODES)
    assert group["repeats"] == 3
    assert truth[NODES] == pytest.approx(alone)
    assert agrees(1.0, group["low"], group["high"])
    assert group["low"] < group["efficiency"] < group["high"]


def test_each_node_does_its_part_and_idles_no_longer_than_a_sample(
    done: tuple[Config, CampaignFolder, CampaignState],
) -> None:
    settings, folder, state = done
    longest_s = 1.5 * (settings.engine.ttft_ms + settings.engine.itl_ms * 64) / 1000  # type: ignore[union-attr]
    for entry in state.runs:
        if len(entry.nodes) == 1:
            continue
        assert entry.run is not None
        nodes = {line["node"]: line for line in json.loads(
            (folder.run(entry.run).path / "report.json").read_text())["nodes"]["nodes"]}  # fmt: skip
        assert nodes["node-b"]["share"] == pytest.approx(2.1 / 3.1, abs=0.04)
        assert sum(line["samples"] for line in nodes.values()) == 400
        assert all(line["idle_tail_s"] < longest_s for line in nodes.values())
    assert "Idle at the end" in (folder.path / "report.md").read_text()
