"""A page counts all that was planned: runs that have no end, samples that were never issued."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.analysed import analysed
from tests.synthetic import Node, Plan, write_campaign

from assay.report.campaign_page import campaign_page
from assay.report.page import Table, Text
from assay.runs import CampaignFolder, RunEntry, RunStatus, read_campaign, read_ledger, write_json
from assay.runs.folder import RunFolder

PLAN = Plan(samples=60, nodes=(Node("node-a", slots=4),), chunks=False, telemetry=False)
WHY = "server node-b ended by itself (exit code 1); every endpoint failed during warm-up: node-b: no connection"


def nothing_issued(run: RunFolder) -> None:
    none = {"issued": 0, "completed": 0, "failed": 0, "lost": 0, "loadgen_issued": 0, "endpoints": []}
    write_json(run.ledger, read_ledger(run).model_copy(update=none))


def with_a_dead_node(parent: Path) -> CampaignFolder:
    """Node A was measured, node B's server ended in its warm-up, so that nothing was run together."""
    plans = {"alone-a-r0": PLAN, "alone-b-r0": replace(PLAN, nodes=(Node("node-b"),), status=RunStatus.FAILED)}
    folder = write_campaign(parent, plans)
    nothing_issued(folder.run("alone-b-r0"))
    state = read_campaign(folder)
    for entry in state.runs:
        entry.queries = 60
    state.runs[1].reason = WHY
    together = {"key": "together-r0", "scenario": "Offline", "mode": "performance", "nodes": ["node-a", "node-b"]}
    skipped = {"queries": 120, "status": "skipped", "reason": "left out: node-b"}
    state.runs.append(RunEntry.model_validate(together | skipped))
    state.left_out = {"node-b": f"alone-b-r0 ended as failed: {WHY}"}
    write_json(folder.state, state)
    return folder


def test_a_run_that_failed_and_one_that_was_skipped_count(tmp_path: Path) -> None:
    page = campaign_page(analysed(with_a_dead_node(tmp_path)))
    assert "60 of 240 planned samples were issued; all of them were answered." in page.answer
    assert f"node-b failed: {WHY}." in page.answer
    assert "node-a + node-b skipped: left out: node-b." in page.answer
    assert page.banner.startswith("1 of 3 runs failed, 1 skipped; short run")


def test_a_run_that_was_skipped_is_in_the_ledger_and_no_row_is_told_twice(tmp_path: Path) -> None:
    page = campaign_page(analysed(with_a_dead_node(tmp_path)))
    blocks = {section.id: section.blocks for section in page.sections}
    (ledger,) = blocks["ledger"]
    assert isinstance(ledger, Table)
    assert [row[0] for row in ledger.rows] == ["node-a", "node-b", "node-a + node-b"]
    assert ledger.rows[-1][-1] == "nothing to balance: skipped"
    assert [type(block) for block in blocks["throughput"]] == [Table], "one row, which no sentence repeats"
    texts = [block.text for block in blocks["latency"] if isinstance(block, Text)]
    assert not any("picture" in text for text in texts), "there is none"


def test_a_number_of_some_of_the_nodes_says_which(tmp_path: Path) -> None:
    folder = with_a_dead_node(tmp_path)
    write_json(folder.state, read_campaign(folder).model_copy(update={"project_samples": 1000}))
    why, failed, skipped, rate, whole, *_ = campaign_page(analysed(folder)).answer
    assert why == (
        "1 of 3 runs failed, 1 skipped. Scaling efficiency is not measured: no nodes were run together, because node-b "
        "was left out."
    )
    assert failed == f"node-b failed: {WHY}."
    assert skipped == "node-a + node-b skipped: left out: node-b."
    assert rate.startswith("node-a: ")
    assert " on node-a: a projection, " in whole


def test_a_campaign_of_which_nothing_was_issued_says_how_much_was_planned(tmp_path: Path) -> None:
    plan = replace(PLAN, samples=40, status=RunStatus.FAILED)
    folder = write_campaign(
        tmp_path, {"offline-r0": plan, "server-r0": replace(plan, scenario="Server", qps=2.0, lost=39)}
    )
    nothing_issued(folder.run("offline-r0"))
    state = read_campaign(folder)
    for entry in state.runs:
        entry.queries, entry.reason = 40, WHY
    write_json(folder.state, state)
    said = campaign_page(analysed(folder)).answer
    assert "40 of 80 planned samples were issued; 1 of them were answered, 0 failed, 39 lost." in said
    assert not any(words.startswith("Offline, Server") for words in said), "why it failed is told once"
