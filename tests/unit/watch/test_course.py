"""A run's whole course in little memory, and when its endpoints were out."""

from __future__ import annotations

import pytest
from tests.following import SECOND, progress, sketch

from assay.watch.course import Course, Pace
from assay.watch.thinned import Thinned


@pytest.mark.parametrize("count", [3, 10, 11, 12, 1000, 1025])
def test_a_thinned_series_begins_with_the_first_and_is_evenly_apart(count: int) -> None:
    thinned: Thinned[int] = Thinned(10)
    for number in range(count):
        thinned.add(number)
    assert len(thinned.items) <= 10
    assert thinned.items[0] == 0
    steps = {late - early for early, late in zip(thinned.items, thinned.items[1:], strict=False)}
    assert len(steps) == 1
    assert count - thinned.items[-1] <= steps.pop()


def test_the_history_of_days_is_whole_and_bounded() -> None:
    course = Course()
    for second in range(1, 3001):
        course.take(progress(second, 10 * second))
    history = course.history()
    assert len(history) < 600
    assert history[0].elapsed_ns < 30 * SECOND
    assert history[-1].elapsed_ns == 3000 * SECOND
    assert [point.elapsed_ns for point in history] == sorted({point.elapsed_ns for point in history})
    assert {point.samples_per_s for point in history} == {10}  # of totals: nothing is lost by leaving some out


def test_outages_are_told_with_their_begin_and_end() -> None:
    course = Course()
    told = [progress(1, 10), progress(2, 20, out=("node-b",)), progress(3, 30, out=("node-b",)), progress(5, 40)]
    for event in told:
        course.take(event)
    (outage,) = course.outages
    assert (outage.endpoint, outage.begun_ns, outage.ended_ns) == ("node-b", told[1].utc_ns, told[3].utc_ns)
    course.take(progress(6, 50, out=("node-a",)))
    assert [(outage.endpoint, outage.ended_ns is None) for outage in course.outages] == [
        ("node-b", False),
        ("node-a", True),
    ]


def test_where_nothing_is_told_of_endpoints_none_came_back() -> None:
    course = Course()
    course.take(progress(1, 10, out=("node-b",)))
    course.take(progress(2, 20).model_copy(update={"endpoints": {}}))
    (outage,) = course.outages
    assert outage.ended_ns is None


def test_answers_that_come_in_bursts_are_a_steady_rate_without_gaps() -> None:
    """Of late and, where lines of progress were left out since, early on."""
    course = Course()
    for second in range(1, 1201):
        course.take(progress(second, 50 * (second // 5), ttft=sketch(*[20_000_000] * (second // 5))))
    steady = [point for point in course.history() if point.elapsed_ns >= 16 * SECOND]
    assert len(steady) > 400
    assert all(
        8 < point.samples_per_s < 13 for point in steady
    )  # early on over twelve seconds: every fourth line is kept
    assert course.pace() == Pace(samples_per_s=10, tokens_per_s=1000)
    assert None not in {point.ttft_p50_ns for point in steady}


def test_a_load_that_begins_anew_is_not_held_against_the_one_before() -> None:
    course = Course()
    for second, completed in ((2, 20), (1, 10), (2, 30)):
        course.take(progress(second, completed))
    assert [(point.elapsed_ns, point.samples_per_s) for point in course.history()] == [(2 * SECOND, 20)]
