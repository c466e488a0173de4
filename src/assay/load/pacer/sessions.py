"""Conversations, as pure steps: a turn is due a think time after the answer before it."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import orjson

from assay.load.pacer.bounds import Bounds
from assay.load.pacer.timetable import Timetable
from assay.load.source import NO_SESSION, Answer, Issue


@dataclass(slots=True)
class _Conversation:
    number: int
    turns: Sequence[int]
    done: int = 0
    answers: list[str] = field(default_factory=list)

    @property
    def left(self) -> int:
        return len(self.turns) - self.done


class Sessions:
    """Conversations of the data set, one after another; they begin again at its end, as new ones.

    With `starts` (ns after the begin) a conversation begins at each of these times; without, `most_open` are open at
    once and a new one begins when one ends. A conversation begins only where the bound leaves requests for it beside
    what the open ones still need: the last one may be cut short, the others are whole.

    With `live` each turn carries the answers before it; a conversation ends where one of them failed.
    """

    def __init__(
        self,
        table: Timetable,
        begin_ns: int,
        bounds: Bounds,
        *,
        sticky: bool,
        live: bool = False,
        most_open: int | None = None,
        starts: Iterator[int] | None = None,
    ) -> None:
        self._conversations = table.conversations
        self._think_ns = table.think_ns
        self._begin_ns = begin_ns
        self._bounds = bounds
        self._sticky = sticky
        self._live = live
        self._most_open = most_open
        self._starts = starts
        self._next_start_ns = begin_ns if starts is None else begin_ns + next(starts)
        self._started = 0
        self._owed = 0  # turns that open conversations have still to issue
        self._due: list[tuple[int, int, _Conversation]] = []  # (due, number, conversation): a heap
        self._waiting: dict[int, _Conversation] = {}  # for the answer to a query
        self._cut = 0  # open conversations whose next turn would come after the end
        self._now_ns = begin_ns

    def take(self, now_ns: int) -> list[Issue]:
        self._now_ns = now_ns
        self._begin_conversations(now_ns)
        found = []
        while self._due and self._due[0][0] <= now_ns:
            due_ns, _, conversation = heapq.heappop(self._due)
            if self._bounds.allow(due_ns):
                found.append(self._issue(conversation, due_ns))
        return found

    def _begin_conversations(self, now_ns: int) -> None:
        while self._may_begin(now_ns):
            due_ns = now_ns if self._starts is None else self._next_start_ns
            conversation = _Conversation(self._started, self._next_turns())
            heapq.heappush(self._due, (due_ns, conversation.number, conversation))
            self._started += 1
            self._owed += conversation.left
            if self._starts is not None:
                self._next_start_ns = self._begin_ns + next(self._starts)

    def _next_turns(self) -> list[int]:
        turns: list[int] = self._conversations[self._started % len(self._conversations)].tolist()
        left = self._bounds.left
        return turns if left is None else turns[: left - self._owed]

    def _may_begin(self, now_ns: int) -> bool:
        if not self._room or self._next_start_ns > now_ns:
            return False
        return self._most_open is None or len(self._due) + len(self._waiting) + self._cut < self._most_open

    @property
    def _room(self) -> bool:
        """Whether the bounds leave something for a further conversation."""
        left = self._bounds.left
        at_ns = self._now_ns if self._starts is None else self._next_start_ns
        return self._bounds.allow(at_ns) and (left is None or left > self._owed)

    @property
    def _may_begin_later(self) -> bool:
        return self._room and (self._most_open is None or self._cut < self._most_open)

    def _issue(self, conversation: _Conversation, due_ns: int) -> Issue:
        query = self._bounds.issued
        qsl_idx = conversation.turns[conversation.done]
        conversation.done += 1
        self._owed -= 1
        self._bounds.issued += 1
        self._waiting[query] = conversation
        return Issue(
            query,
            qsl_idx,
            due_ns,
            conversation.number if self._sticky else NO_SESSION,
            orjson.dumps(conversation.answers) if conversation.answers else b"",
        )

    def answered(self, answer: Answer) -> None:
        conversation = self._waiting.pop(answer.query)
        if not conversation.left:
            return
        if self._live:
            if not answer.ok:  # the next turn would answer to nothing
                self._owed -= conversation.left
                return
            conversation.answers.append(answer.data.decode(errors="replace"))
        due_ns = answer.done_ns + int(self._think_ns[conversation.turns[conversation.done]])
        if self._bounds.allow(due_ns):
            heapq.heappush(self._due, (due_ns, conversation.number, conversation))
        else:
            self._cut += 1

    def next_due_ns(self) -> int | None:
        due = [self._due[0][0]] if self._due and self._bounds.left != 0 else []
        if self._starts is not None and self._room:
            due.append(self._next_start_ns)
        return min(due, default=None)

    @property
    def over(self) -> bool:
        if self._bounds.left == 0:
            return True
        return not self._due and not self._waiting and not self._may_begin_later
