"""The early-stopping bound: LoadGen's own counts, and coverage."""

from __future__ import annotations

import numpy as np
import pytest

from assay.analysis.early_stopping import early_stopping_bound, queries_needed


@pytest.mark.parametrize(
    ("slower", "percentile", "queries"),
    [
        (0, 0.99, 459),  # LoadGen: a Server run needs at least 459 queries
        (1, 0.90, 64),  # LoadGen's SingleStream: "need to process at least 64 queries"
        (1, 0.99, 662),
        (0, 0.90, 44),
    ],
)
def test_queries_needed_are_loadgens(slower: int, percentile: float, queries: int) -> None:
    assert queries_needed(slower, percentile) == queries


def test_bound_holds_in_99_of_100_runs_and_is_no_wider_than_needed() -> None:
    rng = np.random.default_rng(1)
    bounds = []
    for _ in range(2000):
        bound = early_stopping_bound(np.sort(rng.integers(0, 10**9, 1000)), 0.9)
        assert bound is not None
        bounds.append(bound)
    assert 0.985 <= np.mean(np.array(bounds) >= 0.9e9) < 1.0
    assert np.median(bounds) < 0.925e9


def test_too_few_queries_have_no_bound() -> None:
    assert early_stopping_bound(np.arange(63), 0.9) is None
    assert early_stopping_bound(np.arange(64), 0.9) == 63
