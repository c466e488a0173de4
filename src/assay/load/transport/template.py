"""The fast path: chunks that differ from one already decoded in nothing but text and token ids.

Within one stream a server repeats the same bytes around each token. Once a chunk has been decoded as JSON,
those bytes are known; a later chunk that begins, continues and ends with them, with a valid string and a
valid list of numbers between, decodes to the same object with another text and other ids. That is certain,
and testing it takes a few byte operations for all chunks of a read together. Everything else is decoded as
JSON.
"""

from __future__ import annotations

import re
from typing import Any, Self

import orjson

from assay.load.transport.exchange import Exchange, think
from assay.load.transport.reply import texts_of

_TEXT_FIELD = re.compile(rb'"(?:text|content|reasoning_content|reasoning)": ?"([^"\\\x00-\x1f]*)"')
_IDS_FIELD = re.compile(rb'"token_ids": ?\[([0-9, ]+)\]')
_TEXT = rb'[^"\\\x00-\x1f]*+'
_ID = rb"(?:0|[1-9][0-9]{0,8}+)"  # what is longer is looked at in full
_IDS = _ID + rb"(?:, ?" + _ID + rb")*+"
# One line a chunk; a carriage return, which neither a text nor ids can hold, between its two parts.
_TEXT_THEN_IDS = re.compile(rb"(?:" + _TEXT + rb"\r" + _IDS + rb"\n)++")
_IDS_THEN_TEXT = re.compile(rb"(?:" + _IDS + rb"\r" + _TEXT + rb"\n)++")
_TEXT_ALONE = re.compile(rb'(?:[^"\\\x00-\x1f]++\n)++')


class Template:
    """The bytes around text and token ids in one stream's chunks."""

    __slots__ = ("_after", "_before", "_between", "_pattern", "_reasons", "_seam", "_text_first")

    def __init__(self, before: bytes, between: bytes, after: bytes, *, text_first: bool, reasons: bool) -> None:
        self._before = before
        self._between = between
        self._seam = after + b"\n\n" + before
        self._after = after
        self._text_first = text_first
        self._reasons = reasons
        if not between:
            self._pattern = _TEXT_ALONE
        else:
            self._pattern = _TEXT_THEN_IDS if text_first else _IDS_THEN_TEXT

    @classmethod
    def learn(cls, payload: bytes, reply: dict[str, Any]) -> Self | None:
        """The template of `payload`, which decodes to `reply`; None if it isn't certain."""
        choice = reply["choices"][0] if reply["choices"] else {}
        if choice.get("finish_reason") is not None or reply.get("usage") is not None or b"\n" in payload:
            return None
        texts = list(_TEXT_FIELD.finditer(payload))
        ids = list(_IDS_FIELD.finditer(payload))
        if len(texts) != 1 or len(ids) > 1 or bool(ids) != bool(choice.get("token_ids")):
            return None
        spans = sorted(match.span(1) for match in texts + ids)
        before, after = payload[: spans[0][0]], payload[spans[-1][1] :]
        between = payload[spans[0][1] : spans[1][0]] if ids else b""
        text_first = not ids or texts[0].start() < ids[0].start()
        first, second = (b"~text~", b"7") if text_first else (b"7", b"~text~")
        probe = orjson.loads(before + first + (between + second if ids else b"") + after)["choices"][0]
        expected_ids = [7] if ids else choice.get("token_ids")
        told = texts_of(probe)
        if told not in (("~text~", None), (None, "~text~")) or probe.get("token_ids") != expected_ids:
            return None
        return cls(b"data: " + before, between, after, text_first=text_first, reasons=told[0] is not None)

    def take(self, blocks: list[bytes], now_ns: int, exchange: Exchange) -> int:
        """Adds to `exchange` those leading blocks that fit; how many."""
        before, after = self._before, self._after
        start, stop = len(before), -len(after)
        parts = [block[start:stop] for block in blocks]
        lines = b"\n".join(parts) + b"\n"
        if lines.count(b"\n") != len(parts):
            return 0
        if self._between:
            lines = lines.replace(self._between, b"\r")
        fitting = self._pattern.match(lines)
        if fitting is None:
            return 0
        lines = fitting.group()
        count = lines.count(b"\n")
        # Without newlines in the parts, this is equal only if each block is before + part + after.
        if before + self._seam.join(parts[:count]) + after != b"\n\n".join(blocks[:count]):
            return 0
        texts, ids = self._fields(lines)
        text = b"".join(texts)
        if not (text.isascii() or _all_utf8(texts)):
            return 0
        if self._reasons:
            think(exchange, text)
        else:
            exchange.text_pieces.append(text)
            exchange.first_answer_ns = exchange.first_answer_ns or now_ns
        _count(ids, count, exchange)
        exchange.first_ns = exchange.first_ns or now_ns
        exchange.last_ns = now_ns
        exchange.chunk_ns += [now_ns] * count
        return count

    def _fields(self, lines: bytes) -> tuple[list[bytes], list[bytes]]:
        if not self._between:
            return lines.split(b"\n"), []
        fields = lines.replace(b"\r", b"\n").split(b"\n")
        first, second = fields[:-1:2], fields[1::2]
        return (first, second) if self._text_first else (second, first)


def _count(ids: list[bytes], count: int, exchange: Exchange) -> None:
    if not ids:
        exchange.ids_missing = True
        exchange.chunk_tokens += [-1] * count
        return
    values = orjson.loads(b"[%b]" % b",".join(ids))
    exchange.ids += values
    if len(values) == count:
        exchange.chunk_tokens += [1] * count
    else:
        exchange.chunk_tokens += [chunk.count(b",") + 1 for chunk in ids]


def _all_utf8(texts: list[bytes]) -> bool:
    try:
        for text in texts:
            text.decode()
    except UnicodeDecodeError:
        return False
    return True
