"""One question for all who ask."""

from __future__ import annotations

import asyncio

import pytest

from assay.cluster.shared import SharedAnswer


async def test_all_who_ask_meanwhile_get_the_answer_under_way() -> None:
    asked, go = 0, asyncio.Event()

    async def ask() -> int:
        nonlocal asked
        asked += 1
        await go.wait()
        return asked

    shared = SharedAnswer(ask, fresh_s=1e6)
    waiting = [asyncio.create_task(shared.get()) for _ in range(1000)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    go.set()
    assert await asyncio.gather(*waiting[1:]) == [1] * 999
    assert await shared.get() == 1, "it is fresh"


async def test_a_stale_answer_is_asked_for_again_and_a_failure_is_shared_too() -> None:
    asked = 0

    async def ask() -> int:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise OSError("no answer")
        return asked

    shared = SharedAnswer(ask, fresh_s=0)
    first, second = await asyncio.gather(shared.get(), shared.get(), return_exceptions=True)
    assert isinstance(first, OSError)
    assert first is second
    assert await shared.get() == 2
    asked = 0
    with pytest.raises(OSError, match="no answer"):
        await shared.get()
