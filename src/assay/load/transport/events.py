"""A stream of server-sent events, read into an exchange as its bytes arrive."""

from __future__ import annotations

from assay.load.transport.exchange import Exchange, Outcome
from assay.load.transport.lessons import LONGEST, Lessons
from assay.load.transport.reply import BadReplyError, absorb, load, malformed, verdict
from assay.serving.words import shown

MAX_EVENT_BYTES = 4 << 20
LESSONS = 4
"""How many chunks of a stream are learnt from: some streams repeat nothing."""
_BOM = b"\xef\xbb\xbf"
_FLOOD = 1000
"""Blocks in one read from which on blank lines and comments are sorted out first: each would be an event of nothing."""
_KEPT = 4096
"""Of the last events: bytes that are kept, to be shown if the stream was cut off behind them."""
_COLON = ord(":")
_OTHER_FIELDS = (b"", b"id", b"retry")  # an empty name is a comment's


class EventStream:
    """Parses the body of one streamed reply (WHATWG HTML, "server-sent events").

    Lines end in LF, CRLF or CR; a blank line ends an event; several data lines join to one; comments, other fields
    and events of another name than "message" are skipped, but for one named "error". `needs_done`: a stream without
    `[DONE]` is cut off.
    """

    __slots__ = ("_after_return", "_done", "_exchange", "_last", "_left", "_lessons", "_needs_done", "_tail")

    def __init__(self, exchange: Exchange, lessons: Lessons | None = None, *, needs_done: bool = True) -> None:
        self._exchange = exchange
        self._lessons = lessons or Lessons()
        self._left = LESSONS
        self._needs_done = needs_done
        self._last = b""
        self._tail = b""
        self._after_return = False
        self._done = False

    def feed(self, data: bytes, now_ns: int) -> None:
        """Takes the bytes that arrived at `now_ns`. Raises `BadReplyError` for what can't be accepted."""
        if self._after_return or b"\r" in data:
            data = self._normalised(data)
        if self._tail:
            data = self._tail + data
        known = not self._done and len(self._tail) <= LONGEST  # else it is an event that fits no pattern
        taken = self._lessons.take(data, 0, now_ns, self._exchange) if known else 0
        self._tail = self._take_rest(data[taken:], now_ns) if taken < len(data) else b""
        if end := len(data) - len(self._tail):
            self._last = data[max(0, end - _KEPT) : end]
        if len(self._tail) > MAX_EVENT_BYTES:
            raise malformed("an event without end", self._tail)

    def _take_rest(self, data: bytes, now_ns: int) -> bytes:
        """Takes events of any kind; what is behind the last of them."""
        if len(data) > 2 * _FLOOD:
            data = _sifted(data)
        position = 0
        while (end := data.find(b"\n\n", position)) >= 0:
            learnt = self._block(data[position:end], now_ns)
            position = end + 2
            if learnt:
                position = self._lessons.take(data, position, now_ns, self._exchange)
        return data[position:]

    def end(self) -> tuple[Outcome, str]:
        """The verdict once the body has ended properly. Raises `BadReplyError` if the stream hadn't."""
        unended = _joined_data(self._tail)
        if unended == b"[DONE]":  # some servers leave the last blank line out
            self._done = True
        elif unended:
            raise BadReplyError(Outcome.TRUNCATED, "the stream ended inside an event")
        if not self._done and self._needs_done:
            raise BadReplyError(Outcome.TRUNCATED, f"the stream ended without [DONE], after {self._shown_last()}")
        outcome, detail = verdict(self._exchange)
        if outcome is not Outcome.EMPTY and self._exchange.finish_reason is None:
            raise BadReplyError(
                Outcome.TRUNCATED, f"the stream ended without a finish_reason, after {self._shown_last()}"
            )
        return outcome, detail

    def _shown_last(self) -> str:
        return shown(self._last.strip(b"\n").rpartition(b"\n\n")[2])

    def _normalised(self, data: bytes) -> bytes:
        # A CR ends its line at once; if it was half of a CRLF, the LF that comes next is skipped.
        if self._after_return:
            data = data.removeprefix(b"\n")
        self._after_return = data.endswith(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _block(self, block: bytes, now_ns: int) -> bool:
        """Takes one event; whether something was learnt of it."""
        simple = block.startswith(b"data: ") and b"\n" not in block
        payload = block[6:] if simple else _joined_data(block)
        if not payload:
            return False
        if payload == b"[DONE]":
            self._done = True
            return False
        if self._done:
            raise malformed("an event after [DONE]", payload)
        exchange = self._exchange
        tokens = len(exchange.chunk_ns)
        reply = load(payload)
        absorb(reply, payload, now_ns, exchange)
        # The first chunk is often one of its own kind, and what bears no token or has the finish reason always is.
        usual = 0 < tokens < len(exchange.chunk_ns) and exchange.finish_reason is None and reply.get("usage") is None
        if not (simple and usual and self._left):
            return False
        self._left -= 1
        return self._lessons.learn(payload)


def _sifted(data: bytes) -> bytes:
    """The same events without blank lines and comments, where there are many blocks."""
    *blocks, tail = data.split(b"\n\n")
    if len(blocks) <= _FLOOD:
        return data
    return b"\n\n".join([b for b in blocks if b and b != b"\n" and (b[0] != _COLON or b"\n" in b)] + [tail])


def _joined_data(block: bytes) -> bytes:
    lines, event = [], b""
    for line in block.removeprefix(_BOM).split(b"\n"):
        name, _, value = line.partition(b":")
        value = value[1:] if value.startswith(b" ") else value
        if name == b"data":
            lines.append(value)
        elif name == b"event":
            event = value
        elif line and name not in _OTHER_FIELDS:
            raise malformed("not a server-sent event", line)
    data = b"\n".join(lines)
    if event == b"error":
        raise BadReplyError(Outcome.HTTP_5XX, f"an event named error: {shown(data)}")
    return data if event in (b"", b"message") else b""
