"""Estimates and intervals: their arithmetic. How often the intervals hold is test_coverage.py's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.calibration import correlated

from assay.analysis.distributions import PERCENTILES, distribution
from assay.analysis.statistics import (
    Estimate,
    block_length,
    in_order,
    mean,
    nearest_rank,
    over_repeats,
    percentile_interval,
    ratio,
    ratio_of_sums,
    total,
)


def test_intervals_of_percentiles_are_cut_at_their_neighbours() -> None:
    assert in_order([(3.8, 3.9), (3.2, 5.7), (4.0, 5.1)]) == [(3.8, 3.9), (3.8, 5.1), (4.0, 5.1)]
    assert in_order([(3, 9), (None, None), (5, 7), (4, None)]) == [(3, 7), (3, 7), (5, 7), (5, None)]
    assert in_order([(None, 4), (1, None)]) == [(None, 4), (1, None)], "nothing says more of the open sides"


def test_a_runs_percentiles_bound_each_other() -> None:
    """Each has its own effective number of samples: here the 95th's don't bound it above, and the 97th's do."""
    values = (correlated(400, 0.9, np.random.default_rng(8)) * 1e9).astype(np.int64)
    alone = {name: percentile_interval(values, np.sort(values), share) for name, share in PERCENTILES.items()}
    assert alone["p95"][1] is None
    assert alone["p97"][1] is not None
    found = distribution(values, "").intervals
    assert found["p95"] == (alone["p95"][0], alone["p97"][1])
    assert list(found.values()) == in_order(list(alone.values()))


def test_percentile_of_too_few_samples_has_no_upper_bound() -> None:
    values = np.random.default_rng(4).integers(0, 10**9, 100)
    low, high = percentile_interval(values, np.sort(values), 0.99)
    assert low is not None
    assert high is None
    assert percentile_interval(values[:5], np.sort(values[:5]), 0.5) == (None, None)


def test_two_repeats_that_differ_more_than_their_errors_are_told_by_what_lies_between_them() -> None:
    """Two starts of one server: 8,340 and 9,644 tokens/s, each to 3 %, aren't 8,992 to 3 %."""
    apart = over_repeats([Estimate(8340.0, 130.0, 50, 900), Estimate(9644.0, 150.0, 50, 900)])
    assert apart.value == 8992.0
    assert apart.reach() == pytest.approx(Estimate(8992.0, 652.0, 1).reach())
    assert apart.n == 1800


def test_two_repeats_that_agree_leave_the_errors_within_them() -> None:
    both = over_repeats([Estimate(10.0, 0.3, 50, 100), Estimate(10.02, 0.4, 50, 100)])
    assert both.se == pytest.approx(0.25)
    assert over_repeats([Estimate(10.0, None), Estimate(10.02, None)]).se == pytest.approx(0.01)


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


@pytest.mark.parametrize("shared", [0.5, 2.5, 5.0, 20.0])
def test_an_error_that_repeats_share_makes_their_interval_wider(shared: float) -> None:
    rates = (936.1, 926.8, 933.7)
    alone = over_repeats([Estimate(rate, 3.0, 60, 96) for rate in rates])
    with_it = over_repeats([Estimate(rate, 3.0, 60, 96, shared) for rate in rates])
    halves = alone.reach(), 1.96 * shared
    assert None not in halves
    assert with_it.reach() == pytest.approx(math.hypot(*halves), rel=1e-3)  # type: ignore[arg-type]
    for combined, part in (
        (ratio(with_it, with_it), ratio(alone, alone)),
        (total([with_it, with_it]), total([alone, alone])),
        (with_it.scaled(2), alone.scaled(2)),
    ):
        assert combined.low is not None
        assert part.low is not None
        assert combined.low < part.low


def test_repeats_that_agree_by_chance_leave_the_errors_within_them() -> None:
    same = over_repeats([Estimate(4.0, 0.3, 50, 16)] * 3)
    assert same.reach() == pytest.approx(Estimate(4.0, 0.3 / math.sqrt(3), 150).reach())
    near = over_repeats([Estimate(rate, 0.3, 50, 16) for rate in (4.0, 4.001, 4.002)])
    assert near.reach() == pytest.approx(same.reach())
    assert over_repeats([Estimate(4.0, None)] * 3).interval is None
    spread = over_repeats([Estimate(rate, 0.3, 50, 16) for rate in (2.0, 4.0, 6.0)])
    assert spread.reach() == pytest.approx(Estimate(4.0, 2 / math.sqrt(3), 2).reach())
