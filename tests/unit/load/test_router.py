"""The router alone: windows, order, fairness, failures."""

from __future__ import annotations

import heapq
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.load.retries import MAX_WAITS, Result
from assay.load.router import Fate, Router
from assay.load.source import Issue, Issues


def make(windows: list[int], *, epoch: int | None = None, attempts: int = 3, work: float = 1.0) -> Router:
    return Router(windows, lambda _: work, max_attempts=attempts, offline_epoch=epoch)


def offer(router: Router, count: int) -> None:
    router.offer(Issues(range(count), range(count)))


def finish(router: Router, sample: int, endpoint: int, now_ns: int = 0, *, ok: bool = True, gone: bool = False) -> Fate:
    result = Result.ANSWERED if ok else Result.UNREACHABLE if gone else Result.FAILED
    return router.finish(sample, endpoint, result, now_ns)


def test_no_endpoint_holds_more_than_its_window() -> None:
    router = make([2, 3])
    offer(router, 10)
    sends = router.dispatch(0)
    assert sorted(send.endpoint for send in sends) == [0, 0, 1, 1, 1]
    assert router.dispatch(0) == []


@given(windows=st.lists(st.integers(1, 4), min_size=1, max_size=5), most=st.integers(1, 7))
def test_a_part_at_once_comes_to_the_same_as_all(windows: list[int], most: int) -> None:
    whole, parts = make(windows), make(windows)
    for router in (whole, parts):
        offer(router, 12)
    sends = []
    while more := parts.dispatch(0, most):
        assert len(more) <= most
        sends += more
    assert sends == whole.dispatch(0)


def test_server_takes_the_endpoint_with_least_outstanding_work() -> None:
    weights = [100.0, 1.0, 1.0, 1.0]
    router = Router([8, 8], lambda i: weights[i], max_attempts=1, offline_epoch=None)
    offer(router, 4)
    assert [send.endpoint for send in router.dispatch(0)] == [0, 1, 1, 1]


def test_offline_is_longest_first_within_an_epoch_and_never_across() -> None:
    weights = [1.0, 3.0, 2.0, 9.0, 7.0, 8.0]
    router = Router([1], lambda i: weights[i], max_attempts=1, offline_epoch=3)
    offer(router, 6)
    order = []
    while sends := router.dispatch(0):
        order.append(sends[0].qsl_idx)
        finish(router, sends[0].sample, 0)
    assert order == [1, 2, 0, 3, 5, 4]


def test_a_failed_sample_goes_to_an_endpoint_that_has_not_tried_it() -> None:
    router = make([4, 4])
    offer(router, 1)
    first = router.dispatch(0)[0]
    assert finish(router, 0, first.endpoint, ok=False) is Fate.RESEND
    assert router.dispatch(0) == []  # not at once: a struggling server isn't hammered
    ready_ns = router.next_retry_ns()
    assert ready_ns is not None
    again = router.dispatch(ready_ns)[0]
    assert again.endpoint != first.endpoint
    assert again.attempt == 2


def test_a_sample_fails_after_its_last_attempt() -> None:
    router = make([1], attempts=2)
    offer(router, 1)
    router.dispatch(0)
    assert finish(router, 0, 0, ok=False) is Fate.RESEND
    router.dispatch(10**12)
    assert finish(router, 0, 0, ok=False) is Fate.FAILED
    assert router.in_flight == 0


def test_an_unreachable_endpoint_is_out_at_once_and_back_after_a_good_probe() -> None:
    router = make([2, 2])
    offer(router, 4)
    router.dispatch(0)
    finish(router, 0, 0, ok=False, gone=True)
    assert router.out == [0]
    router.probed(0, healthy=False)
    assert not router.all_gone
    router.probed(0, healthy=True)
    assert router.out == []


def test_an_endpoint_that_is_out_gets_nothing() -> None:
    router = make([2, 2], attempts=9)
    offer(router, 10)
    gone = next(send for send in router.dispatch(0) if send.endpoint == 0)
    finish(router, gone.sample, 0, ok=False, gone=True)
    assert router.lanes[0].in_flight == 1
    assert router.dispatch(10**12) == []
    router.probed(0, healthy=True)
    assert [send.endpoint for send in router.dispatch(10**12)] == [0]


def test_an_endpoint_that_came_back_has_a_clean_slate() -> None:
    router = make([1], attempts=9)
    offer(router, 9)
    for turn in range(3):
        finish(router, router.dispatch(10**12 * turn)[0].sample, 0, 10**12 * turn, ok=False)
    assert router.out == [0]
    router.probed(0, healthy=True)
    finish(router, router.dispatch(10**13)[0].sample, 0, 10**13, ok=False)
    assert router.out == []


def test_an_endpoint_known_to_be_faster_holds_more() -> None:
    router = Router([9, 9], lambda _: 1.0, max_attempts=1, offline_epoch=None, prior_rates=[1.0, 2.0])
    offer(router, 9)
    assert [send.endpoint for send in router.dispatch(0)].count(1) == 6


def test_a_slow_endpoint_leaves_the_last_sample_to_a_fast_one() -> None:
    """It would take 10 s, the other is free in 1 s and takes 1 s."""
    router = Router([1, 1], lambda _: 1.0, max_attempts=1, offline_epoch=3, prior_rates=[0.1, 1.0])
    offer(router, 1)
    assert [send.endpoint for send in router.dispatch(0)] == [1]
    offer(router, 1)
    assert router.dispatch(0) == []
    finish(router, 0, 1, 10**9)
    assert [send.endpoint for send in router.dispatch(10**9)] == [1]


def test_three_failures_in_a_row_take_an_endpoint_out_and_a_success_in_between_does_not() -> None:
    for pattern, out in [([False, False, False], True), ([False, True, False, False], False)]:
        router = make([1], attempts=9)
        offer(router, 9)
        for number, ok in enumerate(pattern):
            send = router.dispatch(10**12 * number)[0]
            finish(router, send.sample, 0, 10**12 * number, ok=ok)
        assert bool(router.out) is out


def test_all_gone_needs_a_failed_probe_of_every_endpoint() -> None:
    router = make([1, 1])
    offer(router, 2)
    router.dispatch(0)
    for sample in (0, 1):
        finish(router, sample, sample, ok=False, gone=True)
    assert not router.all_gone
    router.probed(0, healthy=False)
    router.probed(1, healthy=False)
    assert router.all_gone


def _simulate(speeds: list[float], windows: list[int], samples: int, *, static: bool = False) -> float:
    """Seconds until all samples are done, where endpoint e takes 1/speed s for each of its window's requests."""
    router = make(windows, epoch=samples)
    offer(router, samples)
    if static:
        share = -(-samples // len(speeds))
        return max(-(-share // window) / speed for speed, window in zip(speeds, windows, strict=True))
    clock, events = 0, []
    while True:
        for send in router.dispatch(clock):
            heapq.heappush(events, (clock + int(1e9 / speeds[send.endpoint]), send.endpoint, send.sample))
        if not events:
            return clock / 1e9
        clock, endpoint, sample = heapq.heappop(events)
        finish(router, sample, endpoint, clock)


@pytest.mark.parametrize(("speeds", "samples"), [([1.0, 2.1], 2000), ([1.0, 1.0, 4.0], 2000)])
def test_uneven_endpoints_share_by_their_speed(speeds: list[float], samples: int) -> None:
    windows = [8] * len(speeds)
    ideal_s = samples / sum(speed * window for speed, window in zip(speeds, windows, strict=True))
    assert ideal_s / _simulate(speeds, windows, samples) >= 0.97
    assert ideal_s / _simulate(speeds, windows, samples, static=True) < 0.85


@pytest.mark.parametrize(("endpoints", "window", "samples"), [(128, 2, 1000), (512, 1, 2560)])
def test_of_many_equal_endpoints_those_that_look_fastest_by_chance_are_not_left_with_the_last_samples(
    endpoints: int, window: int, samples: int
) -> None:
    """Answers are of different lengths, so averages over few differ though all endpoints are the same."""
    draw = random.Random(1)
    seconds = [draw.lognormvariate(-0.045, 0.3) for _ in range(samples)]
    free = [0.0] * (endpoints * window)
    for service_s in seconds:
        heapq.heapreplace(free, free[0] + service_s)
    router = make([window] * endpoints, epoch=samples)
    offer(router, samples)
    clock, events = 0, []
    while (sends := router.dispatch(clock)) or events:
        for send in sends:
            heapq.heappush(events, (clock + int(1e9 * seconds[send.sample]), send.endpoint, send.sample))
        clock, endpoint, sample = heapq.heappop(events)
        finish(router, sample, endpoint, clock)
    assert max(free) / (clock / 1e9) >= 0.97


@settings(max_examples=60, deadline=None)
@given(
    windows=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    epoch=st.sampled_from([None, 7, 40]),
    samples=st.integers(1, 40),
    outcomes=st.lists(st.booleans(), min_size=200, max_size=200),
)
def test_whatever_fails_every_sample_is_decided_once(
    windows: list[int], epoch: int | None, samples: int, outcomes: list[bool]
) -> None:
    router = make(windows, epoch=epoch)
    offer(router, samples)
    decided: list[int] = []
    flying = []
    clock = 0
    for ok in outcomes * 2:
        clock += 10**9
        flying += router.dispatch(clock)
        for lane in router.lanes:
            assert 0 <= lane.in_flight <= lane.window
        if flying:
            send = flying.pop(0)
            if finish(router, send.sample, send.endpoint, clock, ok=ok) is not Fate.RESEND:
                decided.append(send.sample)
        for endpoint in router.out:
            router.probed(endpoint, healthy=True)
    assert sorted(decided) == list(range(samples))
    assert all(lane.outstanding_work == pytest.approx(0) for lane in router.lanes)


def test_a_session_stays_where_it_began_though_the_other_endpoint_is_free() -> None:
    router = make([8, 8])
    router.offer(Issues.of([Issue(0, 0, session=7)]))
    home = router.dispatch(0)[0].endpoint
    for turn in range(1, 6):
        finish(router, 2 * (turn - 1), home, turn)
        router.offer(Issues.of([Issue(0, 0)]))  # the home is never the emptier one
        router.dispatch(turn)
        router.offer(Issues.of([Issue(turn, turn, session=7)]))
        assert [send.endpoint for send in router.dispatch(turn)] == [home]


def test_a_session_waiting_for_its_endpoint_holds_nobody_up() -> None:
    router = make([1, 1])
    router.offer(Issues.of([Issue(0, 0, session=3)]))
    home = router.dispatch(0)[0].endpoint
    router.offer(Issues.of([Issue(1, 1, session=3), Issue(2, 2)]))
    assert [(send.sample, send.endpoint) for send in router.dispatch(0)] == [(2, 1 - home)]


def test_a_session_whose_endpoint_failed_moves_and_stays_there() -> None:
    router = make([2, 2])
    router.offer(Issues.of([Issue(0, 0, session=0)]))
    home = router.dispatch(0)[0].endpoint
    assert finish(router, 0, home, ok=False, gone=True) is Fate.RESEND
    (moved,) = router.dispatch(10**9)
    assert moved.endpoint == 1 - home
    finish(router, 0, moved.endpoint, 10**9)
    router.probed(home, healthy=True)
    router.offer(Issues.of([Issue(1, 1, session=0)]))
    assert router.dispatch(10**9)[0].endpoint == moved.endpoint


def busy(router: Router, sample: int, endpoint: int, now_ns: int, retry_ns: int = 0) -> Fate:
    return router.finish(sample, endpoint, Result.BUSY, now_ns, retry_ns)


def test_a_busy_endpoint_is_sent_nothing_for_as_long_as_it_asks_and_is_not_out() -> None:
    router = make([8])
    offer(router, 20)
    assert len(router.dispatch(0)) == 8
    for sample in range(8):
        assert busy(router, sample, 0, 0, 10**9) is Fate.RESEND
    assert router.out == []
    assert not router.all_gone
    assert router.dispatch(10**9 - 1) == []
    assert router.next_retry_ns() == 10**9
    again = router.dispatch(10**9)
    assert len(again) == 4  # half of what was too much
    assert [send.sample for send in again] == [0, 1, 2, 3]  # those that waited go before those that didn't
    assert {send.attempt for send in again} == {2}


def test_an_endpoint_that_was_busy_is_given_more_as_it_answers() -> None:
    router = make([8])
    offer(router, 200)
    sends = router.dispatch(0)
    busy(router, sends[0].sample, 0, 0)
    clock, flying = 10**9, [send.sample for send in sends[1:]]
    for _ in range(100):
        finish(router, flying.pop(0), 0, clock)
        clock += 10**7
        flying += [send.sample for send in router.dispatch(clock)]
    assert router.in_flight == 8


def test_waits_grow_where_the_endpoint_names_none_and_end_with_an_answer() -> None:
    router = make([1])
    offer(router, 2)
    clock, waits = 0, []
    for _ in range(7):
        (send,) = router.dispatch(clock)
        busy(router, send.sample, 0, clock)
        ready_ns = router.next_retry_ns()
        assert ready_ns is not None
        waits.append((ready_ns - clock) // 10**6)
        clock = ready_ns
    assert waits == [200, 400, 800, 1600, 3200, 5000, 5000]
    (send,) = router.dispatch(clock)
    finish(router, send.sample, 0, clock)
    (send,) = router.dispatch(clock)
    busy(router, send.sample, 0, clock)
    assert router.next_retry_ns() == clock + 200_000_000


def test_a_sample_that_is_always_told_to_wait_fails_in_the_end_and_not_by_its_attempts() -> None:
    router = make([1], attempts=1)
    offer(router, 1)
    fates = []
    for clock in range(MAX_WAITS):
        (send,) = router.dispatch(clock)
        fates.append(busy(router, send.sample, 0, clock, 1))
    assert fates == [Fate.RESEND] * (MAX_WAITS - 1) + [Fate.FAILED]


def test_a_refused_sample_is_sent_once_and_its_endpoint_untouched() -> None:
    router = make([1], attempts=3)
    offer(router, 9)
    for sample in range(9):
        (send,) = router.dispatch(0)
        assert send.sample == sample
        assert router.finish(sample, 0, Result.REFUSED, 0) is Fate.FAILED
    assert router.out == []
    assert router.next_retry_ns() is None
