"""Endpoints that ask to be let alone for a while: each wait is told once, however many requests were told of it."""

from __future__ import annotations

import time
from collections.abc import Callable

TOLD_NS = 5_000_000_000
"""Shorter waits are nothing to tell."""


class Waits:
    """Passes on to `tell` (endpoint, how long, ns) what is news."""

    def __init__(self, endpoints: int, tell: Callable[[int, int], None]) -> None:
        self._until_ns = [0] * endpoints
        self._tell = tell

    def asked(self, endpoint: int, wait_ns: int) -> None:
        """The endpoint asks to be sent nothing for so long."""
        now_ns = time.monotonic_ns()
        if wait_ns >= TOLD_NS and now_ns >= self._until_ns[endpoint]:
            self._until_ns[endpoint] = now_ns + wait_ns
            self._tell(endpoint, wait_ns)
