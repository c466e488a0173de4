"""One question for all who want to know the same."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class SharedAnswer(Generic[T]):
    """An answer that serves all who ask while it is asked for, and for `fresh_s` after it came; a failure too."""

    def __init__(self, ask: Callable[[], Awaitable[T]], fresh_s: float) -> None:
        self._ask = ask
        self._fresh_ns = round(fresh_s * 1e9)
        self._asking: asyncio.Task[T] | None = None
        self._answered_ns = 0

    async def get(self) -> T:
        """Raises what asking raised."""
        task = self._asking
        if task is None or (task.done() and time.monotonic_ns() >= self._answered_ns + self._fresh_ns):
            task = self._asking = asyncio.create_task(self._answer())
            task.add_done_callback(lambda done: done.cancelled() or done.exception())  # seen, whoever still waits
        return await asyncio.shield(task)  # one who gives up waiting takes the answer from nobody

    async def _answer(self) -> T:
        try:
            return await self._ask()
        finally:
            self._answered_ns = time.monotonic_ns()
