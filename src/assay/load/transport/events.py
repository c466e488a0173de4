"""A stream of server-sent events, read into an exchange as its bytes arrive."""

from __future__ import annotations

from assay.load.transport.exchange import Exchange, Outcome
from assay.load.transport.reply import BadReplyError, absorb, load, malformed, verdict
from assay.load.transport.template import Template
from assay.serving.words import shown

MAX_EVENT_BYTES = 4 << 20
LESSONS = 4
"""How many chunks of a stream are tried as a template: some streams have none."""
_BOM = b"\xef\xbb\xbf"
_FLOOD = 1000
"""Blocks in one read from which on blank lines and comments are sorted out first: each would be an event of nothing."""
_COLON = ord(":")
_OTHER_FIELDS = (b"", b"id", b"retry")  # an empty name is a comment's


class EventStream:
    """Parses the body of one streamed reply (WHATWG HTML, "server-sent events").

    Lines end in LF, CRLF or CR; a blank line ends an event; several data lines join to one; comments, other fields
    and events of another name than "message" are skipped, but for one named "error". `needs_done`: a stream without
    `[DONE]` is cut off.
    """

    __slots__ = ("_after_return", "_done", "_exchange", "_last", "_lessons", "_needs_done", "_tail", "_template")

    def __init__(self, exchange: Exchange, *, needs_done: bool = True) -> None:
        self._exchange = exchange
        self._needs_done = needs_done
        self._last = b""
        self._tail = b""
        self._after_return = False
        self._done = False
        self._template: Template | None = None
        self._lessons = LESSONS

    def feed(self, data: bytes, now_ns: int) -> None:
        """Takes the bytes that arrived at `now_ns`. Raises `BadReplyError` for what can't be accepted."""
        if self._after_return or b"\r" in data:
            data = self._normalised(data)
        if self._tail:
            data = self._tail + data
        blocks = data.split(b"\n\n")
        self._tail = blocks.pop()
        if len(blocks) > _FLOOD:
            blocks = [b for b in blocks if b and b != b"\n" and (b[0] != _COLON or b"\n" in b)]
        if blocks:
            self._last = blocks[-1]
        self._take(blocks, now_ns)
        if len(self._tail) > MAX_EVENT_BYTES:
            raise malformed("an event without end", self._tail)

    def _take(self, blocks: list[bytes], now_ns: int) -> None:
        position, template = 0, self._template
        if template is not None and not self._done:
            position = template.take(blocks, now_ns, self._exchange)
        while position < len(blocks):
            self._block(blocks[position], now_ns)
            position += 1
            if self._template is not template and position < len(blocks):
                template = self._template
                assert template is not None
                position += template.take(blocks[position:], now_ns, self._exchange)

    def end(self) -> tuple[Outcome, str]:
        """The verdict once the body has ended properly. Raises `BadReplyError` if the stream hadn't."""
        unended = _joined_data(self._tail)
        if unended == b"[DONE]":  # some servers leave the last blank line out
            self._done = True
        elif unended:
            raise BadReplyError(Outcome.TRUNCATED, "the stream ended inside an event")
        if not self._done and self._needs_done:
            raise BadReplyError(Outcome.TRUNCATED, f"the stream ended without [DONE], after {shown(self._last)}")
        outcome, detail = verdict(self._exchange)
        if outcome is not Outcome.EMPTY and self._exchange.finish_reason is None:
            raise BadReplyError(
                Outcome.TRUNCATED, f"the stream ended without a finish_reason, after {shown(self._last)}"
            )
        return outcome, detail

    def _normalised(self, data: bytes) -> bytes:
        # A CR ends its line at once; if it was half of a CRLF, the LF that comes next is skipped.
        if self._after_return:
            data = data.removeprefix(b"\n")
        self._after_return = data.endswith(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _block(self, block: bytes, now_ns: int) -> None:
        simple = block.startswith(b"data: ") and b"\n" not in block
        payload = block[6:] if simple else _joined_data(block)
        if not payload:
            return
        if payload == b"[DONE]":
            self._done = True
        elif self._done:
            raise malformed("an event after [DONE]", payload)
        else:
            reply = load(payload)
            absorb(reply, payload, now_ns, self._exchange)
            if simple and self._lessons:
                self._lessons -= 1
                self._template = Template.learn(payload, reply) or self._template


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
