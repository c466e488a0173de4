"""A run that lacks answers says so wherever its rate stands."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.analysed import analysed
from tests.analysing import Analyse
from tests.audits import audit_claims
from tests.synthetic import Node, Plan, write_campaign, write_run

from assay.analysis import summarise
from assay.analysis.compare import compare
from assay.analysis.nodes import symmetry
from assay.analysis.projection import TOO_SHORT
from assay.analysis.run import analyse_run
from assay.audit import AuditReport, Judgement, audit_path
from assay.campaign.reporting import answer_lines
from assay.commands.terminal import Terminal
from assay.report import CampaignPages
from assay.report.campaign_answer import campaign_answer
from assay.report.run_answer import run_answer
from assay.report.run_page import run_page
from assay.runs import CampaignFolder, Result, RunEntry, read_campaign, write_json
from assay.runs.index import Filter, index
from assay.runs.ledger import unanswered_words

A, B = Node("node-a"), Node("node-b")
BAD = Plan(samples=400, nodes=(A,), failed=300, lost=40, chunks=False)
WORDS = "340 of 400 samples unanswered (85.0 %)"


@pytest.mark.parametrize(
    ("issued", "unanswered", "words"),
    [
        (60, 51, "51 of 60 samples unanswered (85.0 %)"),
        (100, 100, "100 of 100 samples unanswered (100.0 %)"),
        (24_576, 1, "1 of 24576 samples unanswered (under 0.1 %)"),
        (60, 0, ""),
    ],
)
def test_the_words_hold_the_number_and_the_share(issued: int, unanswered: int, words: str) -> None:
    assert unanswered_words(issued, unanswered) == words


def said(result: Result, capsys: pytest.CaptureFixture[str]) -> str:
    """What the terminal says of a run that is over."""
    entry = RunEntry(key="a", scenario=result.scenario, mode=result.mode, nodes=["node-a"], repeat=0)
    Terminal().run_ends(entry, result)
    return capsys.readouterr().err


def test_a_runs_headline_and_its_line_on_the_terminal(analyse: Analyse, capsys: pytest.CaptureFixture[str]) -> None:
    run = analyse(BAD)
    rates = [item for item in run_page(run).headlines if item.unit.endswith("/s")]
    assert rates
    assert all(WORDS in item.interval for item in rates)
    assert WORDS in said(run.result, capsys)
    clean = analyse(Plan(samples=400, nodes=(A,), chunks=False))
    assert not any("unanswered" in item.interval for item in run_page(clean).headlines)
    assert "unanswered" not in said(clean.result, capsys)


def test_the_first_sentence_of_a_run_and_of_its_campaign(tmp_path: Path) -> None:
    campaign = write_campaign(tmp_path, {"offline-r0": BAD}, kind="single")
    first = run_answer(analyse_run(campaign.run("offline-r0")), refused=False)[0]
    assert first.endswith(f" samples/s, with {WORDS}.")
    assert campaign_answer(analysed(campaign))[0] == first
    twice = write_campaign(tmp_path / "twice", {"offline-r0": BAD, "offline-r1": replace(BAD, seed=1)}, kind="single")
    assert ", with 680 of 800 samples unanswered (85.0 %)" in campaign_answer(analysed(twice))[0]


def test_a_node_is_not_idle_while_what_failed_is_given_up(analyse: Analyse) -> None:
    run = analyse(BAD)
    assert run.samples is not None
    late = replace(run.samples, over_ns=run.samples.end_ns + 60_000_000_000)
    found = symmetry(late, run.record, None)
    assert found is not None
    assert [(fact.idle_tail_s, found.idle_share) for fact in found.nodes] == [(0.0, 0.0)]


def test_a_comparison(analyse: Analyse) -> None:
    good = analyse(Plan(samples=400, nodes=(A,), chunks=False))
    for pair in ([good, analyse(BAD)], [analyse(BAD), good]):
        assert any(WORDS in note for note in compare(pair)[0].notes)


def test_a_projection(analyse: Analyse) -> None:
    found = analyse(replace(BAD, samples=2000)).projections
    assert found, TOO_SHORT
    assert all("340 of 2000 samples unanswered" in projection.arithmetic for projection in found)


@pytest.fixture
def scaled(tmp_path: Path) -> CampaignFolder:
    """Two nodes alone and together; one of the baselines hardly answered anything."""
    both = Plan(samples=400, nodes=(A, B), chunks=False)
    plans = {"alone-a-r0": BAD, "alone-b-r0": replace(both, nodes=(B,)), "together-2-r0": both}
    folder = write_campaign(tmp_path, plans)
    for name in plans:
        write_json(folder.run(name).result, summarise(folder.run(name)))
    return folder


def test_a_baseline_a_table_of_repeats_and_an_efficiency(scaled: CampaignFolder) -> None:
    pages = CampaignPages(scaled)
    for entry in pages.started:
        pages.render_run(entry)
    pages.render()
    page = (scaled.path / "report.md").read_text()
    headline, table = page.split("## How fast")[0], page.split("## How fast")[1]
    assert f"node-a alone: {WORDS}" in headline
    assert WORDS in table.split("## Scaling")[0]
    assert f"the work isn't the same: node-a alone: {WORDS}" in table
    assert f"node-a alone: {WORDS}." in answer_lines(scaled)
    found = {(f.rule, f.verdict): f.arithmetic for f in audit_path(scaled.path).problems}
    assert "node-a: 60 of 400 samples were answered" in found["same-answers", Judgement.UNSUPPORTED]
    assert "85.0 % were not" in found["answered-share", Judgement.UNSUPPORTED]


def test_the_index_of_campaigns(scaled: CampaignFolder) -> None:
    rows, _ = index(scaled.path.parent, Filter())
    assert {row.key: row.unanswered for row in rows} == {"alone-a-r0": WORDS, "alone-b-r0": "", "together-2-r0": ""}
    assert read_campaign(scaled).runs


def rules(report: AuditReport) -> set[str]:
    return {finding.rule for finding in report.problems}


@pytest.mark.parametrize(("failed", "raised"), [(0, False), (199, False), (201, True)])
def test_the_audit_calls_a_rate_of_few_answers_unsupported(tmp_path: Path, failed: int, raised: bool) -> None:
    folder = write_run(tmp_path, Plan(samples=400, failed=failed, chunks=False))
    write_json(folder.result, summarise(folder))
    assert ("answered-share" in rules(audit_path(folder.path))) is raised


@pytest.mark.parametrize(
    ("completed", "said", "raised"),
    [(1000, False, False), (995, False, False), (900, False, True), (900, True, False), (400, True, True)],
)
def test_claims_that_rest_on_few_answers(completed: int, said: bool, raised: bool) -> None:
    failed = {"failed": 1000 - completed, "lost": 0} if said else {}
    counts = {"assigned": 1000, "completed": completed, **failed}
    claims = {
        "runs": [
            {"name": "a", "samples": counts, "duration": "100 s", "samples_per_s": f"{completed / 100}"},
            {"name": "both", "samples": "2000", "duration": "100 s", "samples_per_s": "20.00"},
        ],
        "derived": [
            {"kind": "projection", "run": "a", "samples": 10_000, "duration": f"{1e6 / completed:.2f} s"},
            {"kind": "speedup", "combined": "both", "baselines": ["a"], "value": f"{2000 / completed:.3f}"},
        ],
    }
    found = [finding for finding in audit_claims(claims).problems if finding.rule == "same-answers"]
    assert len(found) == (2 if raised else 0)
