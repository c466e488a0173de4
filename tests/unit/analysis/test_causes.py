"""Planted causes are found, and clean runs yield nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.analysing import Analyse
from tests.metered import write_meters
from tests.synthetic import Node, Plan, write_run

from assay.analysis.findings import find
from assay.analysis.run import RunAnalysis, analyse_run
from assay.analysis.told import Told
from assay.runs import read_record, write_json
from assay.runs.telemetry import read_telemetry

A, B = Node("node-a"), Node("node-b")
CLEAN = {
    "Offline": Plan(chunks=False),
    "Server": Plan(scenario="Server", qps=8.0, chunks=False),
    "SingleStream": Plan(scenario="SingleStream", samples=300, nodes=(A,), chunks=False),
    "eight nodes": Plan(samples=4000, nodes=tuple(Node(f"node-{i}") for i in range(8)), chunks=False),
    "one node": Plan(nodes=(A,), chunks=False),
}


def rules(run: RunAnalysis) -> set[str]:
    """What was found; nothing is found without evidence."""
    assert [finding.rule for finding in run.findings if not finding.evidence] == []
    return {finding.rule for finding in run.findings}


@pytest.mark.parametrize("name", CLEAN)
@pytest.mark.parametrize("seed", range(5))
def test_clean_runs_yield_no_finding(analyse: Analyse, name: str, seed: int) -> None:
    from dataclasses import replace

    assert rules(analyse(replace(CLEAN[name], seed=seed))) == set()


@pytest.mark.parametrize("scenario", ["Offline", "Server"])
@pytest.mark.parametrize("seed", range(3))
def test_slow_node(analyse: Analyse, scenario: str, seed: int) -> None:
    slow = Node("node-b", speed=0.7, clock_mhz=1300)
    found = analyse(Plan(scenario=scenario, qps=8.0, nodes=(A, slow), seed=seed, chunks=False)).findings
    assert [f.rule for f in found] == ["slow-node"]
    assert "node-b" in found[0].title
    assert "SM clock 1300 MHz on average, 198" in found[0].evidence[1].figure


def test_the_cause_may_be_on_any_node_of_an_endpoint(tmp_path: Path) -> None:
    folder = write_run(tmp_path, Plan(nodes=(A, Node("node-b", speed=0.7, clock_mhz=1300)), chunks=False))
    rows = read_telemetry(folder.telemetry).to_pylist()
    moved = [
        ("node-x" if row["node"] == "node-b" and row["metric"].startswith("gpu") else row["node"],
         row["metric"], row["time_ns"], row["value"])
        for row in rows
    ]  # fmt: skip
    write_meters(folder.telemetry, moved)
    record = read_record(folder)
    record.endpoints[1].followers = ["node-x"]
    write_json(folder.record, record)
    slow = next(finding for finding in analyse_run(folder).findings if finding.rule == "slow-node")
    assert "gpu0 of node-x: SM clock 1300 MHz on average, 198" in slow.evidence[1].figure


def test_slow_node_without_a_visible_cause_says_unknown(analyse: Analyse) -> None:
    found = analyse(Plan(nodes=(A, Node("node-b", speed=0.7)), chunks=False)).findings
    assert found[0].rule == "slow-node"
    assert found[0].suggestion.startswith("unknown")
    bare = analyse(Plan(nodes=(A, Node("node-b", speed=0.7)), chunks=False, telemetry=False)).findings
    assert bare[0].suggestion.startswith("unknown")


def test_expected_gain_of_mending_a_slow_node_is_the_true_one(analyse: Analyse) -> None:
    """Speeds 1 and 0.6: mended, 2 instead of 1.6, 25 % more."""
    found = analyse(Plan(samples=6000, nodes=(A, Node("node-b", speed=0.6)), chunks=False)).findings
    assert float(found[0].expect.split(" %")[0]) == pytest.approx(25, abs=3)


def test_a_late_client_says_nothing_of_a_cold_start(tmp_path: Path) -> None:
    folder = write_run(tmp_path, Plan(nodes=(Node("node-a", cold_s=15), Node("node-b", cold_s=15)), chunks=False))
    assert rules(analyse_run(folder)) == {"cold-start"}
    record = read_record(folder)
    record.client.client_bound, record.client.reasons = True, ["worker-0 used 99 % of a core"]
    write_json(folder.record, record)
    assert "cold-start" not in rules(analyse_run(folder))


@pytest.mark.parametrize("seed", range(3))
def test_cold_start(analyse: Analyse, seed: int) -> None:
    plan = Plan(nodes=(Node("node-a", cold_s=15), Node("node-b", cold_s=15)), seed=seed, chunks=False)
    run = analyse(plan)
    assert rules(run) == {"cold-start"}
    assert run.phases is not None
    assert 10 < run.phases.steady_from_s < 35
    assert run.phases.steady_tokens_per_s > run.phases.headline_tokens_per_s


@pytest.mark.parametrize("seed", range(3))
def test_tail_imbalance(analyse: Analyse, seed: int) -> None:
    plan = Plan(nodes=(Node("node-a", share=0.35), Node("node-b", share=0.65)), seed=seed, chunks=False)
    run = analyse(plan)
    assert "tail-imbalance" in rules(run)
    assert run.nodes is not None
    idle = {fact.node: fact.idle_tail_s for fact in run.nodes.nodes}
    assert idle["node-b"] == 0
    assert idle["node-a"] > 30
    assert run.nodes.idle_share == pytest.approx(
        idle["node-a"] / (2 * run.result.figures["duration_s"].value), rel=0.02
    )


@pytest.mark.parametrize("seed", range(3))
def test_throttling(analyse: Analyse, seed: int) -> None:
    plan = Plan(nodes=(A, Node("node-b", throttle_from=0.5)), seed=seed, chunks=False)
    run = analyse(plan)
    assert rules(run) == {"slow-node", "throttling"}
    found = {f.rule: f for f in run.findings}
    assert "hardware thermal slowdown" in found["throttling"].evidence[0].figure
    assert "SM clock 990 MHz then, 1980 otherwise" in found["throttling"].evidence[0].figure


def test_preemptions_and_competing_processes(analyse: Analyse) -> None:
    slow = Node("node-b", speed=0.7, competing_processes=2, preemptions_per_s=3)
    found = {f.rule: f for f in analyse(Plan(nodes=(A, slow), chunks=False)).findings}
    assert set(found) == {"slow-node", "preemptions"}
    causes = found["slow-node"].evidence[1].figure
    assert "3 processes on the GPU, 1 at the others" in causes
    assert "preemptions in the engine" in causes


def test_unanswered_samples_are_an_error(analyse: Analyse) -> None:
    found = analyse(Plan(samples=400, failed=3, lost=2, chunks=False)).findings
    assert found[0].rule == "failed-samples"
    assert found[0].severity == "error"
    assert "3 failed, 2 lost of 400" in found[0].evidence[0].figure
    assert "endpoints/*.log" in found[0].suggestion


def test_servers_that_run_elsewhere_have_their_own_logs(analyse: Analyse) -> None:
    run = analyse(Plan(samples=400, failed=3, chunks=False))
    for endpoint in run.record.endpoints:
        endpoint.engine = "external"
    found = find(run.record, run.result, run.ledger, None, None, None, Told(), None, [], None, None)
    suggestions = [f.suggestion for f in found if f.rule in ("failed-samples", "failed-attempts")]
    assert len(suggestions) > 1
    assert all("the server's own log" in words and "endpoints/" not in words for words in suggestions)
