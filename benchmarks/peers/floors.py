"""What any client in this process pays before it reads a token: the requests of a `Work`, their replies' bytes dropped.

No clients: a reply counts as all its tokens once its end has come.
"""

from __future__ import annotations

import asyncio
import select
import socket
from collections.abc import Callable, Iterator
from time import monotonic_ns
from typing import Any, cast
from urllib.parse import urlsplit

import httptools
import uvloop

from peers.transport import bodies_of
from peers.work import Sample, Work

_READ_BYTES = 256 << 10


def requests_of(work: Work) -> list[bytes]:
    """Each request's bytes, head and body."""
    head = b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
    return [b"%b%d\r\n\r\n%b" % (head, len(body), body) for body in bodies_of(work)]


class Turns:
    """Hands out the requests, and notes what was answered."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._requests: Iterator[tuple[int, bytes]] = enumerate(requests_of(work))
        self.samples: list[Sample] = []
        self.end = b"\r\n0\r\n\r\n" if work.stream else b"}}"

    def next(self) -> tuple[Sample, bytes] | None:
        """The next request, and the sample that will hold its times."""
        for number, request in self._requests:
            return Sample(number, monotonic_ns(), 0, 0, 0), request
        return None

    def answered(self, sample: Sample) -> bool:
        """Takes in that a reply has ended; whether it was the last of all."""
        sample.last_ns = monotonic_ns()
        sample.tokens = self._work.max_tokens
        self.samples.append(sample)
        return len(self.samples) == self._work.requests


class Counting(asyncio.Protocol):
    """Looks at nothing but whether a read ends as a reply does."""

    def __init__(self, turns: Turns, over: asyncio.Event) -> None:
        self._turns = turns
        self._over = over
        self._sample: Sample | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=0)

    def ask(self) -> None:
        """Sends the next request, if there is one."""
        turn = self._turns.next()
        if turn is not None:
            self._sample, request = turn
            self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        sample = self._sample
        assert sample is not None
        sample.first_ns = sample.first_ns or monotonic_ns()
        if data.endswith(self._turns.end):
            self.ended(sample)

    def ended(self, sample: Sample) -> None:
        """The reply has come in full."""
        if self._turns.answered(sample):
            self._over.set()
        self.ask()


class Framing(Counting):
    """Has httptools take HTTP apart, and drops the bodies."""

    def __init__(self, turns: Turns, over: asyncio.Event) -> None:
        super().__init__(turns, over)
        self._pieces: list[bytes] = []
        self.on_body = self._pieces.append
        self._parser: Any = httptools.HttpResponseParser(self)

    def data_received(self, data: bytes) -> None:
        self._pieces.clear()
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        """Called by httptools."""
        assert self._sample is not None
        self.ended(self._sample)


def on_uvloop(framing: bool, work: Work) -> Callable[[], list[Sample]]:
    """The work on the event loop of assay's worker: bytes counted, or HTTP taken apart as well."""
    turns, where, kind = Turns(work), urlsplit(work.url), Framing if framing else Counting

    async def run() -> list[Sample]:
        over = asyncio.Event()
        loop = asyncio.get_running_loop()
        for user in range(work.concurrency):
            _, protocol = await loop.create_connection(lambda: kind(turns, over), where.hostname, where.port)
            loop.call_later(work.stagger_s * user / work.concurrency, protocol.ask)
        await over.wait()
        return turns.samples

    return lambda: uvloop.run(run())


def on_epoll(work: Work) -> Callable[[], list[Sample]]:
    """The work without any event loop: epoll, recv and send, and as little as can be between."""
    turns, where = Turns(work), urlsplit(work.url)
    assert where.hostname is not None
    assert where.port is not None
    users = [socket.create_connection((where.hostname, where.port)) for _ in range(work.concurrency)]
    by_handle = {user.fileno(): user for user in users}
    buffer = bytearray(_READ_BYTES)
    end, length = turns.end, len(turns.end)

    def run() -> list[Sample]:
        epoll, asked = select.epoll(), dict[int, Sample]()
        started_ns, waiting = monotonic_ns(), list(reversed(users))

        def ask(user: socket.socket) -> None:
            if turn := turns.next():
                asked[user.fileno()], request = turn
                user.sendall(request)

        for user in users:
            epoll.register(user, select.EPOLLIN)
        while True:
            share = (monotonic_ns() - started_ns) / 1e9 / work.stagger_s if work.stagger_s else 1.0
            while waiting and len(users) - len(waiting) < share * len(users):
                ask(waiting.pop())
            for handle, _ in epoll.poll(0.001 if waiting else 1.0):
                size = by_handle[handle].recv_into(buffer)
                if buffer[size - length : size] == end:
                    if turns.answered(asked[handle]):
                        return turns.samples
                    ask(by_handle[handle])

    return run
