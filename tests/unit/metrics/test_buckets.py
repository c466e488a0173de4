"""Histograms of a monitoring: their counts are those of the latencies, wherever these lie."""

from __future__ import annotations

import itertools
import math

from hypothesis import given
from hypothesis import strategies as st
from tests.following import sketch

from assay.metrics.buckets import BOUNDS_S, histogram
from assay.runs.sketch import Sketch

LATENCIES = st.lists(st.integers(0, 20_000_000_000_000), max_size=60)
EDGES_NS = [round(bound_s * 1e9) for bound_s in BOUNDS_S[:-1]]


@given(st.lists(st.sampled_from([edge + step for edge in EDGES_NS for step in (0, 1)]), max_size=60) | LATENCIES)
def test_a_bucket_counts_the_latencies_up_to_its_bound(latencies_ns: list[int]) -> None:
    found = histogram(sketch(*latencies_ns))
    for bound_s, count in zip(BOUNDS_S, found.counts, strict=True):
        assert count == sum(latency_ns / 1e9 <= bound_s for latency_ns in latencies_ns)
    assert sum(found.each) == found.count == len(latencies_ns)
    assert math.isclose(found.sum_s, sum(latencies_ns) / 1e9)


def test_bounds_are_about_an_eighth_apart_from_a_tenth_of_a_millisecond_to_a_thousand_seconds() -> None:
    assert BOUNDS_S[0] < 0.000105
    assert BOUNDS_S[-2] > 990
    assert BOUNDS_S[-1] == math.inf
    assert all(1.1 < after / before < 1.14 for before, after in itertools.pairwise(BOUNDS_S[:-1]))


def test_no_latencies_are_an_empty_histogram() -> None:
    assert set(histogram(Sketch()).counts) == {0}
