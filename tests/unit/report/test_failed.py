"""Where there is no number, a page says why, what was answered before, and what to do next."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.analysed import analysed
from tests.synthetic import Node, Plan, write_campaign, write_run

from assay.analysis.run import analyse_run
from assay.report.campaign_page import campaign_page
from assay.report.next_step import left_over
from assay.report.page import Page, Quote, Text
from assay.report.run_answer import run_answer
from assay.report.run_measures import findings_blocks
from assay.report.run_page import run_page
from assay.runs import RunStatus, read_campaign, read_record, write_json

PLAN = Plan(samples=200, nodes=(Node("node-a", slots=4),), chunks=False, telemetry=False)


def test_a_failed_run_says_that_and_what_was_answered(tmp_path: Path) -> None:
    plan = replace(PLAN, samples=50, lost=5, status=RunStatus.FAILED)
    analysis = analyse_run(write_run(tmp_path, plan))
    assert run_answer(analysis, refused=False) == [
        "There is no result of this run, because it failed.",
        "It ended 1 Jan 2026, 01:00:00 UTC, 60 min after it began.",
        "45 of 50 samples were answered; 0 failed, 5 lost.",
    ]


def test_a_result_that_the_audit_contradicts_is_not_stated(tmp_path: Path) -> None:
    said = run_answer(analyse_run(write_run(tmp_path, replace(PLAN, samples=50))), refused=True)
    assert said == ["No number of this run is reportable: its own records contradict it."]


def test_a_campaign_that_failed_says_why_and_what_to_do_next(tmp_path: Path) -> None:
    folder = write_campaign(tmp_path, {"offline-r0": replace(PLAN, samples=40, status=RunStatus.FAILED)}, kind="single")
    state = read_campaign(folder)
    state.runs[0].queries = 40
    state.runs[0].reason = "every endpoint failed: node-a: HTTP 500\nlast lines of server node-a:\n  out of memory"
    write_json(folder.state, state)
    page = campaign_page(analysed(folder))
    why, when, answered = page.answer
    what_next = page.next_step
    assert why == "There is no result: Offline failed: every endpoint failed: node-a: HTTP 500."
    assert when.startswith("It ended 1 Jan 2026, ")
    assert when.endswith(" after it began.")
    assert answered == "All 40 samples were answered."
    assert "the last lines of the logs" in what_next
    assert "`assay run --resume . --retry-failed` in the campaign's folder" in what_next
    assert not [p for p in page.problems if p.severity == "error"]  # the answer says all that is known of it
    assert page.verdict_reasons == ["the run failed"]
    (runs,) = [section for section in page.sections if section.id == "runs"]
    assert [block.text for block in runs.blocks if isinstance(block, Quote)] == [
        "last lines of server node-a:\n  out of memory"
    ]


def test_a_run_that_failed_says_why_and_what_to_do_next(tmp_path: Path) -> None:
    folder = write_campaign(tmp_path, {"offline-r0": replace(PLAN, samples=40, status=RunStatus.FAILED)}, kind="single")
    run = folder.run("offline-r0")
    reason = "every endpoint failed: node-a: HTTP 500\nlast lines of server node-a:\n  out of memory"
    write_json(run.record, read_record(run).model_copy(update={"reason": reason}))
    page = run_page(analyse_run(run))
    assert page.answer[0] == (
        "There is no result of this run, because it failed: every endpoint failed: node-a: HTTP 500."
    )
    assert "`assay run --resume . --retry-failed` in the campaign's folder" in page.next_step
    assert page.verdict_reasons == ["the run failed"]
    assert logs(page) == ["last lines of server node-a:\n  out of memory"]
    run.driver_log.write_text("its own words")
    assert logs(run_page(analyse_run(run))) == ["its own words"]


def logs(page: Page) -> list[str]:
    (section,) = [section for section in page.sections if section.id == "logs"]
    return [block.text for block in section.blocks if isinstance(block, Quote)]


@pytest.mark.parametrize(
    ("statuses", "command"),
    [
        ([RunStatus.COMPLETED, RunStatus.INVALID, RunStatus.SKIPPED], ""),
        ([RunStatus.COMPLETED, RunStatus.TIMEOUT, None], "`assay run --resume . --retry-failed`"),
        ([RunStatus.COMPLETED, None], "`assay run --resume .`"),
        ([RunStatus.INTERRUPTED], "`assay run --resume .`"),
    ],
)
def test_what_to_do_next_is_told_where_something_is_left(statuses: list[RunStatus | None], command: str) -> None:
    said = left_over(statuses, ["every endpoint failed"])
    assert said.endswith(f": {command} in the campaign's folder") if command else not said
    assert "logs" not in said, "there are none"


def test_a_run_that_took_too_long_sends_nobody_to_a_reason_that_names_none(tmp_path: Path) -> None:
    plans = {"offline-r0": replace(PLAN, samples=40, lost=5, status=RunStatus.TIMEOUT)}
    folder = write_campaign(tmp_path, plans, kind="single")
    state = read_campaign(folder)
    state.runs[0].reason = "not over after 40 s"
    write_json(folder.state, state)
    page = campaign_page(analysed(folder))
    assert page.verdict_reasons == ["the run took longer than it was given"]
    assert page.answer[0] == "There is no result: Offline took longer than it was given: not over after 40 s."
    assert page.next_step.startswith("Next: find out why node-a-0 owed answers, then run again what was cut off")
    run = analyse_run(folder.run("offline-r0"))
    assert run_page(run).next_step == page.next_step
    cut_off = left_over([RunStatus.TIMEOUT], ["not over after 40 s"])
    assert cut_off.startswith("find out why answers stayed away, then run again what was cut off")
    assert left_over([RunStatus.TIMEOUT, RunStatus.FAILED], ["HTTP 500"]).startswith("mend what the reason names")


def test_where_nothing_was_issued_nothing_was_answered(tmp_path: Path) -> None:
    analysis = analyse_run(write_run(tmp_path, replace(PLAN, samples=50, lost=5, status=RunStatus.FAILED)))
    assert analysis.ledger is not None
    nothing = {"issued": 0, "completed": 0, "failed": 0, "lost": 0}
    early = replace(analysis, ledger=analysis.ledger.model_copy(update=nothing))
    assert run_answer(early, refused=False)[2:] == ["No sample was issued."]
    (block,) = findings_blocks(replace(early, samples=None, findings=[]))
    assert block == Text("There is no result that could be checked.")
