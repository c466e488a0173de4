"""From the turns of a conversation to requests: its last question, or each question as a turn of a session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assay.datasets.model import Message, Sample


@dataclass(frozen=True, slots=True)
class Turn:
    """One message, and how long its writer thought, ns, where the file says so."""

    message: Message
    think_ns: int | None = None

    @property
    def asks(self) -> bool:
        """Whether the model is to answer it, if no other question comes before the answer."""
        return self.message.role in ("user", "tool")


def first_gap(turns: Sequence[Turn]) -> str:
    """Why nothing can be asked; empty where something can."""
    return "" if any(turn.asks for turn in turns) else "no message of a user, so there is nothing to answer"


def whole(turns: Sequence[Turn], session: str | None = None) -> Sample:
    """The conversation up to its last question; what the assistant said then is the reference."""
    return turns_to_samples(turns, session)[-1]


def turns_to_samples(turns: Sequence[Turn], session: str | None) -> list[Sample]:
    """A sample for every question, with the conversation so far; indices from 0.

    Messages of users that follow one another are one question. What the file's assistant answered is each sample's
    reference, and the history of those after it.
    """
    samples: list[Sample] = []
    for place, turn in enumerate(turns):
        after = turns[place + 1] if place + 1 < len(turns) else None
        if not turn.asks or (after is not None and after.asks):
            continue
        samples.append(
            Sample(
                index=len(samples),
                messages=tuple(earlier.message for earlier in turns[: place + 1]),
                reference=after.message.content if after and after.message.role == "assistant" else None,
                session=session,
                think_ns=turn.think_ns if session is not None else None,
            )
        )
    return samples
