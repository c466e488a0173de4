"""Scores on pages: of how much, how sure, beside what they were compared with; first where they are the question."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from tests.analysed import analysed
from tests.synthetic import Node, Plan, write_campaign

from assay.analysis.campaign import CampaignAnalysis
from assay.analysis.run import RunAnalysis, analyse_run
from assay.report.campaign_answer import campaign_answer
from assay.report.campaign_page import campaign_page
from assay.report.page import Page, Table
from assay.report.run_answer import run_answer
from assay.report.run_page import run_page
from assay.runs import RunFolder, read_object, write_json

PLAN = Plan(samples=60, nodes=(Node("node-a"),), chunks=False, telemetry=False)
ACCURACY = replace(PLAN, mode="accuracy")
FIRST = r"rouge1 38.80 of 100 \(95 %: 38.60 to 39; reference 38.78\)"


def rescored(run: RunFolder, metric: str, **facts: object) -> None:
    accuracy = read_object(run.accuracy) or {}
    accuracy["scores"][metric] |= facts
    write_json(run.accuracy, accuracy)


def campaign(parent: Path, **plans: Plan) -> CampaignAnalysis:
    return analysed(write_campaign(parent, {f"{name}-r0": plan for name, plan in plans.items()}, kind="single"))


def alone(parent: Path) -> RunAnalysis:
    folder = write_campaign(parent, {"accuracy-r0": ACCURACY}, kind="single").run("accuracy-r0")
    rescored(folder, "rouge2", value=0.0, low=None, high=None)
    rescored(folder, "gen_len", value=7355.0)
    return analyse_run(folder)


def table(page: Page) -> Table:
    (section,) = [one for one in page.sections if one.id == "accuracy"]
    return next(block for block in section.blocks if isinstance(block, Table))


def test_a_runs_answer_is_its_scores(tmp_path: Path) -> None:
    first, others, *_ = run_answer(alone(tmp_path), refused=False)
    assert re.fullmatch(rf"Quality gate: [^;]+; {FIRST}\.", first)
    assert others.startswith(
        "rouge2 0 of 100 (no interval: too few answers, or all scored alike; reference 15.91), rougeL "
    )
    assert "gen_len" not in others, "a total is no score"


def test_a_runs_page_begins_with_its_scores_and_totals_have_no_decimals(tmp_path: Path) -> None:
    page = run_page(alone(tmp_path))
    assert page.sections[0].id == "accuracy"
    (length,) = [row for row in table(page).rows if row[0] == "gen_len"]
    assert length[1] == "7,355"
    assert page.headlines[1].interval == "no interval: too few answers, or all scored alike"
    speed = write_campaign(tmp_path / "speed", {"offline-r0": PLAN}, kind="single").run("offline-r0")
    assert run_page(analyse_run(speed)).sections[0].id == "speed"


def test_a_campaigns_table_has_every_score_with_its_interval_and_unit(tmp_path: Path) -> None:
    found = table(campaign_page(campaign(tmp_path, offline=PLAN, accuracy=ACCURACY)))
    assert found.columns[1:3] == ("rouge1 (of 100)", "rouge2 (of 100)")
    assert "gen_len (characters)" in found.columns
    assert found.rows[0][1] == "38.8000 (38.6000 to 39.0000)"
    assert found.rows[-1][:2] == ("reference", "38.7792")


def test_a_campaigns_answer_has_the_first_score_of_each_run(tmp_path: Path) -> None:
    one = campaign_answer(campaign(tmp_path / "one", offline=PLAN, accuracy=ACCURACY))
    assert any(re.fullmatch(rf"Quality gate: [^;]+; {FIRST}\.", sentence) for sentence in one)
    server = replace(ACCURACY, scenario="Server", qps=2.0)
    two = campaign_answer(campaign(tmp_path / "two", accuracy=ACCURACY, server=server))
    words = rf"Quality gate: [^;]+; Offline {FIRST}, Server 2 samples/s asked for {FIRST}\."
    assert any(re.fullmatch(words, sentence) for sentence in two)
