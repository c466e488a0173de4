"""The sketch of latencies: quantiles within the documented error, and merging that loses nothing."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from assay.runs.sketch import LONGEST_NS, RELATIVE_ERROR, SHORTEST_NS, Recorder, Sketch

latencies = st.integers(SHORTEST_NS, LONGEST_NS - 1)
series = st.lists(latencies, max_size=60)


def sketch(values: list[int]) -> Sketch:
    recorder = Recorder()
    for value in values:
        recorder.add(value)
    return recorder.snapshot()


@given(st.lists(latencies, min_size=1, max_size=60), st.floats(0, 1))
def test_a_quantile_is_within_the_error_of_the_sample_at_its_rank(values: list[int], share: float) -> None:
    true = sorted(values)[min(len(values) - 1, int(len(values) * share))]
    found = sketch(values).quantile(share)
    assert found is not None
    assert abs(found - true) <= RELATIVE_ERROR * true * (1 + 1e-9) + 0.5  # half a nanosecond: it is rounded


@given(series, series, series)
def test_merging_is_as_if_one_had_seen_all(one: list[int], two: list[int], three: list[int]) -> None:
    together = sketch(one + two + three)
    assert sketch(one).merged(sketch(two)).merged(sketch(three)) == together
    assert sketch(three).merged(sketch(one).merged(sketch(two))) == together
    assert (together.count, together.sum_ns) == (len(one + two + three), sum(one + two + three))


@given(series)
def test_a_sketch_comes_back_from_its_json(values: list[int]) -> None:
    assert Sketch.model_validate_json(sketch(values).model_dump_json()) == sketch(values)


def test_no_latency_has_no_quantile() -> None:
    assert sketch([]).quantile(0.5) is None


def test_what_lies_outside_the_buckets_is_counted_at_their_ends() -> None:
    held = sketch([0, 1, LONGEST_NS * 50])
    assert held.count == 3
    low, high = held.quantile(0.0), held.quantile(1.0)
    assert low is not None
    assert high is not None
    assert math.isclose(low, SHORTEST_NS, rel_tol=RELATIVE_ERROR * 1.01)
    assert math.isclose(high, LONGEST_NS, rel_tol=RELATIVE_ERROR * 2.1)  # the last bucket may reach beyond


def test_a_spread_of_six_decades_stays_small() -> None:
    assert len(sketch([10**power for power in range(4, 11)]).model_dump_json()) < 2000
