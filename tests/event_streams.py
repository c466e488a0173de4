"""Streams of completions as servers write them, and what the parser makes of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from assay.load.transport import Exchange, Outcome
from assay.load.transport.events import EventStream
from assay.load.transport.lessons import Lessons
from assay.load.transport.reply import BadReplyError


@dataclass
class Style:
    """How one server writes its stream."""

    chat: bool
    with_ids: bool
    ids_first: bool
    dense: bool
    ascii: bool
    newline: str
    comments: bool
    event_field: bool
    continuous_usage: bool
    usage_at_end: bool

    def chunk(self, text: str, ids: list[int], finish: str | None) -> dict[str, Any]:
        message = {"delta": {"content": text}} if self.chat else {"text": text}
        tokens = {"token_ids": ids} if self.with_ids else {}
        parts = {**tokens, **message} if self.ids_first else {**message, **tokens}
        reply: dict[str, Any] = {"id": "cmpl-1", "choices": [{"index": 0, **parts, "finish_reason": finish}]}
        if self.continuous_usage:
            reply["usage"] = {"prompt_tokens": 3, "completion_tokens": 1}
        return reply

    def event(self, reply: dict[str, Any] | str) -> bytes:
        data = reply
        if not isinstance(data, str):
            separators = (",", ":") if self.dense else (", ", ": ")
            data = json.dumps(reply, separators=separators, ensure_ascii=self.ascii)
        lines = [": ping", ""] if self.comments else []
        lines += ["event: message"] if self.event_field else []
        return (self.newline.join([*lines, f"data: {data}", "", ""])).encode()


def vllm_stream(count: int, text: str = " word") -> bytes:
    style = Style(False, True, False, True, True, "\n", False, False, False, True)
    chunks = [
        style.event(style.chunk(f"{text}{k}", [1000 + k], "length" if k == count - 1 else None)) for k in range(count)
    ]
    usage = style.event({"id": "cmpl-1", "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": count}})
    return b"".join([*chunks, usage, b"data: [DONE]\n\n"])


def read(body: bytes, cuts: list[int], lessons: Lessons | None = None) -> tuple[Exchange, tuple[Outcome, str]]:
    """Feeds `body` cut at `cuts`; piece k arrives at time k + 1."""
    exchange = Exchange(1)
    stream = EventStream(exchange, lessons)
    places = [0, *sorted(cuts), len(body)]
    try:
        for k in range(len(places) - 1):
            stream.feed(body[places[k] : places[k + 1]], k + 1)
        return exchange, stream.end()
    except BadReplyError as error:
        return exchange, (error.outcome, error.detail)
