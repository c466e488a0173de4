"""One keep-alive connection: HTTP/1.1 in both directions, one request in flight."""

from __future__ import annotations

import asyncio
from time import monotonic_ns
from typing import Any, Protocol, cast

import httptools

from assay import SIMULATOR
from assay.load.transport.events import EventStream
from assay.load.transport.exchange import Exchange, Outcome
from assay.load.transport.lessons import Lessons
from assay.load.transport.reply import BadReplyError, absorb, load, malformed, refusal, verdict
from assay.serving.words import compressed

MAX_HEAD_BYTES = 256 << 10
MAX_BODY_BYTES = 64 << 20
MAX_SILENT_BYTES = 4 << 20
"""Of a stream between two tokens: its pings, blank lines and trailers cost neighbours their time."""
STALE_NS = 200_000_000
"""A reused connection lost this soon after sending, before any byte came, had been dropped while idle."""

_FRAMING = frozenset((b"content-length", b"transfer-encoding"))
_NOTED = _FRAMING | {b"content-encoding", b"location", b"retry-after", b"server"}
_SIMULATOR = SIMULATOR.encode()


class Owner(Protocol):
    """What a connection tells its pool."""

    def first_token(self, exchange: Exchange) -> None:
        """The first token arrived."""

    def finished(self, connection: Connection, exchange: Exchange) -> None:
        """The exchange has its outcome; the connection can carry another if it is `usable`."""

    def dropped_while_idle(self, exchange: Exchange, body: bytes) -> None:
        """The request met a connection that the server had dropped: it should go to a new one."""

    def lost(self, connection: Connection) -> None:
        """The connection is closed."""


class Connection(asyncio.Protocol):
    """Sends requests and reads the replies into their exchanges. Bad bytes fail the request, nothing else."""

    def __init__(self, owner: Owner, head: bytes, lessons: Lessons | None = None, *, needs_done: bool = True) -> None:
        self.exchange: Exchange | None = None
        self.heard_ns = 0
        """When the server was last heard or, if that is later, the request sent."""
        self.idle_since_ns = 0
        """End of the last request; 0 before the first."""
        self.usable = False
        self._owner = owner
        self._head = head
        self._lessons = lessons or Lessons()
        self._needs_done = needs_done
        self._noted: dict[bytes, bytes] = {}
        self._transport: asyncio.Transport
        self._used = False
        self._pieces: list[bytes] = []
        self.on_body = self._pieces.append
        self._parser: Any = httptools.HttpResponseParser(self)

    def send(self, exchange: Exchange, body: bytes) -> None:
        """Sends one request; its times and its outcome go to `exchange`."""
        self.exchange = exchange
        self._body = body
        self._received = 0
        self._chunks = 0
        self._silent = 0
        self._noted.clear()
        self._complete = False
        self._announced = False
        self._stream: EventStream | None = None
        self._whole: list[bytes] = []
        self._is_whole = False
        exchange.reused = self._used
        self.heard_ns = monotonic_ns()
        exchange.sent_ns = exchange.sent_ns or self.heard_ns
        self._transport.write(b"%b%d\r\n\r\n%b" % (self._head, len(body), body))

    def fail(self, outcome: Outcome, detail: str) -> None:
        """Gives the request in flight up, if there is one, and closes the connection."""
        if self.exchange is None:
            self.close()
        else:
            self._finish(self.exchange, outcome, detail, monotonic_ns(), keep=False)

    def close(self) -> None:
        """Closes the connection at once."""
        self.usable = False
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
        self._transport = cast(asyncio.Transport, transport)
        # Write at once rather than at the end of the loop's turn: `sent_ns` is the time of sending.
        self._transport.set_write_buffer_limits(high=0)
        self.usable = True

    def data_received(self, data: bytes) -> None:
        """Called by the event loop with what one read brought: here, and only here, arrival is timed."""
        now_ns = monotonic_ns()
        exchange = self.exchange
        if exchange is None:  # bytes that nobody asked for
            self.close()
            return
        self.heard_ns = now_ns
        ending = self._read(data, exchange, now_ns)
        if exchange.first_ns and not self._announced:
            self._announced = True
            self._owner.first_token(exchange)
            if self.exchange is not exchange:  # the owner gave it up
                return
        if ending is not None:
            self._finish(exchange, *ending, now_ns, keep=self.usable)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the event loop after a FIN or RST from the server, and after `close`."""
        self.usable = False
        exchange = self.exchange
        if exchange is not None:
            now_ns = monotonic_ns()
            if self._used and not self._received and now_ns - self.heard_ns < STALE_NS:
                self.exchange = None
                self._owner.dropped_while_idle(exchange, self._body)
            else:
                self._finish(exchange, *self._closed(exchange, exc, now_ns), now_ns, keep=False)
        self._owner.lost(self)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by httptools."""
        name = name.lower()
        if name in _NOTED:
            self._noted[name] = value

    def on_headers_complete(self) -> None:
        """Called by httptools."""
        exchange, status = self.exchange, self._parser.get_status_code()
        if self._complete or exchange is None:  # a second reply to one request
            self.usable = False
        elif status >= 200:
            exchange.http_status = status
            exchange.headers_ns = self.heard_ns
            exchange.simulated = self._noted.get(b"server") == _SIMULATOR

    def on_message_complete(self) -> None:
        """Called by httptools at the end of the reply, and of each interim (1xx) one before it."""
        if self._parser.get_status_code() < 200:
            self._noted.clear()
        elif not self._complete:
            self._complete = True
            if not self._parser.should_keep_alive():  # it knows only now, and forgets
                self.usable = False
            self._pieces_of_reply = len(self._pieces)

    def _read(self, data: bytes, exchange: Exchange, now_ns: int) -> tuple[Outcome, str] | None:
        """Takes in what one read brought; the outcome, if that ends the exchange."""
        self._received += len(data)
        broken: BadReplyError | None = None
        try:
            self._parser.feed_data(data)
        except Exception as error:
            self.usable = False
            broken = malformed(f"bad HTTP ({type(error).__name__}: {error})", data)
        if self._complete:
            del self._pieces[self._pieces_of_reply :]
        try:
            if self._pieces:
                self._take_body(exchange, now_ns)
            if self._complete:  # then what broke is not the reply but what follows it
                return self._judged(exchange, now_ns)
            if broken is not None:
                raise broken
            if self._received > (MAX_BODY_BYTES if exchange.headers_ns else MAX_HEAD_BYTES):
                raise malformed("a reply without end", data)
            if (chunks := len(exchange.chunk_ns)) != self._chunks:
                self._chunks, self._silent = chunks, 0
            elif not self._is_whole:
                self._silent += len(data)
                if self._silent > MAX_SILENT_BYTES:
                    raise malformed(f"more than {MAX_SILENT_BYTES >> 20} MiB without a token", data)
        except BadReplyError as bad:
            self.usable = False
            return bad.outcome, bad.detail
        return None

    def _take_body(self, exchange: Exchange, now_ns: int) -> None:
        pieces = self._pieces
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        if self._stream is not None:
            self._stream.feed(data, now_ns)
            return
        if (encoding := self._noted.get(b"content-encoding", b"identity")) != b"identity":
            raise BadReplyError(
                Outcome.COMPRESSED, f"HTTP {exchange.http_status}, {compressed(encoding.decode('latin-1'))}"
            )
        self._whole.append(data)
        if self._is_whole:
            return
        so_far = b"".join(self._whole)
        start = so_far.lstrip()[:1]
        if exchange.http_status != 200 or start == b"{":
            self._is_whole = True
        elif start:
            self._stream = EventStream(exchange, self._lessons, needs_done=self._needs_done)
            self._stream.feed(so_far, now_ns)

    def _judged(self, exchange: Exchange, now_ns: int) -> tuple[Outcome, str]:
        """The outcome of a reply that ended properly as HTTP. Raises `BadReplyError`."""
        status = exchange.http_status
        if self._stream is not None:
            return self._stream.end()
        whole = b"".join(self._whole)
        if status != 200:
            return refusal(status, self._noted, whole, exchange)
        if not whole.strip():
            return Outcome.EMPTY, "the reply has no body"
        reply = load(whole)
        if b'"stream":true' in self._body:
            raise malformed("one whole reply where a stream was asked for", whole)
        absorb(reply, whole, now_ns, exchange)
        return verdict(exchange)

    def _closed(self, exchange: Exchange, exc: Exception | None, now_ns: int) -> tuple[Outcome, str]:
        """The outcome of an exchange whose connection ended first."""
        if exc is not None:
            return Outcome.RESET, f"the connection broke: {exc}"
        if not exchange.headers_ns:
            return Outcome.TRUNCATED, "the server closed the connection before a reply"
        if not _FRAMING.isdisjoint(self._noted):  # its end is marked, and hasn't come
            return Outcome.TRUNCATED, "the server closed the connection inside the reply"
        try:  # neither a length nor chunks: the connection's end is the reply's
            return self._judged(exchange, now_ns)
        except BadReplyError as bad:
            return bad.outcome, bad.detail

    def _finish(self, exchange: Exchange, outcome: Outcome, detail: str, now_ns: int, *, keep: bool) -> None:
        exchange.outcome = outcome
        exchange.detail = detail
        exchange.done_ns = now_ns
        self.exchange = None
        self._body = b""
        self._pieces.clear()
        self._used = True
        self.idle_since_ns = now_ns
        if not keep:
            self.close()
        if exchange.first_ns and not self._announced:
            self._announced = True
            self._owner.first_token(exchange)
        self._owner.finished(self, exchange)
