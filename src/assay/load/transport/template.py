"""The fast path: chunks that differ from one already decoded in nothing but text, token ids and the reply's name.

A server repeats the same bytes around each token, from one reply to the next. Once a chunk has been decoded as
JSON, those bytes are known; a later chunk that begins, continues and ends with them, with valid strings and
numbers between, decodes to the same object with another text and other ids. That is certain, and one pattern tests
it for all chunks of a read together. Everything else is decoded as JSON.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from assay.load.transport.exchange import Exchange

REST = rb"|(?s:(.+))"
"""Of a pattern of chunks: all that follows the last of them."""


@dataclass(frozen=True, slots=True)
class Template:
    """What one kind of chunk looks like, and what it says beside text and ids."""

    chunk: re.Pattern[bytes]
    """One event."""
    chunks: re.Pattern[bytes]
    """The same, or the rest."""
    text: int
    """Its group in both patterns."""
    ids: int
    """Theirs; 0 where there are none."""
    reasons: bool
    """Whether the text is reasoning."""
    model: str | None
    simulated: bool

    def take(self, data: bytes, position: int, now_ns: int, exchange: Exchange) -> int:
        """Adds to `exchange` the events of `data` from `position` on, up to one that doesn't fit; where that begins."""
        first = self.chunk.match(data, position)
        if first is None:
            return position
        end = first.end()
        texts: Sequence[bytes]
        ids: Sequence[bytes]
        if end == len(data):  # engines send each token by itself
            texts, ids = (first[self.text],), (first[self.ids],) if self.ids else ()
        else:
            found = self.chunks.findall(data, position)
            if rest := found[-1][-1]:
                found.pop()
            end = len(data) - len(rest)
            texts = [groups[self.text - 1] for groups in found]
            ids = [groups[self.ids - 1] for groups in found] if self.ids else ()
        text = _joined(texts)
        if text is None:
            return position
        if self.reasons:
            exchange.thoughts += text
        else:
            exchange.answer += text
            exchange.first_answer_ns = exchange.first_answer_ns or now_ns
        if ids:
            _add_ids(ids, exchange)
        else:
            exchange.ids_missing = True
            exchange.chunk_tokens += array("i", (-1,)) * len(texts)
        exchange.first_ns = exchange.first_ns or now_ns
        exchange.last_ns = now_ns
        if len(texts) == 1:
            exchange.chunk_ns.append(now_ns)
        else:
            exchange.chunk_ns += array("q", (now_ns,)) * len(texts)
        exchange.model = self.model or exchange.model
        exchange.simulated = self.simulated or exchange.simulated
        return end


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
        exchange.chunk_tokens += array("i", (1,)) * len(ids)
    else:
        exchange.chunk_tokens.fromlist([chunk.count(b",") + 1 for chunk in ids])
