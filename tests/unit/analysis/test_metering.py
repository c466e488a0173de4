"""Energy from a meter's readings: exact where the curve is known, and unknown where nothing was read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.analysis.hardware import Metric
from assay.analysis.metering import MOST_APART_S, Metered, best, by_counter, by_power

SECOND = 1_000_000_000
_STEPS = st.lists(st.floats(0.05, 4.9), min_size=2, max_size=40)


def metric(times_s: object, values: object) -> Metric:
    times = np.asarray(times_s, dtype=np.float64) * SECOND
    return Metric("a", "gpu0", times.astype(np.int64), np.asarray(values, dtype=np.float64))


def between(metered: Metered, begin_s: float, end_s: float) -> tuple[float, float]:
    return metered.between(int(begin_s * SECOND), int(end_s * SECOND))


def test_a_line_of_power_between_readings() -> None:
    metered = by_power(metric([0, 2, 4], [100, 300, 300]))
    assert between(metered, 0, 4) == pytest.approx((1000, 4))
    assert between(metered, 1, 3) == pytest.approx((250 + 300, 2))  # 200 W rising to 300 W, then 300 W
    assert between(metered, -3, 9) == pytest.approx((1000, 4))  # nothing is known before and after


def test_readings_far_apart_leave_a_gap() -> None:
    metered = by_power(metric([0, 1, 2, 12, 13, 14], [100, 100, 100, 900, 900, 900]))
    assert between(metered, 0, 14) == pytest.approx((2000, 4))


def test_readings_that_are_seldom_by_plan_leave_none() -> None:
    times = np.arange(0, 200, 16.0)
    assert between(by_power(metric(times, np.full(len(times), 100.0))), 0, 192) == pytest.approx((19_200, 192))


def test_a_counter_tells_what_a_gap_took() -> None:
    metered = by_counter(metric([0, 1, 11, 12], [50, 150, 5150, 5250]), 0, 12 * SECOND)
    assert between(metered, 0, 12) == pytest.approx((5200, 12))


def test_a_counter_that_was_set_back_is_unknown_there() -> None:
    metered = by_counter(metric([0, 1, 2, 3], [1000, 1100, 20, 120]), 0, 3 * SECOND)
    assert between(metered, 0, 3) == pytest.approx((200, 2))


@pytest.mark.parametrize(("begin_s", "end_s"), [(5, 30), (-20, 5)])
def test_when_in_a_silence_its_energy_fell_is_unknown(begin_s: int, end_s: int) -> None:
    readings = metric([-2, -1, 0, 10, 11, 12], [0, 100, 200, 9000, 9100, 9200])
    metered = by_counter(readings, begin_s * SECOND, end_s * SECOND)
    assert metered.between(0, 10 * SECOND) == (0, 0)
    assert metered.between(10 * SECOND, 12 * SECOND) == pytest.approx((200, 2))


def test_the_counter_is_taken_where_both_know_as_much() -> None:
    power, counter = metric([0, 1, 2], [100, 100, 100]), metric([0, 1, 2], [7, 108, 209])
    found = best(counter, power, 0, 2 * SECOND)
    assert found is not None
    assert (found.basis, *between(found, 0, 2)) == ("counter", pytest.approx(202), pytest.approx(2))


@pytest.mark.parametrize(("until_s", "basis"), [(91, "counter"), (89, "power")])
def test_a_counter_that_is_read_seldom_may_know_a_little_less(until_s: int, basis: str) -> None:
    power = metric(list(range(101)), [100] * 101)
    found = best(metric([0, until_s / 2, until_s], [0, 50 * until_s, 100 * until_s]), power, 0, 100 * SECOND)
    assert found is not None
    assert found.basis == basis


def test_power_is_taken_where_the_counter_was_set_back_or_stands_still() -> None:
    power = metric([0, 1, 2], [100, 100, 100])
    for values in ([50, 150, 5], [50, 50, 50]):
        found = best(metric([0, 1, 2], values), power, 0, 2 * SECOND)
        assert found is not None
        assert found.basis == "power"
    assert best(metric([0, 1], [4, 4]), None, 0, SECOND) is None
    assert best(None, None, 0, SECOND) is None


@given(_STEPS, st.floats(0, 900), st.floats(0, 50), st.data())
def test_a_counter_of_any_course_is_exact_at_its_readings(
    steps: list[float], base: float, slope: float, data: st.DataObject
) -> None:
    times = np.cumsum(steps)
    joules = base * times + slope * times**2
    chosen = sorted(data.draw(st.lists(st.integers(0, len(steps) - 1), min_size=2, max_size=2, unique=True)))
    begin, end = (int(times[place] * SECOND) for place in chosen)
    metered = by_counter(metric(times, joules), begin, end)
    energy, seconds = metered.between(begin, end)
    assert energy == pytest.approx(joules[chosen[1]] - joules[chosen[0]], rel=1e-6, abs=1e-6)
    assert seconds == pytest.approx((end - begin) / 1e9)


@given(_STEPS, st.floats(-100, 100), st.floats(0, 1), st.floats(0, 1))
def test_linear_power_is_exact_between_any_two_times(steps: list[float], slope: float, one: float, two: float) -> None:
    times = np.concatenate([[0.0], np.cumsum(steps)])
    level = 200 + abs(slope) * times[-1]
    metered = by_power(metric(times, level + slope * times))
    begin, end = sorted((one * times[-1], two * times[-1]))
    exact = level * (end - begin) + slope * (end**2 - begin**2) / 2
    assert between(metered, begin, end)[0] == pytest.approx(exact, rel=1e-6, abs=1e-4)


@given(st.lists(st.tuples(st.floats(0.01, 3 * MOST_APART_S), st.floats(0, 1e4)), min_size=2, max_size=40))
def test_bins_add_up_and_never_exceed_the_time(readings: list[tuple[float, float]]) -> None:
    times = np.cumsum([step for step, _ in readings])
    metered = by_power(metric(times, [watts for _, watts in readings]))
    edges = np.linspace(0, times[-1] * SECOND + SECOND, 50)
    joules, seconds = metered.in_bins(edges)
    assert joules.sum() == pytest.approx(metered.between(0, int(edges[-1]))[0])
    assert (joules >= -1e-6).all()
    assert (seconds <= np.diff(edges) / 1e9 + 1e-9).all()
