"""When new connections may be begun."""

from __future__ import annotations

import asyncio

from assay.load.transport import Opening, Pace, endpoint_pace

MS = 1_000_000


def begun_ms(pace: Pace, number: int, now_ms: int = 0) -> list[int]:
    """When so many connections that are wanted at once are begun."""
    return [now_ms + pace.wait_ns(now_ms * MS) // MS for _ in range(number)]


def test_some_at_once_then_so_many_a_second() -> None:
    assert begun_ms(Pace(per_s=100, burst=3), 6) == [0, 0, 0, 10, 20, 30]


def test_what_is_not_used_is_kept_up_to_so_many_at_once() -> None:
    pace = Pace(per_s=100, burst=3)
    begun_ms(pace, 3)
    assert begun_ms(pace, 2, now_ms=10) == [10, 20]
    assert begun_ms(pace, 5, now_ms=10_000) == [10_000, 10_000, 10_000, 10_010, 10_020]


def test_a_slow_trickle_never_waits() -> None:
    pace = Pace(per_s=100, burst=1)
    assert [begun_ms(pace, 1, now_ms=at)[0] for at in range(0, 200, 10)] == list(range(0, 200, 10))


def test_processes_that_share_an_endpoint_begin_as_many_together_as_one_alone() -> None:
    """As many as the shortest usual queue of a listening socket at once, and a window of 4,096 within 2 s."""
    for sharers in (1, 3, 62):
        paces = [endpoint_pace(sharers) for _ in range(sharers)]
        begun_ns = [pace.wait_ns(0) for pace in paces for _ in range(4096 // sharers)]
        assert sum(time_ns == 0 for time_ns in begun_ns) <= 128
        assert sum(time_ns < 1000 * MS for time_ns in begun_ns) <= 128 + 2000 + sharers
        assert max(begun_ns) <= 2100 * MS


async def test_a_process_has_no_more_handshakes_at_once_than_its_gate_lets_through() -> None:
    gate, at_once, most = asyncio.Semaphore(3), 0, 0

    async def connect(opening: Opening) -> None:
        nonlocal at_once, most
        async with opening.turn():
            at_once += 1
            most = max(most, at_once)
            await asyncio.sleep(0)
            at_once -= 1

    openings = [Opening(gate=gate) for _ in range(4)]
    await asyncio.gather(*(connect(opening) for opening in openings for _ in range(5)))
    assert (most, at_once) == (3, 0)
