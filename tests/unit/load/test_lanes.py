"""Which lane takes a sample, against the plain way of looking at every lane each time."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.plain_board import PlainBoard

from assay.load.lanes import Lane, Ranking
from assay.load.retries import Result
from assay.load.router import Router
from assay.load.source import Issues

RESULTS = st.sampled_from([Result.ANSWERED] * 6 + list(Result))


@settings(max_examples=150, deadline=None)
@given(data=st.data(), offline=st.booleans())
def test_the_choices_are_those_of_looking_at_every_lane(*, data: st.DataObject, offline: bool) -> None:
    windows = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=9))
    rates = data.draw(
        st.lists(st.sampled_from([0.3, 1.0, 1.0, 2.1, 7.0]), min_size=len(windows), max_size=len(windows))
    )
    samples = data.draw(st.integers(1, 60))
    made: dict[str, Any] = {"max_attempts": 3, "offline_epoch": samples if offline else None, "prior_rates": rates}
    routers = [Router(windows, lambda number: float(number % 7 + 1), **made) for _ in range(2)]
    routers[1]._board = PlainBoard(windows, rates, offline=offline)
    routers[1].lanes = routers[1]._board.lanes
    for router in routers:
        router.offer(Issues(range(samples), range(samples)))
    flying: list[Any] = []
    now_ns = 0
    for _ in range(data.draw(st.integers(1, 120))):
        now_ns += data.draw(st.sampled_from([1, 10**6, 10**8, 3 * 10**8, 10**9]))
        sends, plain = (router.dispatch(now_ns) for router in routers)
        assert sends == plain
        flying += sends
        assert routers[0].next_retry_ns() == routers[1].next_retry_ns()
        assert (routers[0].out, routers[0].all_gone) == (routers[1].out, routers[1].all_gone)
        if routers[0].out and data.draw(st.booleans()):
            endpoint, healthy = data.draw(st.sampled_from(routers[0].out)), data.draw(st.booleans())
            for router in routers:
                router.probed(endpoint, healthy=healthy)
        if flying:
            send = flying.pop(data.draw(st.integers(0, len(flying) - 1)))
            result, retry_ns = data.draw(RESULTS), data.draw(st.sampled_from([0, 5 * 10**8]))
            fates = [router.finish(send.sample, send.endpoint, result, now_ns, retry_ns) for router in routers]
            assert fates[0] is fates[1]


@given(
    steps=st.lists(st.tuples(st.integers(0, 5), st.none() | st.integers(0, 9)), max_size=300),
    apart=st.sets(st.integers(0, 5)),
)
def test_a_ranking_gives_the_least_of_what_is_in_it_now(steps: list[tuple[int, int | None]], apart: set[int]) -> None:
    ranking, there = Ranking(6), {}
    for index, key in steps:
        if key is None:
            ranking.drop(index)
            there.pop(index, None)
        else:
            ranking.put(index, key)
            there[index] = key
        assert ranking.first() == min(((key, 0, index) for index, key in there.items()), default=None)
        rest = [(key, 0, index) for index, key in there.items() if index not in apart]
        assert ranking.first(apart) == min(rest, default=None)


def test_a_ranking_keeps_no_more_than_a_few_entries_a_lane() -> None:
    ranking = Ranking(3)
    for number in range(10_000):
        ranking.put(number % 3, -number)
    assert len(ranking._heap) <= 64 + 2 * 3


@pytest.mark.parametrize("lanes", [2, 1024])
def test_the_steps_for_a_sample_do_not_grow_with_the_lanes(lanes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted where every lane that is looked at is asked whether it has room."""
    looked = [0]
    has_room = Lane.has_room.fget
    assert has_room is not None

    def counting(lane: Lane) -> bool:
        looked[0] += 1
        return bool(has_room(lane))

    samples = lanes * 4
    router = Router([2] * lanes, lambda _: 1.0, max_attempts=3, offline_epoch=samples)
    router.offer(Issues(range(samples), range(samples)))
    monkeypatch.setattr(Lane, "has_room", property(counting))
    flying, done = router.dispatch(0), 0
    while flying:
        send = flying.pop(0)
        done += 1
        router.finish(send.sample, send.endpoint, Result.ANSWERED, done * 1000)
        flying += router.dispatch(done * 1000)
    assert done == samples
    assert looked[0] <= 5 * samples


def test_an_answer_between_two_refusals_doesnt_end_the_wait() -> None:
    """Of several in flight, one is told to wait, one answered, and one told to wait again."""
    lane = Lane(0, 8)
    until_ns = lane.told_to_wait(0, 0)
    lane.answered(0.1)
    assert lane.told_to_wait(0, 1) == until_ns + 1
