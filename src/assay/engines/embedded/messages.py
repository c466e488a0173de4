"""What the HTTP process and the engine process say to each other: one JSON array a line over a socket pair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import orjson

MAX_LINE_BYTES = 8 << 20

FinishReason = Literal["stop", "length", "error"]


@dataclass(frozen=True, slots=True)
class Add:
    """Begin a request. `stop_ids` end it, none before `min_tokens`; they are part of the answer."""

    request_id: int
    prompt_ids: list[int]
    max_tokens: int
    min_tokens: int
    stop_ids: list[int]


@dataclass(frozen=True, slots=True)
class Cancel:
    """Forget a request; nothing more is said about it, save what is already under way."""

    request_id: int


@dataclass(frozen=True, slots=True)
class Ready:
    """The model is loaded and answers rightly."""

    engine_version: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The engine can't serve and ends."""

    reason: str


@dataclass(frozen=True, slots=True)
class Step:
    """What one step of the engine gave, and how busy it is.

    Each output is (request id, new token ids, finish reason or None). `kv_usage` is a fraction.
    """

    outputs: list[tuple[int, list[int], FinishReason | None]]
    running: int
    waiting: int
    kv_usage: float


Message = Add | Cancel | Ready | Failed | Step
_KINDS: dict[str, type[Message]] = {kind.__name__: kind for kind in (Add, Cancel, Ready, Failed, Step)}


def pack(message: Message) -> bytes:
    """One line, its newline included."""
    values: list[Any] = [getattr(message, name) for name in message.__dataclass_fields__]
    return orjson.dumps([type(message).__name__, *values]) + b"\n"


def unpack(line: bytes) -> Message:
    """The message that `pack` made `line` from."""
    kind, *values = orjson.loads(line)
    return _KINDS[kind](*values)
