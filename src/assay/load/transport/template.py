"""The fast path: chunks that differ from one already decoded in nothing but text, token ids and the reply's name.

A server repeats the same bytes around each token, from one reply to the next. Once a chunk has been decoded as
JSON, those bytes are known; a later chunk that begins, continues and ends with them, with valid strings and
numbers between, decodes to the same object with another text and other ids. That is certain, and one pattern tests
it for all chunks of a read together. Everything else is decoded as JSON.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from assay.load.transport.exchange import Exchange


@dataclass(frozen=True, slots=True)
class Template:
    """What one kind of chunk looks like, and what it says beside text and ids."""

    chunk: re.Pattern[bytes]
    """One event; its last group is all the rest, where that begins with no such event."""
    text: int
    """Its place among the groups."""
    ids: int | None
    reasons: bool
    """Whether the text is reasoning."""
    model: str | None
    simulated: bool

    def take(self, data: bytes, position: int, now_ns: int, exchange: Exchange) -> int:
        """Adds to `exchange` the events of `data` from `position` on, up to one that doesn't fit; where that begins."""
        found = self.chunk.findall(data, position)
        rest = found.pop()[-1] if found and found[-1][-1] else b""
        if not found:
            return position
        text = _joined(_column(found, self.text))
        if text is None:
            return position
        if self.reasons:
            exchange.thoughts += text
        else:
            exchange.answer += text
            exchange.first_answer_ns = exchange.first_answer_ns or now_ns
        if self.ids is not None:
            _add_ids(_column(found, self.ids), exchange)
        else:
            exchange.ids_missing = True
            exchange.chunk_tokens.fromlist([-1] * len(found))
        exchange.first_ns = exchange.first_ns or now_ns
        exchange.last_ns = now_ns
        exchange.chunk_ns.fromlist([now_ns] * len(found))
        exchange.model = self.model or exchange.model
        exchange.simulated = self.simulated or exchange.simulated
        return len(data) - len(rest)


def _column(found: list[tuple[bytes, ...]], place: int) -> Sequence[bytes]:
    if len(found) == 1:  # engines send each token by itself
        return (found[0][place],)
    return [groups[place] for groups in found]


def _joined(texts: Sequence[bytes]) -> bytes | None:
    """The text of JSON strings, UTF-8; None if one of them isn't valid."""
    text = b"".join(texts)
    if text.isascii() and b"\\" not in text:
        return text
    try:
        return "".join(orjson.loads(b'["%b"]' % b'","'.join(texts))).encode()
    except orjson.JSONDecodeError:
        return None


def _add_ids(ids: Sequence[bytes], exchange: Exchange) -> None:
    if len(ids) == 1 and ids[0].isdigit():
        exchange.ids.append(int(ids[0]))
        exchange.chunk_tokens.append(1)
        return
    values = orjson.loads(b"[%b]" % b",".join(ids))
    exchange.ids.fromlist(values)
    if len(values) == len(ids):
        exchange.chunk_tokens.fromlist([1] * len(ids))
    else:
        exchange.chunk_tokens.fromlist([chunk.count(b",") + 1 for chunk in ids])
