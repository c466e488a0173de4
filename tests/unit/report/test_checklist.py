"""An official campaign's page says point by point what a submission still lacks, in the words of a refusal."""

from __future__ import annotations

from pathlib import Path

from tests.synthetic import Plan, write_campaign

from assay.analysis.campaign import CampaignAnalysis, analyse_campaign, run_line
from assay.analysis.run import analyse_run
from assay.report.checklist import DONE, MEND, MISSING, checklist_blocks
from assay.report.page import Table, Text
from assay.runs import CampaignFolder, read_campaign, write_json


def analysed(folder: CampaignFolder) -> CampaignAnalysis:
    entries = read_campaign(folder).runs
    lines = [run_line(entry, analyse_run(folder.run(entry.run))) for entry in entries if entry.run]
    analysis = analyse_campaign(folder, lines)
    assert analysis is not None
    return analysis


def rows(analysis: CampaignAnalysis) -> tuple[str, dict[tuple[str, str], tuple[str, str]]]:
    text, table = checklist_blocks(analysis)
    assert isinstance(text, Text)
    assert isinstance(table, Table)
    return text.text, {(row[0], row[1]): (row[2], row[3]) for row in table.rows}


def campaign(folder: Path, kind: str = "official") -> CampaignFolder:
    plans = {
        "offline-performance-r0": Plan(samples=60, official=True),
        "offline-accuracy-r0": Plan(samples=60, official=True, mode="accuracy"),
    }
    return write_campaign(folder, plans, kind)


def test_each_part_of_each_result_is_there_or_says_why_not(tmp_path: Path) -> None:
    folder = campaign(tmp_path)
    state = read_campaign(folder)
    left = state.runs[0].model_copy(update={"key": "later-r0", "compliance": "TEST06", "run": None, "status": None})
    planning = state.runs[0].model_copy(update={"key": "planning-r0", "planning": True, "run": None, "status": None})
    state.runs += [left, planning]
    write_json(folder.state, state)
    analysis = analysed(folder)
    text, found = rows(analysis)
    assert found["Offline", "performance"][0] == MEND
    assert "the endpoints are simulated" in found["Offline", "performance"][1]
    assert found["Offline", "TEST06"] == (MISSING, "planned, and not carried out: `assay run --resume` goes on")
    assert found["the submission", "scenarios"] == (
        MISSING, "llama3.1-8b needs Server or Interactive in the closed division",
    )  # fmt: skip
    assert "`system.yaml`" in found["the submission", "system's description"][1]
    assert text.startswith("4 of 5 points are open")

    valid = analysis.lines[0].result.verdict
    valid.valid, valid.words, valid.reasons = True, "VALID", []
    text, found = rows(analysis)
    assert found["Offline", "performance"] == (DONE, "")
    assert text.startswith("3 of 5 points are open")


def test_a_compliance_test_that_nobody_planned_is_missing(tmp_path: Path) -> None:
    _, found = rows(analysed(campaign(tmp_path)))
    assert found["Offline", "compliance"] == (
        MISSING, "there is no TEST06 run, which closed asks for (campaign.compliance: [TEST06])",
    )  # fmt: skip


def test_other_campaigns_have_no_checklist(tmp_path: Path) -> None:
    assert list(checklist_blocks(analysed(campaign(tmp_path, "single")))) == []
