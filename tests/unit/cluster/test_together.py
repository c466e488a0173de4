"""Bounded work on many nodes, and its failures as one message."""

from __future__ import annotations

import asyncio

import pytest

from assay.cluster.launcher import LaunchError
from assay.cluster.together import NAMED, TOLD, as_one, together
from assay.errors import UserError


async def test_no_more_are_worked_on_at_a_time_than_asked_for() -> None:
    working, most = 0, 0

    async def work(number: int) -> int:
        nonlocal working, most
        working += 1
        most = max(most, working)
        await asyncio.sleep(0)
        working -= 1
        return number * 2

    assert await together(range(100), work, at_once=7) == [number * 2 for number in range(100)]
    assert most == 7
    assert await together([], work) == []


async def test_all_are_tried_and_failures_come_as_one_message() -> None:
    tried: list[int] = []

    async def work(number: int) -> None:
        tried.append(number)
        if number in (3, 500, 999):
            raise LaunchError(f"node n{number}: no answer\nlast words of n{number}")

    with pytest.raises(LaunchError) as raised:
        await together(range(1000), work)
    assert sorted(tried) == list(range(1000))
    assert str(raised.value).splitlines() == [
        "3 of 1000 failed:",
        "node n3: no answer",
        "last words of n3",
        "node n500: no answer",
        "node n999: no answer",
    ]


async def test_once_enough_have_failed_no_more_are_begun() -> None:
    tried: list[int] = []

    async def work(number: int) -> None:
        tried.append(number)
        if number >= 20:
            raise LaunchError(f"node n{number}: no answer in time")

    with pytest.raises(LaunchError) as raised:
        await together(range(1000), work, at_once=4, enough=10)
    assert tried == list(range(len(tried)))
    assert 30 <= len(tried) < 34
    begun = len(tried)
    assert str(raised.value).startswith(f"{begun - 20} of 1000 failed, and {1000 - begun} weren't tried any more:\n")


async def test_an_error_that_is_given_is_no_failure() -> None:
    async def work(number: int) -> LaunchError:
        return LaunchError(str(number))

    assert [str(error) for error in await together(range(3), work)] == ["0", "1", "2"]


async def test_work_under_way_ends_with_a_cancellation() -> None:
    began, ended = asyncio.Event(), []

    async def work(number: int) -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(number)

    waiting = asyncio.create_task(together(range(100), work, at_once=3))
    await began.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert set(ended) <= {0, 1, 2}
    assert ended


def test_one_failure_stays_as_it_is() -> None:
    failure = UserError("cluster.key_file: there is no file k")
    assert as_one([failure], 4) is failure
    assert as_one([failure, UserError(str(failure))], 4) is failure, "a thousand nodes need not say it"
    fault = ValueError("a fault of ours")
    assert as_one([failure, fault], 4) is fault


def test_of_very_many_failures_the_first_are_told_and_others_named() -> None:
    failures = [LaunchError(f"node n{number}: can't connect") for number in range(1000)]
    lines = str(as_one(failures, 1000)).splitlines()
    assert lines[0] == "1000 of 1000 failed:"
    assert lines[1:-1] == [str(failure) for failure in failures[:TOLD]]
    assert lines[-1].startswith(f"and {1000 - TOLD} more: node n{TOLD}: can't connect; ")
    assert lines[-1].count(";") == NAMED - 1
