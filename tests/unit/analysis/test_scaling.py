"""Scaling efficiency and its law: known answers, and refusal without baselines."""

from __future__ import annotations

import numpy as np
import pytest
from tests.scaling_groups import cluster, measured

from assay.analysis.scaling import Measured, scaling
from assay.analysis.statistics import Estimate


def test_efficiency_is_combined_over_the_sum_of_singles() -> None:
    exact = [Estimate(v, 0.0, 10, 1) for v in (0.277, 0.583, 0.25)]
    found = scaling([Measured(("a",), (exact[0],)), Measured(("b",), (exact[1],)), Measured(("a", "b"), (exact[2],))])
    assert found is not None
    group = found.groups[0]
    assert group.efficiency == pytest.approx(0.25 / (0.277 + 0.583))
    assert group.speedup == pytest.approx(0.25 / 0.583)  # slower together than the faster one alone
    assert group.best_alone == "b"


def test_without_a_measured_baseline_it_is_not_measured() -> None:
    rng = np.random.default_rng(2)
    found = scaling([measured(("a",), 100, rng), measured(("a", "b"), 190, rng)])
    assert found is not None
    assert found.groups[0].efficiency is None
    assert found.groups[0].missing == ["b"]
    assert scaling([measured(("a",), 100, rng)]) is None


def test_too_few_sizes_give_no_fit() -> None:
    rng = np.random.default_rng(3)
    found = scaling(cluster(rng, 0.05, 0.0, (1, 2)))
    assert found is not None
    assert found.fit is None
    assert "needs at least 3" in found.why_no_fit


def test_amdahl_with_three_sizes_universal_law_with_four() -> None:
    rng = np.random.default_rng(4)
    three, four = scaling(cluster(rng, 0.05, 0.0, (1, 2, 4))), scaling(cluster(rng, 0.05, 0.01, (1, 2, 4, 8)))
    assert three is not None
    assert four is not None
    assert three.fit is not None
    assert three.fit.law == "Amdahl's law"
    assert three.fit.coherency is None
    assert four.fit is not None
    assert four.fit.law == "Universal Scalability Law"


def test_a_law_rests_on_nodes_whose_error_is_known() -> None:
    groups = cluster(np.random.default_rng(6), 0.05, 0.0, (1, 2, 4))
    unsure = Measured(("n3",), (Estimate(100.0, None),))
    found = scaling([unsure if group.nodes == ("n3",) else group for group in groups])
    assert found is not None
    assert found.fit is None
    assert "here 2" in found.why_no_fit


def test_no_law_has_negative_parameters() -> None:
    """Together 1 % more than the sum: neither contention nor coherency."""
    exact = {size: Estimate(size * 101.0, 0.5, 10, 1) for size in (2, 3, 4)}
    names = ("a", "b", "c", "d")
    alone = [Measured((name,), (Estimate(100.0, 0.5, 10, 1),)) for name in names]
    found = scaling([*alone, *(Measured(names[:size], (rate,)) for size, rate in exact.items())])
    assert found is not None
    assert found.fit is not None
    assert (found.fit.contention, found.fit.coherency) == (0, 0)
    assert found.fit.contention_low == found.fit.coherency_low == 0
    assert found.fit.predicted == pytest.approx([100 * n for n in found.fit.predicted_nodes])


def test_a_baseline_of_one_run_is_shown_as_that_run_says_it_and_compared_with_what_repeats_would_share() -> None:
    rates = {name: Estimate(100.0, 1.0, 40, 60, 5.0) for name in "ab"}
    together = Estimate(180.0, 1.0, 40, 60, 5.0)
    found = scaling([*(Measured((name,), (rate,)) for name, rate in rates.items()), Measured(("a", "b"), (together,))])
    assert found is not None
    assert found.alone["a"] == (100.0, *(rates["a"].interval or ()))
    (group,) = found.groups
    assert (group.rate_low, group.rate_high) == together.interval
    assert group.low is not None
    assert group.low < 0.9 * (1 - 1.96 * 5 / 180)
