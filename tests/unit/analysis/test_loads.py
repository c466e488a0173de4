"""A bench campaign's rows: one a load, over its repeats."""

from __future__ import annotations

import pytest
from tests.results import bench_result, distribution, figure

from assay.analysis.figures import figure as figure_of
from assay.analysis.goodput import OF_ISSUED
from assay.analysis.loads import Value, figure_over, load_rows, percentile_over, with_rates
from assay.analysis.statistics import Estimate, over_repeats
from assay.runs import CampaignState, Result, RunEntry
from assay.runs.shapes import ConcurrencyShape


def entry(number: int, repeat: int) -> RunEntry:
    return RunEntry(
        key=f"load-{number}-r{repeat}",
        scenario="Concurrency",
        mode="performance",
        nodes=["n"],
        repeat=repeat,
        shape=ConcurrencyShape(concurrency=number),
        run=f"{number}-{repeat}",
    )


def result(run: str, rate: float, ttft_ms: float, completed: int = 10, lost: int = 0) -> Result:
    figures = {
        "samples_issued": figure(10),
        "samples_completed": figure(completed),
        "samples_failed": figure(10 - completed - lost),
        "samples_lost": figure(lost),
        "samples_per_s": figure(rate, spread=0.05),
        "mean_input_tokens": figure(300.0),
        "mean_output_tokens": figure(8.0),
    }
    return bench_result(run, figures, distribution(ttft_ms))


def state(entries: list[RunEntry]) -> CampaignState:
    return CampaignState(
        id="c", kind="bench", name="c", started_utc="2026-01-01T00:00:00+00:00", config_sha256="", seed=0, runs=entries
    )


def test_one_repeat_is_shown_as_it_is() -> None:
    (row,) = load_rows(state([entry(8, 0)]), [result("8-0", 10.0, 50, completed=7, lost=1)])
    assert (row.load, row.issued, row.ok, row.failed, row.lost) == ("8 in flight", 10, 7, 2, 1)
    assert row.samples_per_s is not None
    assert (row.samples_per_s.value, row.samples_per_s.low, row.samples_per_s.high) == (10.0, 9.5, 10.5)
    assert row.latency["ttft_ns"]["p99"].value == 50_000_000
    assert row.goodput_per_s is None
    assert row.mean_input_tokens is not None
    assert row.mean_output_tokens is not None
    assert (row.mean_input_tokens.value, row.mean_output_tokens.value) == (300.0, 8.0)


def test_repeats_are_pooled_and_their_spread_is_the_interval() -> None:
    entries = [entry(1, 0), entry(8, 0), entry(8, 1), entry(1, 1), entry(1, 2), entry(8, 2)]
    rates = {"1-0": 1.0, "1-1": 1.0, "1-2": 1.0, "8-0": 6.0, "8-1": 10.0, "8-2": 8.0}
    one, eight = load_rows(state(entries), [result(run, rate, 50) for run, rate in rates.items()])
    assert (one.load, one.runs) == ("1 in flight", ["1-0", "1-1", "1-2"])
    assert eight.samples_per_s is not None
    assert eight.samples_per_s.value == pytest.approx(8.0)
    # Three repeats, sd 2: the mean's error is 2/√3 with 2 degrees of freedom, far wider than 5 % within each.
    assert eight.samples_per_s.high is not None
    assert eight.samples_per_s.high > 12
    assert (eight.issued, eight.ok) == (30, 30)


def test_a_load_whose_run_was_not_measured_has_no_row() -> None:
    assert load_rows(state([entry(1, 0), entry(8, 0)]), [result("8-0", 1.0, 5)])[0].load == "8 in flight"


def test_rates_are_those_of_the_report_where_there_is_one() -> None:
    rows = load_rows(state([entry(1, 0), entry(8, 0)]), [result("1-0", 1.0, 5), result("8-0", 8.0, 5)])
    tokens = {"value": 99.0, "low": None, "high": None}
    group = {"runs": ["8-0"], "samples_per_s": {"value": 8.0, "low": 7.5, "high": 8.5}, "output_tokens_per_s": tokens}
    one, eight = with_rates(rows, [group])
    assert one == rows[0]
    assert eight.samples_per_s == Value(value=8.0, low=7.5, high=8.5)
    assert eight.output_tokens_per_s == Value(value=99.0)


def slow_tail(run: str, p99_ms: int, low_ms: int | None, high_ms: int | None) -> Result:
    ends = None if low_ms is None else low_ms * 1_000_000, None if high_ms is None else high_ms * 1_000_000
    ttft = distribution(50).model_copy(update={"p99": p99_ms * 1_000_000, "intervals": {"p99": ends}})
    return bench_result(run, {}, ttft)


def test_a_tail_that_a_repeats_samples_do_not_bound_stays_open() -> None:
    """Whatever the spread between them: each is but the largest of few."""
    few = [slow_tail("a", 70, 52, None), slow_tail("b", 90, 56, 200), slow_tail("c", 74, 54, None)]
    assert percentile_over(few, "ttft_ns", "p99") == Value(value=78e6, low=54e6, high=None)
    enough = [slow_tail(run, 70 + place, 60, 80) for place, run in enumerate("abc")]
    found = percentile_over(enough, "ttft_ns", "p99")
    assert found is not None
    assert found.high is not None


def steps(run: str, p50_us: int, p95_us: int, p99_us: int) -> Result:
    def near(us: int) -> tuple[int, int]:
        return us * 990, us * 1010

    values = {"p50": p50_us, "p90": p50_us, "p95": p95_us, "p97": p95_us, "p99": p99_us, "p99_9": p99_us}
    changes = {share: us * 1000 for share, us in values.items()}
    ends = {share: near(us) for share, us in values.items()}
    return bench_result(run, {}, distribution(50).model_copy(update={**changes, "intervals": ends}))


def test_a_percentile_over_repeats_is_never_told_to_be_below_a_lower_one_or_above_a_higher_one() -> None:
    repeats = [steps(run, 3810, p95, 4900) for run, p95 in zip("abc", (4800, 3850, 3900), strict=True)]
    half, tail, last = (percentile_over(repeats, "ttft_ns", share) for share in ("p50", "p95", "p99"))
    assert half is not None
    assert tail is not None
    assert last is not None
    alone = over_repeats([Estimate(us * 1e3, 10.0) for us in (4800, 3850, 3900)])
    assert (alone.low or 0) < (half.low or 0), "so the median's lower end says more"
    assert (alone.high or 0) > (last.high or 0), "and so does the higher percentile's upper end"
    assert (tail.value, tail.low, tail.high) == (pytest.approx(alone.value), half.low, last.high)


def test_an_open_side_over_repeats_is_closed_by_what_bounds_a_higher_percentile() -> None:
    def one(run: str) -> Result:
        made = steps(run, 3810, 4000, 4900)
        made.latency["ttft_ns"].intervals["p95"] = (3_900_000, None)
        return made

    found = percentile_over([one("a"), one("b")], "ttft_ns", "p95")
    above = percentile_over([one("a"), one("b")], "ttft_ns", "p97")
    assert found is not None
    assert above is not None
    assert above.high is not None
    assert (found.low, found.high) == (3_900_000, above.high)


def good_of(run: str, share: float, low: float, high: float) -> Result:
    own = figure(share).model_copy(update={"low": low, "high": high, "n": 36, "unit": OF_ISSUED})
    return bench_result(run, {"good_share": own}, distribution(50))


def test_repeats_that_are_all_good_leave_as_much_doubt_as_their_samples() -> None:
    found = figure_over([good_of(run, 1.0, 0.903, 1.0) for run in "abc"], "good_share")
    assert found is not None
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(1 - 0.097 / 3**0.5)


def test_shares_that_differ_between_repeats_have_their_spread_for_an_interval() -> None:
    found = figure_over(
        [good_of(run, share, share - 0.02, share + 0.02) for run, share in zip("abc", (0.3, 0.5, 0.7), strict=True)],
        "good_share",
    )
    assert found is not None
    assert found.value == pytest.approx(0.5)
    assert found.high == pytest.approx(0.5 + 4.303 * 0.2 / 3**0.5, rel=1e-3)


def test_a_figure_over_repeats_is_of_the_estimates_that_they_were_made_of() -> None:
    rates = [Estimate(rate, 3.0, 12.0, 96, 2.5) for rate in (936.1, 926.8)]
    results = [
        bench_result(run, {"output_tokens_per_s": figure_of(rate, "tokens/s", "")}, distribution(50))
        for run, rate in zip("ab", rates, strict=True)
    ]
    found, mean = figure_over(results, "output_tokens_per_s"), over_repeats(rates)
    assert found is not None
    assert (found.low, found.high) == (pytest.approx(mean.low), pytest.approx(mean.high))
