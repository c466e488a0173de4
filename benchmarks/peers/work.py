"""What a client is asked to do, and what it must bring back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Work:
    """`requests` completions with `concurrency` in flight; the first ones start spread over `stagger_s`."""

    url: str
    requests: int
    concurrency: int
    stream: bool
    max_tokens: int
    stagger_s: float = 0.0

    def payload(self, number: int) -> dict[str, Any]:
        """The request as a user of the API writes it; `user` names it in the server's truth."""
        return {
            "model": "simulated",
            "prompt": list(range(1, 33)),
            "max_tokens": self.max_tokens,
            "temperature": 0.0,
            "stream": self.stream,
            "return_token_ids": True,
            "user": str(number),
            **({"stream_options": {"include_usage": True}} if self.stream else {}),
        }


@dataclass(slots=True)
class Sample:
    """One answered request; times in ns of the monotonic clock."""

    number: int
    sent_ns: int
    first_ns: int
    last_ns: int
    tokens: int


async def in_flight(work: Work, ask: Callable[[int], Awaitable[Sample]]) -> list[Sample]:
    """The plain way: as many tasks as requests in flight, each asking again and again."""
    numbers = iter(range(work.requests))

    async def one_user(index: int) -> list[Sample]:
        await asyncio.sleep(work.stagger_s * index / work.concurrency)
        return [await ask(number) for number in numbers]

    users = [one_user(index) for index in range(work.concurrency)]
    return [sample for samples in await asyncio.gather(*users) for sample in samples]
