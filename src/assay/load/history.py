"""The answers that a server really gave, put into the later turns of their conversation when those are sent.

A turn's body holds a placeholder for each answer before it, somewhere in a JSON string; bodies are made before the
clock starts, and putting an answer in is the one thing that is done to them later.
"""

from __future__ import annotations

import orjson

_MARK = "\ue000"  # of Unicode's private use: no text means anything by it


def placeholder(turn: int) -> str:
    """What stands for the answer to a conversation's turn, counted from 0."""
    return f"{_MARK}answer {turn}{_MARK}"


def with_answers(body: bytes, history: bytes) -> bytes:
    """`body` with the answers of `history`, a JSON list, in the place of their placeholders."""
    for turn, answer in enumerate(orjson.loads(history)):
        body = body.replace(placeholder(turn).encode(), orjson.dumps(answer)[1:-1])
    return body
