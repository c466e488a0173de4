"""A node that corrupts 3 % of its answers is named by the campaign that measured it, and sound ones aren't."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.campaigns import Quiet, config

from assay.analysis.campaign import CampaignAnalysis, analyse_campaign, run_line
from assay.analysis.run import analyse_run
from assay.campaign.reporting import answer_lines
from assay.campaign.runner import CampaignOutcome, run_campaign
from assay.commands.notices import finding_lines
from assay.report.campaign_page import campaign_page
from assay.report.data import campaign_report_json
from assay.report.page import Table
from assay.runs import read_result, write_json

pytestmark = pytest.mark.usefixtures("no_reports")
NODES = {"nodes": [{"name": "node-a"}, {"name": "node-b"}, {"name": "node-c"}]}
ENGINE = {"kind": "simulated", "output_tokens": 8, "window": 16}
PROMPTS = {"samples": 1000, "synthetic": {"input": 50, "output": 8}}


def carry_out(folder: Path, **changes: Any) -> CampaignOutcome:
    return asyncio.run(run_campaign(config(folder, **changes), Quiet()))


def analysed(outcome: CampaignOutcome) -> CampaignAnalysis:
    lines = [run_line(entry, analyse_run(outcome.folder.run(entry.run or ""))) for entry in outcome.state.runs]
    analysis = analyse_campaign(outcome.folder, lines)
    assert analysis is not None
    return analysis


@pytest.mark.parametrize("corrupt", [True, False])
def test_a_scaling_campaign_compares_what_each_node_answered_alone(tmp_path: Path, corrupt: bool) -> None:
    engine = {**ENGINE, "faults": {"node-b": ["corrupt,p=0.03"]} if corrupt else {}}
    outcome = carry_out(
        tmp_path, dataset=PROMPTS, engine=engine, cluster=NODES, campaign={"kind": "scaling", "repeats": 1}
    )
    analysis = analysed(outcome)
    assert analysis.answers is not None
    assert analysis.answers.prompts == 1000
    differing = [finding.title for finding in analysis.findings if finding.rule.startswith("answers-")]
    assert differing == ["The answers of node-b aren't those of the others."] * corrupt
    equal = {part.endpoint: part.equal for part in analysis.answers.endpoints}
    assert equal["node-a"] == equal["node-c"] == 1
    assert (0.94 < equal["node-b"] < 1) == corrupt
    (accuracy,) = [section for section in campaign_page(analysis).sections if section.id == "accuracy"]
    (table,) = [block for block in accuracy.blocks if isinstance(block, Table)]
    assert [(row[0], bool(row[-1])) for row in table.rows] == [
        ("node-a", False), ("node-b", corrupt), ("node-c", False),
    ]  # fmt: skip
    write_json(outcome.folder.report_json, campaign_report_json(analysis))
    assert answer_lines(outcome.folder)[-1].startswith("answers: 1,000 prompts were answered by two or more endpoints")
    told = [line for line in finding_lines(analysis.findings, outcome.state.runs) if "aren't those" in line]
    assert [line.split(" aren't")[0] for line in told] == ["- The answers of node-b"] * corrupt


def test_an_accuracy_run_has_each_endpoints_scores(tmp_path: Path) -> None:
    outcome = carry_out(tmp_path, modes=["accuracy"], dataset={"samples": 40}, engine={**ENGINE, "window": 2})
    (entry,) = outcome.state.runs
    result = read_result(outcome.folder.run(entry.run or ""))
    assert result is not None
    assert result.accuracy is not None
    parts = {part.endpoint: part for part in result.accuracy.endpoints}
    assert set(parts) == {"node-a", "node-b"}
    assert sum(part.samples for part in parts.values()) == 40
    whole = result.accuracy.scores["rouge1"]
    assert sum(part.samples * part.scores["rouge1"].value for part in parts.values()) / 40 == pytest.approx(
        whole.value, abs=1e-3
    )
    assert whole.low is not None
    assert whole.low < whole.value < (whole.high or 0)
    assert result.accuracy.scores["gen_len"].low is None
