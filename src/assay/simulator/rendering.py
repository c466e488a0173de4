"""The bytes of replies, made ahead: a reply is joined from them, not encoded token by token.

Outputs walk through one cycle of seeded token ids; a request enters it at a place that its prompt decides,
so the same prompt gives the same output. The text of an id is a word of a small vocabulary.
"""

from __future__ import annotations

import random
from typing import Any

import orjson

from assay import SIMULATOR

CYCLE = 4096
_PROSE = (
    "the of and to in a is that for it was on are as with his they at be this from have or by one had not but "
    "what all were when we there can an your which their said if do will each about how up out them then she "
    "many some so these would other into has more her two like him see time could no make than first been its "
    "now people my made over did down only way find use may water long little very after words called just"
)
_WORDS = [" " + word for word in _PROSE.split()]
_FIRST_ID = 1000
_ID_PLACE = b"cmpl-................"
_CREATED = 1_700_000_000
"""A fixed time of creation, so that replies to the same request are the same."""
_WHO = {"system_fingerprint": SIMULATOR}
"""OpenAI's field for what made the reply; a gateway that names itself in headers passes it on."""


class Output:
    """The cycle of token ids and their text."""

    def __init__(self, seed: int) -> None:
        draw = random.Random(seed)
        numbers = [draw.randrange(len(_WORDS)) for _ in range(CYCLE)]
        self.ids = [_FIRST_ID + number for number in numbers]
        self.words = [_WORDS[number] for number in numbers]

    def ids_from(self, start: int, count: int) -> list[int]:
        """`count` ids from place `start` of the cycle."""
        return [self.ids[(start + k) % CYCLE] for k in range(count)]

    def text_from(self, start: int, count: int) -> str:
        """Their text."""
        return "".join(self.words[(start + k) % CYCLE] for k in range(count))


class Rendering:
    """Streamed chunks of one kind of reply: text or chat, with or without token ids.

    Each event is an HTTP chunk of its own. Between `size` and `tail` of a place in the cycle belongs the
    reply's `opening`, the only part that differs between requests; `between` is a tail and the next size.
    """

    def __init__(self, output: Output, model: str, *, chat: bool, with_ids: bool, each_token: bool) -> None:
        """`each_token`: whether `chunks` will be asked for; what it joins is made here, 2 MB of it."""
        self._model = model
        self._chat = chat
        self._with_ids = with_ids
        self._output = output
        first = self._event_at(0, None)
        self._opening = first[: first.index(b'"choices"')]
        if each_token:
            self._make_ahead()

    def _make_ahead(self) -> None:
        whole = [self._event_at(place, None) for place in range(CYCLE)]
        cut = len(self._opening)
        self._size = [b"%x\r\n" % len(event) for event in whole]
        self._tail = [event[cut:] + b"\r\n" for event in whole]
        self._between = [self._tail[k] + self._size[(k + 1) % CYCLE] for k in range(CYCLE)]

    def opening(self, request_id: bytes) -> bytes:
        """The start of every event of one reply; `request_id` has 16 bytes."""
        return self._opening.replace(_ID_PLACE, b"cmpl-" + request_id)

    def chunks(self, opening: bytes, start: int, count: int) -> bytes:
        """`count` chunks of one token each, from place `start` of the cycle."""
        parts: list[bytes] = []
        while count > 0:
            start %= CYCLE
            run = min(count, CYCLE - start)
            parts += (self._size[start], opening)
            if run > 1:
                parts += (opening.join(self._between[start : start + run - 1]), opening)
            parts.append(self._tail[start + run - 1])
            start += run
            count -= run
        return b"".join(parts)

    def chunk_of_several(self, opening: bytes, start: int, count: int, finish: str | None) -> bytes:
        """One chunk with `count` tokens, or none, and the finish_reason."""
        return self._chunk(self._event_at(start, finish, count), opening)

    def role_chunk(self, opening: bytes) -> bytes:
        """The chunk without a token that opens a chat reply; empty for text."""
        choice = {"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}
        return self._chunk(self._event([choice], None), opening) if self._chat else b""

    def ending(self, opening: bytes, usage: dict[str, int] | None) -> bytes:
        """The usage, if wanted, `[DONE]` and the end of the reply."""
        last = self._chunk(self._event([], usage), opening) if usage else b""
        return last + b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"

    def whole(self, request_id: bytes, start: int, count: int, finish: str, usage: dict[str, int]) -> bytes:
        """The JSON of a reply that isn't streamed."""
        text = self._output.text_from(start, count)
        choice: dict[str, Any] = {"index": 0, "logprobs": None, "finish_reason": finish}
        choice |= {"message": {"role": "assistant", "content": text}} if self._chat else {"text": text}
        if self._with_ids:
            choice["token_ids"] = self._output.ids_from(start, count)
        kind = "chat.completion" if self._chat else "text_completion"
        envelope = self._envelope(kind, "cmpl-" + request_id.decode())
        return orjson.dumps({**envelope, **_WHO, "choices": [choice], "usage": usage})

    def _envelope(self, kind: str, reply_id: str) -> dict[str, Any]:
        return {"id": reply_id, "object": kind, "created": _CREATED, "model": self._model}

    def _event_at(self, start: int, finish: str | None, count: int = 1) -> bytes:
        text = self._output.text_from(start, count)
        choice: dict[str, Any] = {"index": 0}
        choice |= {"delta": {"content": text}} if self._chat else {"text": text}
        choice |= {"logprobs": None, "finish_reason": finish, "stop_reason": None}
        if self._with_ids:
            choice["token_ids"] = self._output.ids_from(start, count)
        return self._event([choice], None)

    def _event(self, choices: list[dict[str, Any]], usage: dict[str, int] | None) -> bytes:
        kind = "chat.completion.chunk" if self._chat else "text_completion"
        envelope = self._envelope(kind, _ID_PLACE.decode())
        who = _WHO if usage else {}  # chunks are many: the one with the usage says it
        return b"data: " + orjson.dumps({**envelope, "choices": choices, "usage": usage, **who}) + b"\n\n"

    def _chunk(self, event: bytes, opening: bytes) -> bytes:
        return b"%x\r\n%b%b\r\n" % (len(event), opening, event[len(self._opening) :])
