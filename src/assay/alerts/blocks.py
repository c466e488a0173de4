"""A load in blocks that are long enough to compare endpoints by: so much is due in each that chance is small."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from assay.runs.progress import EndpointProgress, ProgressEvent

_LEAST_ANSWERS = 200
"""So many are due of each endpoint, at the pace of all."""
_LEAST_SEEN = 100
"""Requests in flight over all looks at an endpoint."""
_LEAST_TURNS = 10
"""A block lasts so many times as long as an answer: those under way at its ends weigh little."""
_LEAST_NS = 2_000_000_000
_IDLE = 0.1
"""An endpoint that has less than this share of the others' requests in flight isn't waited for, and isn't judged."""


@dataclass
class Part:
    """One endpoint in one block."""

    answers: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    exposure_ns: float = 0.0
    """Requests in flight, times how long."""
    in_flight_seen: int = 0
    """The sum of requests in flight over all looks: what is known of `exposure_ns` rests on them."""
    judged: bool = True
    """It was in service all the time, and had enough to do."""


@dataclass(frozen=True)
class Block:
    begin_ns: int
    end_ns: int
    parts: dict[str, Part]
    """Those that are judged."""

    @property
    def seconds(self) -> float:
        return (self.end_ns - self.begin_ns) / 1e9


class Blocks:
    """Cuts a load into blocks."""

    def __init__(self) -> None:
        self._before: ProgressEvent | None = None
        self._begin_ns = 0
        self._parts: dict[str, Part] = {}

    def take(self, event: ProgressEvent) -> Block | None:
        """The block that ends with this event, which tells of endpoints."""
        before, self._before = self._before, event
        if before is None or not self._parts or not _compared(event):
            self._begin(event)
            return None
        for name, part in self._parts.items():
            _add(part, before.endpoints.get(name), event.endpoints.get(name), event.time_ns - before.time_ns)
        return self._end(event)

    def _begin(self, event: ProgressEvent) -> None:
        self._begin_ns = event.time_ns
        self._parts = {name: Part() for name in event.endpoints} if _compared(event) else {}

    def _end(self, event: ProgressEvent) -> Block | None:
        known = [part for part in self._parts.values() if part.judged]
        answers = sum(part.answers for part in known)
        exposure_ns = sum(part.exposure_ns for part in known)
        lasted_ns = event.time_ns - self._begin_ns
        if not answers or not exposure_ns or lasted_ns < _LEAST_NS:
            return None
        answer_ns = exposure_ns / answers
        busy = dict(self._busy(_IDLE * exposure_ns / len(known)))
        due = min(part.exposure_ns for part in busy.values()) / answer_ns
        if lasted_ns < _LEAST_TURNS * answer_ns or due < _LEAST_ANSWERS:
            return None
        if min(part.in_flight_seen for part in busy.values()) < _LEAST_SEEN:
            return None
        block = Block(self._begin_ns, event.time_ns, busy)
        self._begin(event)
        return block

    def _busy(self, least_ns: float) -> Iterator[tuple[str, Part]]:
        for name, part in self._parts.items():
            if part.judged and part.exposure_ns >= least_ns:
                yield name, part


def _compared(event: ProgressEvent) -> bool:
    """While only the last answers are waited for, what is missing are the long ones: that is no time to compare."""
    return event.phase == "load"


def _add(part: Part, before: EndpointProgress | None, now: EndpointProgress | None, lasted_ns: int) -> None:
    if before is None or now is None or before.out or now.out:
        part.judged = False
        return
    part.answers += now.completed - before.completed
    part.input_tokens += now.input_tokens - before.input_tokens
    part.output_tokens += now.output_tokens - before.output_tokens
    part.exposure_ns += (before.in_flight + now.in_flight) / 2 * lasted_ns
    part.in_flight_seen += now.in_flight
