"""Energy and cost on pages: what was metered, what wasn't, and runs side by side."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.synthetic import Node, Plan, write_campaign

from assay.analysis.campaign import CampaignAnalysis, analyse_campaign, run_line
from assay.analysis.compare import compare
from assay.analysis.expenses import COST
from assay.analysis.run import RunAnalysis, analyse_run
from assay.report.data import campaign_report_json
from assay.report.expenses import campaign_expenses_blocks, expenses_blocks
from assay.report.page import Table, Text
from assay.results import load_campaign
from assay.runs import CampaignFolder, RunFolder, read_campaign, read_record, write_json
from assay.runs.cost import CostFacts
from assay.runs.telemetry import TELEMETRY_SCHEMA, TelemetryJournal, read_telemetry, write_telemetry

ALONE = Plan(samples=200, nodes=(Node("node-a"),), chunks=False)
BOTH = replace(ALONE, nodes=(Node("node-a"), Node("node-b")), samples=400)


def cut_meters(folder: RunFolder, *nodes: str) -> None:
    """Take these nodes' power out of the telemetry."""
    rows = read_telemetry(folder.telemetry).to_pylist()
    journal = TelemetryJournal(folder.path / "left")
    for row in rows:
        if row["node"] not in nodes or row["metric"] != "gpu0_power_w":
            journal.add(*(row[name] for name in TELEMETRY_SCHEMA.names))
    journal.close()
    write_telemetry(folder.path / "left", folder.telemetry)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> CampaignFolder:
    """A node alone, then two of which one isn't metered; both have a price."""
    made = write_campaign(tmp_path_factory.mktemp("expenses"), {"alone-r0": ALONE, "both-r0": BOTH})
    cut_meters(made.run("both-r0"), "node-b")
    for key, nodes in (("alone-r0", ["node-a"]), ("both-r0", ["node-a", "node-b"])):
        run = made.run(key)
        cost = CostFacts(currency="EUR", per_hour=dict.fromkeys(nodes, 3.0))
        write_json(run.record, read_record(run).model_copy(update={"cost": cost}))
    return made


@pytest.fixture(scope="module")
def runs(folder: CampaignFolder) -> list[RunAnalysis]:
    return [analyse_run(folder.run(key)) for key in ("alone-r0", "both-r0")]


@pytest.fixture(scope="module")
def campaign(folder: CampaignFolder, runs: list[RunAnalysis]) -> CampaignAnalysis:
    lines = [run_line(entry, run) for entry, run in zip(read_campaign(folder).runs, runs, strict=True)]
    analysis = analyse_campaign(folder, lines)
    assert analysis is not None
    return analysis


def test_a_runs_page_says_what_was_metered_and_what_not(runs: list[RunAnalysis]) -> None:
    figures, formulas, metered, meters = expenses_blocks(runs[1])
    assert isinstance(figures, Table)
    assert isinstance(formulas, Table)
    assert isinstance(metered, Text)
    assert isinstance(meters, Table)
    assert [row[0] for row in figures.rows] == [
        "Energy", "Mean power", "Energy a sample", "Energy an output token", "Output tokens/s for each kW",
        "Cost of a million output tokens",
    ]  # fmt: skip
    assert figures.rows[-1][-1] == "EUR/million output tokens"
    assert metered.text.startswith(
        "Metered: accelerators, on 1 of 2 nodes, 1 of 2 accelerators; not node-b: 0 of 1 accelerators metered. "
        "The figures are the energy of the metered nodes over their own answers."
    )
    assert [(row[0], row[1], row[2], row[5]) for row in meters.rows] == [("node-a", "gpu0", "power readings", "yes")]


@pytest.mark.parametrize("priced", [True, False])
def test_energy_that_isnt_measured_is_said_with_the_reason(tmp_path: Path, priced: bool) -> None:
    made = write_campaign(tmp_path, {"both-r0": BOTH})
    run = made.run("both-r0")
    cut_meters(run, "node-a", "node-b")
    record = read_record(run)
    record.cost = CostFacts(currency="EUR", per_hour={"node-a": 3.0, "node-b": 3.0}) if priced else None
    for endpoint in record.endpoints:
        endpoint.engine = "external"
    write_json(run.record, record)
    told = Text("Energy: not measured. Assay reads no meters of servers that it didn't start.")
    analysis = analyse_run(run)
    tables = [Table] * priced
    assert [type(block) for block in expenses_blocks(analysis)] == [*tables, *tables, Text]
    assert told in list(expenses_blocks(analysis))
    lines = [run_line(entry, analysis) for entry in read_campaign(made).runs]
    whole = analyse_campaign(made, lines)
    assert whole is not None
    assert [type(block) for block in campaign_expenses_blocks(whole)] == [*tables, Text]
    assert told in list(campaign_expenses_blocks(whole))


def test_a_price_that_is_missing_is_said(runs: list[RunAnalysis]) -> None:
    cost = CostFacts(currency="EUR", per_hour={"node-a": 3.0}, unpriced=["node-b"])
    unpriced = replace(runs[1], record=runs[1].record.model_copy(update={"cost": cost}))
    assert Text("No cost: there is no price of node-b.") in list(expenses_blocks(unpriced))


def test_a_campaigns_runs_stand_side_by_side(campaign: CampaignAnalysis) -> None:
    table, partly = campaign_expenses_blocks(campaign)
    assert isinstance(table, Table)
    assert isinstance(partly, Text)
    assert table.columns[1:] == (
        "Mean power (W)", "Energy a sample (J/sample)", "Energy an output token (J/token)",
        "Output tokens/s for each kW (tokens/s/kW)", "Cost of a million output tokens (EUR/million output tokens)",
    )  # fmt: skip
    assert len(table.rows) == 2
    assert partly.text.startswith("Of 1 run not all nodes were metered")
    told = campaign_report_json(campaign)["groups"][0]["expenses"]
    known = campaign.groups[0].first.result.figures["joules_per_output_token"]
    assert told["joules_per_output_token"]["value"] == pytest.approx(known.value)
    assert told["joules_per_output_token"]["low"] == pytest.approx(known.low)


def test_a_row_for_other_tools_says_whose_energy_it_is(folder: CampaignFolder, runs: list[RunAnalysis]) -> None:
    for run in runs:
        write_json(run.folder.result, run.result)
    _, both = load_campaign(folder.path).figures().to_pylist()
    energy, cost = (runs[1].result.figures[name] for name in ("joules_per_output_token", COST))
    assert (both["joules_per_output_token"], both["joules_per_output_token_high"]) == (energy.value, energy.high)
    assert (both[COST], both["currency"]) == (cost.value, "EUR")
    assert both["metered"] == "accelerators of 1 of 2 nodes"


def test_a_comparison_has_cost_and_of_the_same_meters_energy(runs: list[RunAnalysis]) -> None:
    (same,) = compare([runs[0], runs[0]])
    changes = {change.quantity: change for change in same.changes}
    assert changes["Energy an output token"].ratio == pytest.approx(1)
    assert changes["Energy an output token"].words == "no difference shown"
    assert changes["Cost of a million output tokens"].unit == "EUR/million output tokens"
    (other,) = compare(runs)
    assert "Cost of a million output tokens" in {change.quantity for change in other.changes}
    assert not any(change.quantity.startswith("Energy") for change in other.changes)
