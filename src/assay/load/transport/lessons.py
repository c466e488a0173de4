"""The kinds of chunk that an endpoint sends, learnt from those that were decoded as JSON."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable
from dataclasses import asdict
from typing import NamedTuple

from assay.load.transport.exchange import Exchange
from assay.load.transport.reply import absorb, load
from assay.load.transport.template import Template

MOST_LESSONS = 100
"""Of one endpoint: a pattern takes a while to make, and a server that never repeats itself shan't have more of it."""
_MOST_KNOWN = 8
LONGEST = 2000
"""Bytes of a chunk that is learnt from."""

_TEXT_FIELD = re.compile(rb'"(?:text|content|reasoning_content|reasoning)": ?"([^"\\\x00-\x1f]*)"')
_IDS_FIELD = re.compile(rb'"token_ids": ?\[([0-9, ]+)\]')
_WORD = rb"[ !#-\[\]-~]*+"
_NUMBER = rb"-?+(?:0|[1-9][0-9]{0,17}+)(?:\.[0-9]{1,20}+)?+"
_WORD_FIELD = re.compile(rb'"(\w+)": ?"(' + _WORD + rb')"')
_NUMBER_FIELD = re.compile(rb'"(\w+)": ?(' + _NUMBER + rb")[,}]")
_READ = frozenset(
    b"model system_fingerprint error usage choices index delta message text content reasoning_content reasoning "
    b"token_ids finish_reason".split()
)
"""Names whose values are read from a reply: those of all others make no difference."""

_PLAIN = rb'[^"\\\x00-\x1f]*+'
_TEXT = _PLAIN + rb'(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})' + _PLAIN + rb")*+"
_ID = rb"(?:0|[1-9][0-9]{0,8}+)"  # what is longer is looked at in full
_IDS = _ID + rb"(?:, ?" + _ID + rb")*+"


class Lessons:
    """What is known of one endpoint's chunks; its streams learn from each other."""

    def __init__(self) -> None:
        self._known: list[Template] = []
        self._left = MOST_LESSONS

    def take(self, data: bytes, position: int, now_ns: int, exchange: Exchange) -> int:
        """Adds to `exchange` the events from `position` on that are of a known kind; where the first other begins."""
        for place, template in enumerate(self._known):
            end = template.take(data, position, now_ns, exchange)
            if end != position:
                if place:  # most of a server's chunks are of one kind
                    self._known.insert(0, self._known.pop(place))
                return end
        return position

    def learn(self, payload: bytes) -> bool:
        """Learns from `payload`, a chunk with a token that was found good; whether there was anything to learn."""
        template = _template(payload) if self._left else None
        if template is None or template in self._known:
            return False
        self._left -= 1
        self._known.insert(0, template)
        del self._known[_MOST_KNOWN:]
        return True


class _Hole(NamedTuple):
    """A place where chunks of one kind differ."""

    span: tuple[int, int]
    pattern: bytes
    probe: bytes


def _template(payload: bytes) -> Template | None:
    """What chunks like `payload` look like; None if it isn't certain."""
    texts, ids = list(_TEXT_FIELD.finditer(payload)), list(_IDS_FIELD.finditer(payload))
    if len(texts) != 1 or len(ids) > 1 or b"\n" in payload or len(payload) > LONGEST:
        return None
    said = _said(payload)
    reasons = bool(said.thoughts)
    text = _TEXT if ids and not reasons else rb'(?!")' + _TEXT  # an empty one is no token
    holes = [_Hole(texts[0].span(1), rb"(" + text + rb")", b"~text~")]
    holes += [_Hole(found.span(1), rb"(" + _IDS + rb")", b"7") for found in ids]
    for field, pattern, probe in ((_WORD_FIELD, _WORD, b"~word~"), (_NUMBER_FIELD, _NUMBER, b"8")):
        holes += [_Hole(found.span(2), pattern, probe) for found in field.finditer(payload) if found[1] not in _READ]
    holes.sort()
    edges = [0, *(edge for hole in holes for edge in hole.span), len(payload)]
    between = [payload[start:stop] for start, stop in zip(edges[::2], edges[1::2], strict=True)]
    if not _certain(said, _said(_filled(between, (hole.probe for hole in holes))), with_ids=bool(ids)):
        return None
    chunk = rb"data: " + _filled(map(re.escape, between), (hole.pattern for hole in holes)) + b"\n\n"
    text_first = not ids or texts[0].start() < ids[0].start()
    return Template(
        chunk=re.compile(chunk + rb"|(?s:(.+))"),
        text=0 if text_first else 1,
        ids=None if not ids else 1 if text_first else 0,
        reasons=reasons,
        model=said.model,
        simulated=said.simulated,
    )


def _filled(between: Iterable[bytes], holes: Iterable[bytes]) -> bytes:
    return b"".join(piece + hole for piece, hole in zip(between, (*holes, b""), strict=True))


def _said(payload: bytes) -> Exchange:
    """What one chunk alone says."""
    exchange = Exchange(0)
    absorb(load(payload), payload, 1, exchange)
    return exchange


def _certain(said: Exchange, probe: Exchange, *, with_ids: bool) -> bool:
    """Whether the probe in the holes changed the text and the ids, and nothing else."""
    if with_ids:
        said.ids, said.chunk_tokens = array("i", [7]), array("i", [1])
    if said.thoughts:
        said.thoughts = bytearray(b"~text~")
    else:
        said.answer = bytearray(b"~text~")
    return asdict(said) == asdict(probe)
