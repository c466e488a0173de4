"""Estimates and intervals: by coverage on simulated data whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import lfilter
from scipy.stats import expon, norm

from assay.analysis.statistics import (
    Estimate,
    block_length,
    mean,
    nearest_rank,
    over_repeats,
    percentile_interval,
    ratio,
    ratio_of_sums,
    total,
)

TRIALS = 200


def correlated(count: int, correlation: float, rng: np.random.Generator) -> np.ndarray:
    """Exponential values of mean 1 whose neighbours correlate: a Gaussian AR(1) series, transformed."""
    noise = rng.standard_normal(count + 500)
    series = lfilter([1], [1, -correlation], noise)[500:] * math.sqrt(1 - correlation**2)
    return expon.ppf(norm.cdf(series))


@pytest.mark.parametrize(
    ("count", "correlation", "least"),
    [(60, 0.0, 0.91), (200, 0.5, 0.88), (1000, 0.0, 0.91), (1000, 0.8, 0.88), (4000, 0.9, 0.88)],
)
def test_mean_interval_covers_the_truth(count: int, correlation: float, least: float) -> None:
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(TRIALS):
        low, high = mean(correlated(count, correlation, rng)).interval or (0.0, 0.0)
        hits += low <= 1.0 <= high
    assert least <= hits / TRIALS <= 0.995


def test_independence_assumed_would_not_cover() -> None:
    """The test above can fail: intervals that take correlated samples for independent ones miss the truth."""
    rng = np.random.default_rng(2)
    hits = 0
    for _ in range(TRIALS):
        values = correlated(1000, 0.8, rng)
        reach = 1.96 * values.std() / math.sqrt(len(values))
        hits += abs(values.mean() - 1.0) <= reach
    assert hits / TRIALS < 0.7


@pytest.mark.parametrize(("count", "correlation"), [(200, 0.0), (1000, 0.5), (4000, 0.8)])
@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
def test_percentile_interval_covers_the_truth(count: int, correlation: float, share: float) -> None:
    rng = np.random.default_rng(3)
    truth = expon.ppf(share)
    hits = 0
    for _ in range(TRIALS):
        values = (correlated(count, correlation, rng) * 1e9).astype(np.int64)
        low, high = percentile_interval(values, np.sort(values), share)
        hits += (low is None or low <= truth * 1e9) and (high is None or truth * 1e9 <= high)
    assert hits / TRIALS >= 0.87


def test_percentile_of_too_few_samples_has_no_upper_bound() -> None:
    values = np.random.default_rng(4).integers(0, 10**9, 100)
    low, high = percentile_interval(values, np.sort(values), 0.99)
    assert low is not None
    assert high is None
    assert percentile_interval(values[:5], np.sort(values[:5]), 0.5) == (None, None)


def test_ratio_of_independent_estimates_covers_the_truth() -> None:
    rng = np.random.default_rng(5)
    hits = 0
    for _ in range(TRIALS):
        top, bottom = mean(3.0 * correlated(400, 0.5, rng)), mean(correlated(400, 0.5, rng))
        low, high = ratio(top, bottom).interval or (0.0, 0.0)
        hits += low <= 3.0 <= high
    assert 0.89 <= hits / TRIALS <= 0.995


def test_sum_of_estimates_covers_the_truth() -> None:
    rng = np.random.default_rng(6)
    hits = 0
    for _ in range(TRIALS):
        low, high = total([mean(correlated(400, 0.3, rng)), mean(2 * correlated(400, 0.3, rng))]).interval or (0, 0)
        hits += low <= 3.0 <= high
    assert 0.89 <= hits / TRIALS <= 0.995


def test_repeats_cover_the_truth_where_runs_differ_more_than_within() -> None:
    rng = np.random.default_rng(7)
    hits_over, hits_single = 0, 0
    for _ in range(TRIALS):
        levels = 1.0 + 0.15 * rng.standard_normal(4)
        runs = [mean(level * correlated(500, 0.0, rng)) for level in levels]
        low, high = over_repeats(runs).interval or (0.0, 0.0)
        hits_over += low <= 1.0 <= high
        low, high = runs[0].interval or (0.0, 0.0)
        hits_single += low <= 1.0 <= high
    assert hits_over / TRIALS >= 0.9
    assert hits_single / TRIALS < 0.8  # one run's interval says nothing of the next run


def test_two_repeats_use_the_errors_within_them() -> None:
    both = over_repeats([Estimate(10.0, 0.3, 50, 100), Estimate(12.0, 0.4, 50, 100)])
    assert both.value == 11.0
    assert both.se == pytest.approx(0.25)
    assert both.n == 200


def test_the_same_input_gives_the_same_interval() -> None:
    values = correlated(500, 0.5, np.random.default_rng(8))
    assert mean(values) == mean(values.copy())


def test_block_length_grows_with_correlation() -> None:
    rng = np.random.default_rng(9)
    lengths = [block_length(correlated(4000, c, rng)) for c in (0.0, 0.6, 0.95)]
    assert lengths[0] < lengths[1] < lengths[2]


@pytest.mark.parametrize("values", [[], [1.0], [2.0] * 9])
def test_few_values_give_no_interval(values: list[float]) -> None:
    assert mean(np.array(values)).interval is None


def test_constant_series_has_an_interval_of_no_width() -> None:
    assert mean(np.full(100, 2.5)).interval == (2.5, 2.5)


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=300), st.sampled_from([0.5, 0.9, 0.99, 0.999]))
def test_nearest_rank_is_loadgens(values: list[int], share: float) -> None:
    ordered = np.sort(np.array(values))
    assert nearest_rank(ordered, share) == sorted(values)[math.floor(len(values) * share)]


@given(st.lists(st.floats(0.01, 100), min_size=10, max_size=200), st.integers(0, 2**32 - 1))
def test_ratio_of_sums_is_the_ratio_and_lies_in_its_interval(values: list[float], seed: int) -> None:
    tops = np.array(values)
    bottoms = np.random.default_rng(seed).uniform(0.5, 2, len(values))
    estimate = ratio_of_sums(tops, bottoms)
    assert estimate.value == pytest.approx(tops.sum() / bottoms.sum())
    if estimate.interval is not None:
        low, high = estimate.interval
        assert low <= estimate.value * (1 + 1e-9)
        assert high >= estimate.value * (1 - 1e-9)


def test_ratio_of_an_unknown_error_has_no_interval() -> None:
    assert ratio(Estimate(2.0, None), Estimate(1.0, 0.1)).interval is None
    assert math.isnan(ratio(Estimate(2.0, 0.1), Estimate(0.0, 0.1)).value)
    assert total([Estimate(2.0, None), Estimate(1.0, 0.1)]).interval is None
