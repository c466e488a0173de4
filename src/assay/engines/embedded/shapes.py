"""The JSON of answers, field for field as vLLM's, for completions and for chat."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import orjson

from assay.engines.embedded.messages import FinishReason

Json = dict[str, Any]


@dataclass(slots=True)
class Piece:
    """Some of an answer, or all of it."""

    text: str
    token_ids: list[int]
    finish_reason: FinishReason | None = None
    stop_reason: int | None = None  # the id of `stop_token_ids` that ended it


def usage(prompt_tokens: int, completion_tokens: int) -> Json:
    """OpenAI's usage object."""
    total = prompt_tokens + completion_tokens
    return {"prompt_tokens": prompt_tokens, "total_tokens": total, "completion_tokens": completion_tokens}


@dataclass(slots=True)
class CompletionShape:
    """Answers to `/v1/completions`. `prompt_ids` is None unless token ids were asked for."""

    model: str
    prompt_ids: list[int] | None
    id: str = field(default_factory=lambda: f"cmpl-{uuid.uuid4().hex}")
    created: int = field(default_factory=lambda: int(time.time()))

    def opening(self) -> list[Json]:
        """Chunks before the first token."""
        return []

    def chunk(self, piece: Piece, first: bool) -> Json:
        """One chunk of a stream; the first carries the prompt's ids."""
        return self._object([self._choice(piece, self.prompt_ids if first else None)])

    def last_chunk(self, counts: Json) -> Json:
        """The usage chunk."""
        return {**self._object([]), "usage": counts}

    def whole(self, piece: Piece, counts: Json) -> Json:
        """An answer that isn't streamed."""
        return {**self._object([self._choice(piece, self.prompt_ids)]), "usage": counts}

    def _object(self, choices: list[Json]) -> Json:
        names = {"id": self.id, "object": "text_completion", "created": self.created, "model": self.model}
        return {**names, "choices": choices}

    def _choice(self, piece: Piece, prompt_ids: list[int] | None) -> Json:
        choice = {"index": 0, "text": piece.text, "logprobs": None}
        choice |= {"finish_reason": piece.finish_reason, "stop_reason": piece.stop_reason}
        if self.prompt_ids is not None:
            choice |= {"token_ids": piece.token_ids, "prompt_token_ids": prompt_ids}
        return choice


@dataclass(slots=True)
class ChatShape:
    """Answers to `/v1/chat/completions`."""

    model: str
    prompt_ids: list[int] | None
    id: str = field(default_factory=lambda: f"chatcmpl-{uuid.uuid4().hex}")
    created: int = field(default_factory=lambda: int(time.time()))

    def opening(self) -> list[Json]:
        """The chunk that names the speaker; it carries the prompt's ids."""
        choice = {"index": 0, "delta": {"role": "assistant", "content": ""}, "logprobs": None, "finish_reason": None}
        return [self._object("chat.completion.chunk", [choice], prompt=True)]

    def chunk(self, piece: Piece, first: bool) -> Json:
        """One chunk of a stream."""
        return self._object("chat.completion.chunk", [self._choice(piece, {"delta": {"content": piece.text}})])

    def last_chunk(self, counts: Json) -> Json:
        """The usage chunk."""
        return {**self._object("chat.completion.chunk", []), "usage": counts}

    def whole(self, piece: Piece, counts: Json) -> Json:
        """An answer that isn't streamed."""
        choice = self._choice(piece, {"message": {"role": "assistant", "content": piece.text}})
        return {**self._object("chat.completion", [choice], prompt=True), "usage": counts}

    def _object(self, kind: str, choices: list[Json], prompt: bool = False) -> Json:
        names = {"id": self.id, "object": kind, "created": self.created, "model": self.model, "choices": choices}
        return names | ({"prompt_token_ids": self.prompt_ids} if prompt and self.prompt_ids is not None else {})

    def _choice(self, piece: Piece, content: Json) -> Json:
        choice = {"index": 0, **content, "logprobs": None}
        choice |= {"finish_reason": piece.finish_reason, "stop_reason": piece.stop_reason}
        return choice | ({"token_ids": piece.token_ids} if self.prompt_ids is not None else {})


def event(value: Json) -> bytes:
    """A server-sent event."""
    return b"data: %b\n\n" % orjson.dumps(value)


DONE = b"data: [DONE]\n\n"
