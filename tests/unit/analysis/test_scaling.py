"""Scaling efficiency and its law: known answers, coverage, and refusal without baselines."""

from __future__ import annotations

import numpy as np
import pytest

from assay.analysis.scaling import Measured, scaling
from assay.analysis.statistics import Estimate

REPEATS = 3


def measured(nodes: tuple[str, ...], rate: float, rng: np.random.Generator, spread: float = 0.01) -> Measured:
    rates = rate * (1 + spread * rng.standard_normal(REPEATS))
    return Measured(nodes, tuple(Estimate(float(r), r * spread, 50, 100) for r in rates))


def cluster(rng: np.random.Generator, contention: float, coherency: float, sizes: tuple[int, ...]) -> list[Measured]:
    names = tuple(f"n{i}" for i in range(max(sizes)))
    groups = [measured((name,), 100.0, rng) for name in names]
    for n in sizes:
        if n > 1:
            rate = 100 * n / (1 + contention * (n - 1) + coherency * n * (n - 1))
            groups.append(measured(names[:n], rate, rng))
    return groups


def test_efficiency_is_combined_over_the_sum_of_singles() -> None:
    exact = [Estimate(v, 0.0, 10, 1) for v in (0.277, 0.583, 0.25)]
    found = scaling([Measured(("a",), (exact[0],)), Measured(("b",), (exact[1],)), Measured(("a", "b"), (exact[2],))])
    assert found is not None
    group = found.groups[0]
    assert group.efficiency == pytest.approx(0.25 / (0.277 + 0.583))
    assert group.speedup == pytest.approx(0.25 / 0.583)  # slower together than the faster one alone
    assert group.best_alone == "b"


def test_efficiency_interval_covers_the_truth() -> None:
    rng = np.random.default_rng(1)
    trials, hits = 300, 0
    for _ in range(trials):
        groups = [measured(("a",), 100, rng), measured(("b",), 210, rng), measured(("a", "b"), 0.9 * 310, rng)]
        found = scaling(groups)
        assert found is not None
        group = found.groups[0]
        hits += (group.low or 0) <= 0.9 <= (group.high or 9)
    assert hits / trials >= 0.91


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


def test_fit_covers_the_planted_law_and_its_prediction() -> None:
    rng = np.random.default_rng(5)
    trials, serial, ahead = 60, 0, 0
    truth = 100 * 16 / (1 + 0.03 * 15 + 0.002 * 16 * 15)
    for _ in range(trials):
        found = scaling(cluster(rng, 0.03, 0.002, (1, 2, 4, 8)))
        assert found is not None
        fit = found.fit
        assert fit is not None
        serial += fit.contention_low <= 0.03 <= fit.contention_high
        at = fit.predicted_nodes.index(16)
        ahead += fit.predicted_low[at] <= truth <= fit.predicted_high[at]
    assert serial / trials >= 0.8
    assert ahead / trials >= 0.8
