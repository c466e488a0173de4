"""What issues samples and is told what became of them: LoadGen, or Assay's own pacer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple, Protocol

NO_SESSION = -1
NO_TIME = -1


class Issue(NamedTuple):
    """One sample to be sent now. `query` is the source's own name for it."""

    query: int
    qsl_idx: int
    due_ns: int = NO_TIME  # when it was to be sent, CLOCK_MONOTONIC; NO_TIME where no schedule says
    session: int = NO_SESSION  # of a conversation that stays on one endpoint
    history: bytes = b""  # JSON list of the answers so far, where they are to be put into the body


class Issues(NamedTuple):
    """Samples to be sent now, as columns: Offline hands over millions at once."""

    queries: Sequence[int]
    qsl_idx: Sequence[int]
    particular: Sequence[Issue] = ()  # the same samples; empty where nothing else is known of them

    @classmethod
    def of(cls, issues: Sequence[Issue]) -> Issues:
        return cls([issue.query for issue in issues], [issue.qsl_idx for issue in issues], issues)

    @classmethod
    def joined(cls, parts: Sequence[Issues]) -> Issues:
        """All of these, in order; either all or none have something particular."""
        if len(parts) == 1:
            return parts[0]
        return cls(*(list(chain.from_iterable(columns)) for columns in zip(*parts, strict=True)))


class FirstToken(NamedTuple):
    query: int
    data: bytes  # the token's id as int32, or nothing


class Answer(NamedTuple):
    """A sample is over, answered or failed for good."""

    query: int
    data: bytes  # output ids as int32, empty where unknown; with live history the text
    tokens: int
    done_ns: int
    ok: bool = True


IssueCallback = Callable[[Issues], None]
EndCallback = Callable[[BaseException | None], None]


@dataclass(frozen=True)
class Schedule:
    """The seed of the arrivals and their rate, as far as the source has such."""

    seed: int | None = None
    target_qps: float | None = None


class Source(Protocol):
    """Calls back with samples to issue, and once when the load is over.

    LoadGen issues from a thread of its own; the pacer from `issue_due`, on the thread that calls it. All methods are
    called from one thread.
    """

    @property
    def schedule(self) -> Schedule: ...

    def start(self, now_ns: int) -> None:
        """Begin; returns at once."""

    def next_due_ns(self) -> int | None:
        """When `issue_due` is to be called next; None: whenever answers come."""

    def issue_due(self, now_ns: int) -> None:
        """Issue what is due by now."""

    def first_tokens(self, tokens: Sequence[FirstToken]) -> None:
        """These samples have their first token."""

    def complete(self, answers: Sequence[Answer]) -> None:
        """These samples are over."""
