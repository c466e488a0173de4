"""Conversations whose history is what the server answers: each turn's messages with a place for every answer before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from assay.datasets.model import Message, Sample


def with_places(samples: Sequence[Sample], place: Callable[[int], str]) -> list[Sample]:
    """The samples with their turns' messages up to each, `place(turn)` standing for the answer to an earlier turn.

    A turn brings what the data has beyond the turn before it: of messages that repeat those, what comes after the
    recorded answer; else all of its messages, or its prompt as a user's. What the file's assistant answered is dropped.
    """
    found: list[Sample] = []
    before: dict[str, tuple[int, tuple[Message, ...], tuple[Message, ...]]] = {}  # turn, as recorded, as it will be
    for sample in samples:
        recorded = sample.messages or (Message("user", sample.prompt or ""),)
        name = sample.session if sample.session is not None else f"\0{sample.index}"
        turn, past, history = before.get(name, (0, (), ()))
        fresh = recorded
        if past and recorded[: len(past)] == past:
            fresh = recorded[len(past) :]
            if fresh and fresh[0].role == "assistant":
                fresh = fresh[1:]
        answer = (Message("assistant", place(turn - 1)),) if turn else ()
        messages = (*history, *answer, *fresh)
        before[name] = (turn + 1, recorded, messages)
        found.append(replace(sample, prompt=None, messages=messages, tok_input=None))
    return found
