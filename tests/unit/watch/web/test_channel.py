"""One reading for all who listen: who joins late is told all, who is there what is new, who lags all again."""

from __future__ import annotations

import asyncio
import queue
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from assay.watch.web import channel as channels
from assay.watch.web.channel import Channel, news_of
from assay.watch.web.parts import Columns, View


class Script:
    """A source whose views are put in by the test; it waits for each."""

    def __init__(self) -> None:
        self.views: queue.Queue[View] = queue.Queue()
        self.looks = 0

    def look(self) -> View:
        view = self.views.get(timeout=30)
        self.looks += 1
        return view


def view(number: int, points: int, first_ms: int = 0) -> View:
    times = [float(first_ms + place) for place in range(points)]
    parts = {"headline": "campaign", "pace": f"{number} tokens/s"}
    return View(parts, {"load": Columns(times, {"tokens": [float(number)] * points})}, 0.5)


async def told(listener: AsyncIterator[bytes]) -> dict[str, Any]:
    """The next event that tells something."""
    async for message in listener:
        if message.startswith(b"data: "):
            assert message.endswith(b"\n\n")
            assert message.count(b"\n") == 2
            return dict(orjson.loads(message[6:]))
    raise AssertionError("the stream has ended")


def test_who_joins_is_told_all_and_then_what_is_new() -> None:
    async def follow() -> None:
        source = Script()
        channel = Channel(source, every_s=0)
        first = channel.listen()
        source.views.put(view(1, 3))
        whole = await told(first)
        assert whole["whole"]
        assert whole["series"]["load"]["t_ms"] == [0, 1, 2]
        late = channel.listen()
        assert await told(late) == whole
        source.views.put(view(2, 5))
        for listener in (first, late):
            news = await told(listener)
            assert news["parts"] == {"pace": "2 tokens/s"}
            assert news["series"]["load"] == {"t_ms": [3, 4], "columns": {"tokens": [2, 2]}}
        assert source.looks == 2
        source.views.put(view(3, 5))  # for the thread that waits
        await channel.close()

    asyncio.run(follow())


def test_who_lags_is_told_all_again() -> None:
    async def follow() -> None:
        source = Script()
        channel = Channel(source, every_s=0)
        quick, slow = channel.listen(), channel.listen()
        source.views.put(view(1, 3))
        await told(quick)
        await told(slow)
        for number in (2, 3):
            source.views.put(view(number, 3 + number))
            assert "whole" not in await told(quick)
        again = await told(slow)
        assert again["whole"]
        assert again["parts"]["pace"] == "3 tokens/s"
        source.views.put(view(4, 6))
        await channel.close()

    asyncio.run(follow())


def test_a_page_that_is_open_for_days_is_sent_its_series_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels, "_MOST_ADDED", 2)

    async def follow() -> None:
        source = Script()
        channel = Channel(source, every_s=0)
        listener = channel.listen()
        wholes = []
        for number in range(1, 9):
            source.views.put(view(number, number))
            wholes.append("whole" in await told(listener))
        assert wholes == [True, False, False, True, False, False, True, False]
        source.views.put(view(9, 9))
        await channel.close()

    asyncio.run(follow())


def test_a_channel_that_nobody_listens_to_ends() -> None:
    async def follow() -> None:
        source = Script()
        for number in range(3):
            source.views.put(view(number, 1))
        channel = Channel(source, every_s=0, linger_s=-1)
        listener = channel.listen()
        await told(listener)
        assert channel.going
        await listener.aclose()  # type: ignore[attr-defined]
        source.views.put(view(3, 1))
        while channel.going:
            await asyncio.sleep(0)

    asyncio.run(follow())


def test_listeners_end_when_the_channel_is_closed() -> None:
    async def follow() -> None:
        source = Script()
        channel = Channel(source, every_s=0)
        listener = channel.listen()
        source.views.put(view(1, 1))
        await told(listener)
        source.views.put(view(1, 1))
        await channel.close()
        assert [message async for message in listener] == []

    asyncio.run(follow())


def test_a_defect_ends_the_streams_that_wait() -> None:
    class Broken(Script):
        def look(self) -> View:
            super().look()
            raise RuntimeError("a defect")

    async def follow() -> None:
        source = Broken()
        listener = Channel(source, every_s=0).listen()
        waiting = asyncio.create_task(told(listener))
        await asyncio.sleep(0)
        source.views.put(view(1, 1))
        with pytest.raises(RuntimeError, match="a defect"):
            await waiting

    asyncio.run(follow())


@pytest.mark.parametrize(
    "now",
    [
        view(1, 3, first_ms=100),  # another run's
        view(1, 2),  # closed again
        View({"problem": "damaged"}, {}),
        View(view(1, 3).parts, {"load": Columns([0, 1, 2, 3], {"other": [0, 0, 0, 0]})}),
    ],
)
def test_another_series_is_sent_whole(now: View) -> None:
    assert news_of(view(1, 3), now) is None
