"""HTTP/1.1 for the embedded server: requests parsed by httptools, one answered at a time on a connection.

Writing never waits for the client: an answer is at most a context's worth of tokens, so the buffer is bounded.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import cast

import httptools

logger = logging.getLogger(__name__)

_MAX_BODY_BYTES = 16 << 20
_MAX_HEAD_BYTES = 64 << 10


class UnfinishedAnswerError(Exception):
    """Raised by a handler to close the connection without (the rest of) an answer."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request, wholly read."""

    method: str
    path: str  # without the query
    body: bytes


Handler = Callable[[Request, "Exchange"], Awaitable[None]]


class Exchange:
    """How a handler answers one request: `send` once, or `start_stream`, `send_part`s and `end_stream`."""

    def __init__(self, transport: asyncio.Transport, keep_alive: bool, chunked: bool) -> None:
        self._transport = transport
        self._chunked = chunked
        self.keep_alive = keep_alive and chunked
        self.started = False

    def send(self, status: int, body: bytes, content_type: str = "application/json") -> None:
        """A whole answer."""
        self.started = True
        head = self._head(status, content_type, f"Content-Length: {len(body)}")
        self._transport.write(head + body)

    def start_stream(self, content_type: str) -> None:
        """The head of an answer whose length isn't known yet."""
        self.started = True
        self._transport.write(self._head(200, content_type, "Transfer-Encoding: chunked" if self._chunked else ""))

    def send_part(self, data: bytes) -> None:
        """A piece of the answer, sent at once."""
        self._transport.write(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)

    def end_stream(self) -> None:
        """Mark the answer complete."""
        if self._chunked:
            self._transport.write(b"0\r\n\r\n")

    def _head(self, status: int, content_type: str, framing: str) -> bytes:
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", f"Content-Type: {content_type}"]
        lines += [line for line in (framing, "" if self.keep_alive else "Connection: close") if line]
        return "\r\n".join([*lines, "", ""]).encode("ascii")


class HttpConnection(asyncio.Protocol):
    """One client's connection. When it closes, the handler that is answering is cancelled."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[tuple[Request, Exchange]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._url, self._body, self._head_bytes = b"", bytearray(), 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._task:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError as error:
            self._refuse(error.__context__.status if isinstance(error.__context__, _TooLargeError) else 400)
        except httptools.HttpParserUpgrade:
            pass  # answered as if no other protocol had been offered, then closed
        except httptools.HttpParserError:
            self._refuse(400)

    def _refuse(self, status: int) -> None:
        if not self._task:
            exchange = Exchange(self._transport, keep_alive=False, chunked=True)
            exchange.send(status, HTTPStatus(status).phrase.encode(), "text/plain")
        self._transport.close()

    # httptools calls these

    def on_message_begin(self) -> None:
        self._url, self._body, self._head_bytes = b"", bytearray(), 0

    def on_url(self, url: bytes) -> None:
        self._url += url
        self._count_head(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count_head(len(name) + len(value))
        if name.lower() == b"content-length":
            self._check_body_size(int(value))
        if name.lower() == b"expect" and value.lower() == b"100-continue":
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _count_head(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > _MAX_HEAD_BYTES:
            raise _TooLargeError(431)

    def on_body(self, body: bytes) -> None:
        self._body += body
        self._check_body_size(len(self._body))

    def _check_body_size(self, size: int) -> None:
        if size > _MAX_BODY_BYTES:
            raise _TooLargeError(413)

    def on_message_complete(self) -> None:
        path = (httptools.parse_url(self._url).path or b"/").decode("latin-1")
        request = Request(self._parser.get_method().decode("ascii"), path, bytes(self._body))
        keep_alive = self._parser.should_keep_alive() and not self._parser.should_upgrade()
        chunked = self._parser.get_http_version() == "1.1"
        self._waiting.append((request, Exchange(self._transport, keep_alive, chunked)))
        if not self._task:
            self._task = asyncio.get_running_loop().create_task(self._answer_all())

    async def _answer_all(self) -> None:
        while self._waiting:
            request, exchange = self._waiting.popleft()
            try:
                await self._handler(request, exchange)
            except UnfinishedAnswerError:
                exchange.keep_alive = False
            except Exception:
                logger.exception("%s %s failed", request.method, request.path)
                exchange.keep_alive = False
                if not exchange.started:
                    exchange.send(500, b"internal error", "text/plain")
            if not exchange.keep_alive:
                self._transport.close()
                break
        self._task = None


class _TooLargeError(Exception):
    def __init__(self, status: int) -> None:
        self.status = status
