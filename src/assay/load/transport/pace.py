"""When new connections are begun: not so many at once that a server's queue of them overflows.

Where that queue is full Linux drops what comes, and the client tries again a second later (listen(2), tcp(7)): requests
would be late by a second, for a reason that isn't the engine's. Queues hold 128 where nobody chose (SOMAXCONN up to
Linux 5.3), 2,048 in uvicorn.
"""

from __future__ import annotations

_BURST = 128
_PER_S = 2000.0
"""A server accepts many in the 64 ms in which so many more come; a window of 4,096 is open after two seconds."""
_PROCESS_BURST = 1024
_PROCESS_PER_S = 8000.0
"""Of one process to all endpoints, at 0.1 ms of its time each: those that wait for their turn in its loop mustn't take
it for the server's silence."""


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


def process_pace() -> Pace:
    """Of one process, at all endpoints together."""
    return Pace(_PROCESS_PER_S, _PROCESS_BURST)
