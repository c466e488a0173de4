"""What a search for a rate says on its page, on the terminal and to a program, and that all say the same."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.analysed import analysed
from tests.rate_probes import begun, carry_on, search_config
from tests.results import bench_result, distribution

from assay import load_campaign
from assay.analysis import rate_search
from assay.analysis.rate_answer import RateAnswer, answer_of
from assay.report.campaign_page import campaign_page
from assay.report.chart import Chart
from assay.report.page import Table, Text
from assay.report.rate_search import rate_blocks, rate_sentences, verdict_words
from assay.report.render import render_campaign, render_run
from assay.runs import CampaignFolder, read_campaign, read_record
from assay.runs.outcome import Sure
from assay.runs.result import LimitKept
from assay.runs.tail_limits import parse_tail_limits


def searched(folder: Path, *, most: int = 100, run: dict[str, Any] | None = None, **campaign: Any) -> CampaignFolder:
    settings = search_config(folder, **campaign)
    where, state = begun(settings)
    carry_on(settings, where, state, most=most, **(run or {}))
    assert render_campaign(where) is not None
    return where


def stated(folder: CampaignFolder) -> tuple[RateAnswer, list[str]]:
    report = orjson.loads(folder.report_json.read_bytes())
    return RateAnswer.model_validate(report["rate"]), report["answer"]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> CampaignFolder:
    return searched(tmp_path_factory.mktemp("found"), limits=["p95(latency) < 150 ms", "p99(ttft) < 10 s"])


def test_the_first_sentence_is_the_rate_with_its_interval(found: CampaignFolder) -> None:
    answer, sentences = stated(found)
    assert (answer.outcome, answer.confirmed, answer.bound_by) == ("found", True, "p95 latency ≤ 150 ms")
    assert sentences[0].startswith("The highest rate that keeps p95 latency ≤ 150 ms and p99 TTFT ≤ 10,000 ms is ")
    (held,) = [point for point in answer.points if point.verdict == "held"]
    assert sentences[0].endswith(f"and a run of {held.requests:,} requests at that rate confirmed it.")
    assert sentences[1] == "What bounds it is p95 latency ≤ 150 ms."
    assert sentences[2].startswith(f"It took {len(answer.points)} runs at chosen rates, ")


def test_a_rate_held_in_too_short_a_run_is_an_estimate_everywhere(tmp_path: Path) -> None:
    """It is neither confirmed nor a bound, and page, terminal and JSON say how many requests would show it."""
    budget = searched(tmp_path, limits=["p95(latency) < 150 ms"], precision="3%", budget="100s")
    answer, sentences = stated(budget)
    last = answer.points[-1]
    assert (last.role, last.verdict, verdict_words(last)) == ("confirm", "so far", "kept so far")
    assert last.requests < 6945
    assert (answer.confirmed, answer.rate, answer.enough) == (False, last.rate, 6945)
    assert "an estimate that no run confirmed: a run of " in sentences[0]
    assert sentences[0].endswith("/s kept the limits, and 6,945 would show that it holds.")


def test_only_an_interval_wider_than_the_precision_leaves_it_is_called_wide(found: CampaignFolder) -> None:
    """A search that its budget ends tells more."""
    answer, _ = stated(found)
    for half, wide in ((0.03, False), (0.0305, True)):
        ends = {"low": 30 * math.exp(-half), "high": 30 * math.exp(half)}
        own = answer.model_copy(update={"rate": 30.0, "precision": 0.03, **ends})
        assert any("wider than a precision of 3" in words for words in rate_sentences(own)) == wide
    lacking = answer.model_copy(update={"rate": None})
    assert not any("wider" in words for words in rate_sentences(lacking))


def test_the_page_has_the_curve_and_why_each_run_ended(found: CampaignFolder) -> None:
    answer, _ = stated(found)
    page = found.report.read_text()
    assert page.index("How the limits are kept, against the rate") < page.index('id="rate"'), "the curve leads the page"
    assert (found.path / "charts" / "rate_search.png").exists()
    section = page[page.index('id="rate"') : page.index('id="throughput"')]
    assert all(point.ended in section for point in answer.points)
    assert all(f"runs/{point.run}/report.html" in section for point in answer.points)
    assert {point.role for point in answer.points} == {"bracket", "refine", "confirm"}
    early = next(point for point in answer.points if point.verdict == "over")
    assert early.ended.startswith("after ")
    assert early.ended.endswith(", sure")


def test_a_probes_own_page_says_why_it_ended(found: CampaignFolder) -> None:
    answer, _ = stated(found)
    early = next(point for point in answer.points if point.verdict == "over")
    page = render_run(found.run(early.run)).read_text()
    assert f"The run ended {early.ended}." in page
    assert "Limits of the search" in page


def test_a_program_is_told_the_same(found: CampaignFolder) -> None:
    answer, _ = stated(found)
    assert load_campaign(found.path).rate() == answer
    tails = answer.points[-1].tails
    assert [tail.limit for tail in tails] == ["p95 latency ≤ 150 ms", "p99 TTFT ≤ 10,000 ms"]
    assert tails[0].value_ns is not None
    assert tails[0].value_low_ns is not None
    assert tails[0].value_low_ns <= 150_000_000, "a confirming run held"
    assert tails[0].value_low_ns <= tails[0].value_ns


def test_a_client_that_is_the_limit_is_named_and_no_rate_is(tmp_path: Path) -> None:
    answer, sentences = stated(searched(tmp_path, first_rate=20, run={"client_from": 30}))
    assert (answer.outcome, answer.because, answer.bound_by, answer.rate) == ("stopped", "client", "client", None)
    assert sentences[0].startswith("No highest rate that keeps p95 latency ≤ 150 ms was found: ")
    assert sentences[1].startswith("What bounds it is the load generator: the server may take more. ")
    assert "keep up" not in " ".join(sentences), "every request was answered"
    assert all(point.client_bound == (point.rate >= 30) for point in answer.points)


@pytest.mark.parametrize(
    ("sure", "words"),
    [
        (Sure(over=True, after_ns=41_000_000_000), "after 41 s: over p99 TTFT ≤ 2,000 ms, sure"),
        (Sure(over=True, because="growth", after_ns=1_500_000_000), "after 1.5 s: a queue that grows, sure"),
        (Sure(over=False, after_ns=9_000_000_000), "after 9 s: within every limit, sure"),
        (Sure(over=False, because="ease", after_ns=9_000_000_000), "after 9 s: no request came near a limit"),
        (Sure(over=False, because="so far", after_ns=2_540_000_000), "after 2.54 s: within every limit so far"),
        (None, ""),
    ],
)
def test_why_a_probe_ended_is_said(sure: Sure | None, words: str) -> None:
    kept = [
        LimitKept(limit=limit, requests=100, over=over, share=over / 100, low=0, high=1)
        for limit, over in zip(parse_tail_limits("p99(ttft) < 2 s, p95(tpot) < 1 s"), (3, 6), strict=True)
    ]
    result = bench_result("run", {}, distribution(1.0)).model_copy(update={"sure": sure, "limits": kept})
    assert result.sure_words == words


def test_of_a_search_that_stops_only_what_is_sure_is_said(tmp_path: Path) -> None:
    answer, sentences = stated(searched(tmp_path, first_rate=60, probes=2))
    assert answer.outcome == "stopped"
    assert [(point.rate, point.verdict) for point in answer.points] == [(60, "so far"), (120, "over")]
    assert (answer.low, answer.high) == (None, 120)
    few = f"a run of {answer.points[0].requests} requests at 60 requests/s kept them so far, which isn't sure"
    assert sentences[0].endswith(f"; {few}, one at 120 requests/s didn't.")


def test_a_server_that_fills_is_not_said_to_be_at_a_rate_too_high(tmp_path: Path) -> None:
    """In 121 requests of which one takes the time of 60 the number in flight rises at any rate."""
    folder = searched(tmp_path, first_rate=60, probes=1)
    found = rate_search.searched(folder, read_campaign(folder))
    probe = replace(found.runs[0].probe, verdict="undecided", grew=True)
    record = found.runs[0].record.model_copy(update={"sure": None})
    for outgrown, said in ((False, "undecided"), (True, "over")):
        run = replace(found.runs[0], probe=probe, record=record, outgrown=outgrown)
        (point,) = answer_of(replace(found, runs=[run])).points
        assert (point.verdict, point.grew) == (said, outgrown)


def test_errors_are_named_where_they_break_the_limits(tmp_path: Path) -> None:
    answer, sentences = stated(searched(tmp_path, probes=3, first_rate=40, run={"failing": 0.3}))
    assert answer.bound_by == "errors"
    assert any(sentence.startswith("What bounds it are errors") for sentence in sentences)
    assert all(point.errors for point in answer.points)


def test_a_search_that_is_not_over_says_so(tmp_path: Path) -> None:
    answer, sentences = stated(searched(tmp_path, most=2))
    assert answer.outcome == "unfinished"
    assert sentences[0].startswith("The search for the highest rate that keeps p95 latency ≤ 150 ms isn't over: ")


def test_a_share_of_good_answers_is_a_limit_like_others(tmp_path: Path) -> None:
    folder = searched(tmp_path, first_rate=80, most=5, limits=["good(latency=150ms, ttft=1s) > 95 %"])
    answer, _ = stated(folder)
    assert answer.points[0].tails[0].value_ns is None
    chart = next(block for block in rate_blocks(answer) if isinstance(block, Chart))
    assert [panel.title for panel in chart.panels] == ["Requests over 95 % good (TTFT ≤ 1,000 ms, latency ≤ 150 ms)"]


def test_runs_that_the_client_shaped_are_counted_and_drawn_as_rings(tmp_path: Path) -> None:
    folder = searched(tmp_path, first_rate=20, run={"client_from": 30})
    answer, sentences = stated(folder)
    shaped = sum(point.client_bound for point in answer.points)
    assert 0 < shaped < len(answer.points)
    told = f"Client-bound: the load generator could have shaped {shaped} of {len(answer.points)} runs, which count for"
    assert any(sentence.startswith(told) for sentence in sentences)
    (chart,) = (block for block in rate_blocks(answer) if isinstance(block, Chart))
    rings = [series for series in chart.panels[0].series if series.hollow]
    assert [len(series.x) for series in rings] == [shaped]
    assert "a ring one that the load generator could have shaped" in chart.text
    assert "the line is the fit" not in chart.text, "there is none"


@pytest.mark.parametrize(("run", "fewest"), [({"late_ms": 7.0}, 0), ({"late_ms": 8.0}, 1), ({"client_from": 30}, 1)])
def test_a_page_tells_one_count_of_runs_that_the_client_shaped(
    tmp_path: Path, run: dict[str, Any], fewest: int
) -> None:
    """The search's, against its limit of 150 ms: of each run's own medians 7 ms is more than 5 %."""
    folder = searched(tmp_path, first_rate=20, probes=4, run=run)
    (answer, sentences), page = stated(folder), campaign_page(analysed(folder))
    shaped, of = sum(point.client_bound for point in answer.points), len(answer.points)
    assert min(shaped, 1) == fewest
    by_medians = [read_record(folder.run(point.run)).client.client_bound for point in answer.points]
    assert all(by_medians) == ("late_ms" in run)
    assert any(f"could have shaped {shaped} of " in sentence for sentence in sentences) == bool(shaped)
    banner = "client-bound; " if shaped == of else f"client-bound in {shaped} of {of} runs"
    assert banner in page.banner if shaped else "client-bound" not in page.banner
    section = next(section for section in page.sections if section.id == "driver")
    said = " ".join(block.text for block in section.blocks if isinstance(block, Text))
    assert f"In {shaped} of {of} runs the load generator could" in said if shaped else "Nothing that was" in said
    (table,) = (block for block in section.blocks if isinstance(block, Table))
    assert [row[1] for row in table.rows].count("yes") == shaped
    rules = [finding["rule"] for finding in orjson.loads(folder.report_json.read_bytes())["findings"]]
    assert rules.count("client-bound") == shaped, "which is what the terminal tells too"
    assert any("could have shaped" in problem.title for problem in page.problems) == bool(shaped)
    assert not any("the load generator could have shaped" in reason for reason in page.verdict_reasons)
    if "late_ms" in run:
        assert ("Arrivals kept time" in said) == (not shaped)
        assert "More than 7.500 ms is too late for the tightest of the search's limits." in said


def test_where_the_client_shaped_most_runs_it_is_named_before_the_budget(tmp_path: Path) -> None:
    answer, sentences = stated(searched(tmp_path, first_rate=20, probes=4, run={"late_ms": 8.0}))
    (shaped,) = [sentence for sentence in sentences if "could have shaped" in sentence]
    assert shaped == sentences[0]
    assert ": the load generator could have shaped 4 of 4 runs, which count for nothing in the search, and " in shaped
    assert shaped.endswith(f" {answer.why}.")


def test_a_run_that_broke_a_limit_at_no_higher_a_rate_is_told_beside_the_rate(tmp_path: Path) -> None:
    answer, sentences = stated(searched(tmp_path, first_rate=80))
    assert answer.rate is not None
    assert not any(sentence.startswith("Against it: ") for sentence in sentences)
    broke = answer.points[0].model_copy(update={"rate": answer.rate / 2, "verdict": "over", "grew": True})
    several = [broke, broke.model_copy(update={"rate": answer.rate}), broke.model_copy(update={"client_bound": True})]
    words = list(rate_sentences(answer.model_copy(update={"points": [*answer.points, *several]})))[1]
    assert words.startswith("Against it: a run at ")
    assert words.endswith(" requests/s, no higher, broke a limit: a queue grew (and 1 more run up to it).")


def test_a_queue_that_grew_is_told_where_no_request_broke_a_limit_yet(tmp_path: Path) -> None:
    answer, _ = stated(searched(tmp_path, limits=["p95(latency) < 100 s"], first_rate=20, probes=8))
    grew = [point for point in answer.points if point.grew]
    assert grew
    assert {point.tails[0].share for point in grew} == {0.0}
    assert {verdict_words(point) for point in grew} == {"broken in time: a queue grew"}
    assert not any(point.grew for point in answer.points if point.verdict != "over")
    assert any(one.value_high_ns is None or one.value_high_ns > 10**12 for one in answer.curve), (
        "a fit that knows little"
    )
    (chart,) = (block for block in rate_blocks(answer) if isinstance(block, Chart))
    (fit,) = (series for series in chart.panels[1].series if series.name == "fit")
    assert fit.high is not None
    assert max(high for high in fit.high if high is not None) <= 10 * 100_000
