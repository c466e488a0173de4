"""An endpoint that answered nothing, or no more: the rates are another's, which the first sentence and a notice say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.analysed import analysed
from tests.synthetic import Node, Plan, write_campaign, write_run

from assay.analysis.run import RunAnalysis, analyse_run
from assay.analysis.stopped import STOPPED
from assay.report.campaign_answer import campaign_answer
from assay.report.campaign_page import campaign_page
from assay.report.lacking import lacking_sentence, lacking_words
from assay.report.mended_first import Measured, mended_first
from assay.report.run_answer import run_answer
from assay.report.run_page import run_page
from assay.runs import read_model, read_record, write_json
from assay.runs.ledger import EndpointLedger, Ledger, silent

PLAN = Plan(samples=200, nodes=(Node("node-a", slots=4),), chunks=False, telemetry=False)


def with_one_more(folder: Path) -> RunAnalysis:
    """A run in which node-b was to take part too."""
    run = write_run(folder, PLAN)
    record, ledger = read_record(run), read_model(run.ledger, Ledger)
    assert ledger is not None
    other = record.endpoints[0].model_copy(update={"name": "node-b-0", "node": "node-b"})
    write_json(run.record, record.model_copy(update={"endpoints": [*record.endpoints, other]}))
    endpoints = [*ledger.endpoints, EndpointLedger(endpoint="node-b-0")]
    write_json(run.ledger, ledger.model_copy(update={"endpoints": endpoints}))
    return analyse_run(run)


def test_a_rate_of_fewer_endpoints_than_asked_says_so_first_and_in_a_notice(tmp_path: Path) -> None:
    analysis = with_one_more(tmp_path / "one-more")
    assert "(1 of 2 endpoints answered nothing): " in run_answer(analysis, refused=False)[0]
    (told,) = (notice for notice in analysis.result.notices if "answered none" in notice)
    assert told.startswith("1 of 2 endpoints answered none of the 200 samples (node-b-0): the rates are those of the ")
    both = analyse_run(write_run(tmp_path / "all", PLAN))
    assert "answered nothing" not in run_answer(both, refused=False)[0]
    assert not any("answered none" in notice for notice in both.result.notices)


@pytest.mark.parametrize(
    ("answered", "expected"),
    [
        ({"a": 9, "b": 0, "c": 1}, ["b"]),
        ({"a": 4, "b": 1}, []),
        ({"a": 3, "b": 0}, []),  # so few samples may have gone to one by chance
        ({"a": 4, "b": 0}, ["b"]),
        ({"a": 0, "b": 0}, []),
        ({}, []),
    ],
)
def test_silent_endpoints_had_samples_to_take(answered: dict[str, int], expected: list[str]) -> None:
    assert silent(answered) == expected


def test_a_rate_says_first_that_an_endpoint_stopped_answering(tmp_path: Path) -> None:
    two = Plan(samples=400, nodes=(Node("node-a", slots=4), Node("node-b", slots=4, until_s=20.0)), resent=4)
    campaign = write_campaign(tmp_path / "one", {"offline-r0": two}, "single")
    run = campaign.run("offline-r0")
    analysis = analyse_run(run)
    ((name, seconds),) = analysis.result.stopped.items()
    assert name == "node-b-0"
    first = run_answer(analysis, refused=False)[0]
    assert f" (1 of 2 endpoints stopped answering after {seconds:.1f} s): " in first
    assert f"(node-b-0 after {seconds:.1f} s): from then on the rates" in " ".join(analysis.result.notices)
    assert campaign_answer(analysed(campaign))[0] == first
    shown = [(problem.severity, problem.title) for problem in campaign_page(analysed(campaign)).problems]
    assert shown[0] == ("error", "Endpoint node-b-0 stopped answering.")
    assert ("warning", "Endpoint node-b-0 failed attempts.") in shown[1:], "what came of it stands below it"
    assert not any("Nodes stand idle" in title for _, title in shown), "what is gone isn't idle"
    assert not any(problem.text.startswith(STOPPED) for problem in run_page(analysis).problems), "told once"
    assert next(mended_first([Measured(analysis.record, analysis.result)], {})).startswith(
        "find out why node-b-0 stopped answering, and measure again: "
    )


def test_a_campaign_of_several_runs_names_those_that_lack_an_endpoint(tmp_path: Path) -> None:
    two = Plan(samples=400, nodes=(Node("node-a", slots=4), Node("node-b", slots=4)), resent=4)
    dies = replace(two, nodes=(two.nodes[0], replace(two.nodes[1], until_s=20.0)))
    campaign = write_campaign(tmp_path, {"offline-r0": two, "offline-r1": dies}, "single")
    analysis = analysed(campaign)
    (told,) = (words for words in campaign_answer(analysis) if "stopped answering" in words)
    assert told.startswith("1 of 2 endpoints stopped answering after ")
    title = analysis.titles["offline-r1"]
    assert told.endswith(f" in {title}: from then on its figures are those of the others.")


def test_where_each_endpoint_stopped_the_figures_are_nobodys(tmp_path: Path) -> None:
    campaign = write_campaign(tmp_path, {"offline-r0": PLAN, "offline-r1": PLAN}, "single")
    analysis = analysed(campaign)
    first = analysis.lines[0].result
    gone = first.model_copy(update={"endpoints": [first.endpoints[0].model_copy(update={"stopped_s": 2.0})]})
    assert lacking_words(gone) == "its endpoint stopped answering after 2 s"
    analysis.lines[0] = replace(analysis.lines[0], result=gone)
    (told,) = lacking_sentence(analysis)
    assert told.endswith(": from then on its figures are those of the others or of none.")


def test_of_one_that_never_answered_there_is_no_then(tmp_path: Path) -> None:
    campaign = write_campaign(tmp_path, {"offline-r0": PLAN, "offline-r1": PLAN}, "single")
    analysis = analysed(campaign)
    result = analysis.lines[0].result
    never = result.endpoints[0].model_copy(update={"endpoint": "node-b-0", "samples": 0})
    result = result.model_copy(update={"endpoints": [*result.endpoints, never]})
    analysis.lines[0] = replace(analysis.lines[0], result=result)
    (told,) = lacking_sentence(analysis)
    assert told.endswith(": its figures are those of the others.")
    analysis.lines[1] = replace(analysis.lines[1], result=result)
    (told,) = lacking_sentence(analysis)
    assert told.endswith(": their figures are those of the others.")
