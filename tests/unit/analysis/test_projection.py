"""Projections from short runs; how often their intervals hold is test_coverage.py's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.closed_loop import Floats, Ints, closed_loop

from assay.analysis.projection import Course, course, project
from assay.analysis.rates import sample_rate, timing_error_ns
from assay.analysis.samples import Samples, read_samples
from assay.analysis.statistics import Estimate, over_repeats
from assay.analysis.whole_set import WholeSet
from assay.runs.record import ClientAudit

PLACES = 10


def run(kinds: Ints, took_s: Floats) -> Samples:
    return closed_loop(took_s, PLACES, kinds=kinds)


def test_the_end_of_a_short_run_counts_once() -> None:
    """Samples that all take 1 s on 10 places: 45 of them take 5 s, and 1,000 take about 100 s, not 5 s for each 45."""
    samples = run(np.arange(45), np.ones(45))
    made = project("all", WholeSet(1000, "all"), [course(samples)])  # type: ignore[list-item]
    assert made is not None
    assert made.seconds == pytest.approx(100.5)
    assert made.rate == pytest.approx(10)
    assert made.arithmetic == "5 s for 45 samples + 955 / 10.00 samples/s = 100 s"


def test_a_real_run_foretold_a_longer_one() -> None:
    """vLLM 0.25 on one H200, Llama 3.1 8B's shape with random weights, 30 articles, 512 in flight.

    The file holds the columns that analyses read of an Offline run of 3,000 samples. The next run on the same server
    had 9,000 and took 162.12 s.
    """
    samples = read_samples(Path(__file__).parent / "recorded" / "h200-offline-3000.parquet", ())
    made = project("all", WholeSet(9000, "all"), [course(samples)])  # type: ignore[list-item]
    assert made is not None
    assert made.seconds_low is not None
    assert made.seconds_high is not None
    assert made.seconds_low < 162.12 < made.seconds_high
    assert made.seconds_high / made.seconds_low < 1.1


def test_fewer_than_measured_are_projected_only_where_they_were_gone_through() -> None:
    """85 samples that all take 1 s on 10 places: 8 s with every place taken, and 1 s for the last five, once."""
    kinds = np.arange(85)
    again = course(run(kinds % 40, np.ones(85)))
    made = project("all", WholeSet(40, "all"), [again])  # type: ignore[list-item]
    assert made is not None
    assert made.seconds == pytest.approx(4.5)
    assert made.arithmetic.startswith("9 s for 85 samples - 45 / 10")
    for distinct, whole in ((85, 40), (41, 40), (39, 40), (30, 30), (39, 39)):
        part = course(run(kinds % distinct, np.ones(85)))
        assert part is not None
        assert project("all", WholeSet(whole, "all"), [part]) is None, f"{distinct} different samples, {whole} asked"


def test_one_repeat_that_measured_more_than_the_whole_set_says_nothing_of_it() -> None:
    courses = [course(run(np.arange(count), np.ones(count))) for count in (60, 61)]
    assert project("all", WholeSet(61, "all"), courses) is not None  # type: ignore[arg-type]
    assert project("all", WholeSet(60, "all"), courses) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("whole", [50, 60, 1000])
def test_a_time_is_never_surer_than_the_rate_that_it_follows_from(whole: int) -> None:
    """Three runs took the same time, at rates that differ."""
    runs = [Course(50, 10.0, Estimate(rate, 0.001, 9), 50, 0.0, PLACES) for rate in (4.9, 5.0, 5.1)]
    made = project("all", WholeSet(whole, "all"), runs)
    assert made is not None
    assert made.rate_low is not None
    assert made.rate_high is not None
    assert made.seconds_low is not None
    assert made.seconds_high is not None
    assert made.rate_high / made.rate_low > 1.09
    assert made.seconds_high / made.seconds_low >= made.rate_high / made.rate_low * (1 - 1e-9)
    assert made.seconds_low < made.seconds < made.seconds_high


def test_a_run_of_few_waves_is_not_projected() -> None:
    assert course(run(np.arange(8), np.full(8, 2.0))) is None
    assert course(run(np.arange(39), np.ones(39))) is None
    assert course(run(np.arange(40), np.ones(40))) is not None


def test_one_sample_again_and_again_has_no_interval() -> None:
    runs = [course(run(np.zeros(40, dtype=np.int64), np.ones(40))) for _ in range(3)]
    made = project("all", WholeSet(1000, "all"), runs)  # type: ignore[arg-type]
    assert made is not None
    assert made.seconds_low is None


def test_a_whole_data_set_has_no_error_of_choice() -> None:
    few = Course(50, 10.0, Estimate(5.0, 0.001, 9), distinct=50, spread=0.2, in_flight=PLACES)
    part, whole = project("all", WholeSet(100, "all"), [few] * 3), project("all", WholeSet(50, "all"), [few] * 3)
    assert part is not None
    assert whole is not None
    assert (whole.seconds_low, whole.seconds_high) == (pytest.approx(10, rel=1e-3), pytest.approx(10, rel=1e-3))
    assert part.seconds_high is not None
    assert part.seconds_high / part.seconds > 1.03


def test_repeats_that_agree_by_chance_still_have_the_clients_own_error() -> None:
    samples = run(np.arange(100), np.ones(100))
    client = ClientAudit(loop_lag_p99_ns={"worker-0": 3_000_000}, calibration={"ttft_error_p99_ns": 20_000_000.0})
    error_ns = timing_error_ns(samples, client)
    assert error_ns == 20_000_000
    rate = over_repeats([sample_rate(samples, timing_error_ns=error_ns)] * 3)
    assert rate.interval is not None
    low, high = rate.interval
    assert low < 100 / (10 + 0.02) < 100 / (10 - 0.02) < high
    same = over_repeats([sample_rate(samples)] * 3)
    assert same.interval == pytest.approx((10, 10))
