"""When new connections are begun: not so many at once that a server's queue of them overflows.

Where that queue is full Linux drops what comes, and the client tries again a second later (listen(2), tcp(7)): requests
would be late by a second, for a reason that isn't the engine's. Queues hold 128 where nobody chose (SOMAXCONN up to
Linux 5.3), 2,048 in uvicorn.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from time import monotonic_ns

_BURST = 128
_PER_S = 2000.0
"""A server accepts many in the 64 ms in which so many more come; a window of 4,096 is open after two seconds."""
_AT_ONCE = 128
"""Handshakes of one process, at 0.1 ms of its time each: what waits for its turn in its loop mustn't seem to be a
server's silence."""


class Pace:
    """So many at once, then so many a second. What isn't used of the second is kept, up to so many at once."""

    def __init__(self, per_s: float, burst: int) -> None:
        self._step_ns = round(1e9 / per_s)
        self._ahead_ns = (burst - 1) * self._step_ns
        self._next_ns = 0

    def wait_ns(self, now_ns: int) -> int:
        """Take the next turn; how long it is until then."""
        turn_ns = max(self._next_ns, now_ns)
        self._next_ns = turn_ns + self._step_ns
        return max(0, turn_ns - self._ahead_ns - now_ns)


def endpoint_pace(sharers: int = 1) -> Pace:
    """At one endpoint, for one of so many processes that begin connections to it."""
    return Pace(_PER_S / sharers, max(1, _BURST // sharers))


def process_gate() -> asyncio.Semaphore:
    """For one process, at all endpoints together."""
    return asyncio.Semaphore(_AT_ONCE)


class Opening:
    """When connections to one endpoint are begun."""

    def __init__(self, pace: Pace | None = None, gate: asyncio.Semaphore | None = None) -> None:
        """Defaults: those of a process that is alone with one endpoint."""
        self._pace = pace or endpoint_pace()
        self._gate = gate or process_gate()

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Waits for its turn, which lasts until the connection is made or has failed."""
        if wait_ns := self._pace.wait_ns(monotonic_ns()):
            await asyncio.sleep(wait_ns / 1e9)
        async with self._gate:
            yield
