"""One client's connection to the simulated server."""

from __future__ import annotations

import asyncio
import socket
import struct
from time import monotonic_ns
from typing import Any, Protocol, cast

import httptools

from assay import SIMULATOR
from assay.simulator.job import Job

_MAX_BODY_BYTES = 64 << 20
_REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 429: "Too Many Requests", 500: "Internal Server Error"}


def head(status: str, kind: str, framing: str) -> bytes:
    """The start of every reply: it says who answers."""
    return f"HTTP/1.1 {status}\r\nserver: {SIMULATOR}\r\ncontent-type: {kind}\r\n{framing}\r\n\r\n".encode()


class Handler(Protocol):
    """What a connection needs of its server."""

    connections: set[Connection]

    def handle(self, connection: Connection, method: str, path: str, body: bytes, arrival_ns: int) -> None:
        """Answers a request."""

    def drop(self, job: Job) -> None:
        """The client of a job is gone."""


class Connection(asyncio.Protocol):
    """Reads requests one at a time and writes their replies; the next is read when the last is answered."""

    def __init__(self, server: Handler) -> None:
        self.job: Job | None = None
        self._server = server
        self._transport: asyncio.Transport
        self._url: list[bytes] = []
        self._body: list[bytes] = []
        self.on_url = self._url.append
        self.on_body = self._body.append
        self._parser: Any = httptools.HttpRequestParser(self)  # looks its callbacks up now
        self._keep = True
        self._arrival_ns = 0
        self._expects = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
        self._transport = cast(asyncio.Transport, transport)
        # Write at once rather than at the end of the loop's turn: the truth's times are those of sending.
        self._transport.set_write_buffer_limits(high=0)
        self._server.connections.add(self)

    def data_received(self, data: bytes) -> None:
        """Called by the event loop."""
        self._arrival_ns = monotonic_ns()
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.reply(400, b'{"error":{"message":"not HTTP","code":400}}')
            self._transport.close()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by httptools."""
        if name.lower() == b"expect":
            self._expects = True

    def on_headers_complete(self) -> None:
        """Called by httptools."""
        if self._expects:
            self._expects = False
            self.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_message_complete(self) -> None:
        """Called by httptools."""
        self._keep = self._parser.should_keep_alive()
        path, body = b"".join(self._url).decode("latin-1").partition("?")[0], b"".join(self._body)
        self._url.clear()
        self._body.clear()
        self._server.handle(self, self._parser.get_method().decode("latin-1"), path, body, self._arrival_ns)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the event loop."""
        self._server.connections.discard(self)
        if self.job is not None and not self.job.gone:
            self._server.drop(self.job)

    def reply(self, status: int, body: bytes, kind: str = "application/json") -> None:
        """Answers with a whole body."""
        self.write(head(f"{status} {_REASONS[status]}", kind, f"content-length: {len(body)}") + body)
        self.finished()

    def write(self, data: bytes) -> None:
        """Sends bytes at once."""
        self._transport.write(data)

    def finished(self) -> None:
        """The reply is complete."""
        self.job = None
        if not self._keep:
            self._transport.close()

    def reset(self) -> None:
        """Ends the connection with RST."""
        raw: socket.socket = self._transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def half_close(self) -> None:
        """Ends the connection with FIN."""
        self._transport.close()
