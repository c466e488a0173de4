"""Loads without conversations, as pure steps: arrivals by the clock, and places that are filled again.

A pace holds no clock and does no I/O. Times are ns of CLOCK_MONOTONIC, as they are passed in.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Protocol

from assay.load.pacer.bounds import Bounds
from assay.load.source import Answer, Issue
from assay.runs.shapes import ConcurrencyShape, RampShape


class Pace(Protocol):
    """Says what is to be issued when; `query` of an issue counts from 0."""

    def take(self, now_ns: int) -> list[Issue]:
        """What is to be issued now."""

    def answered(self, answer: Answer) -> None:
        """A request is over."""

    def next_due_ns(self) -> int | None:
        """When there will be something to take without a further answer; None: never."""

    @property
    def over(self) -> bool:
        """Nothing is left to issue, whatever is answered. What is in flight may still be."""


class OpenLoop:
    """Requests at the times of a schedule, whether or not answers keep up."""

    def __init__(self, schedule: Iterator[tuple[int, int]], begin_ns: int, bounds: Bounds) -> None:
        """`schedule` gives (ns after the begin, sample) in order of time."""
        self._schedule = schedule
        self._begin_ns = begin_ns
        self._bounds = bounds
        self._next = self._draw()

    def _draw(self) -> tuple[int, int] | None:
        after_ns, qsl_idx = next(self._schedule, (0, -1))
        due_ns = self._begin_ns + after_ns
        return (due_ns, qsl_idx) if qsl_idx >= 0 and self._bounds.allow(due_ns) else None

    def take(self, now_ns: int) -> list[Issue]:
        found = []
        while self._next is not None and self._next[0] <= now_ns:
            due_ns, qsl_idx = self._next
            found.append(Issue(self._bounds.issued, qsl_idx, due_ns))
            self._bounds.issued += 1
            self._next = self._draw()
        return found

    def answered(self, answer: Answer) -> None:
        """Arrivals don't wait for answers."""

    def close(self) -> None:
        """Nothing more is issued."""
        self._next = None

    def next_due_ns(self) -> int | None:
        return self._next[0] if self._next else None

    @property
    def over(self) -> bool:
        return self._next is None


class ClosedLoop:
    """A number of places in flight, fixed or on a ramp: a place that is free is filled at once."""

    def __init__(self, shape: ConcurrencyShape | RampShape, samples: int, begin_ns: int, bounds: Bounds) -> None:
        self._shape = shape
        self._samples = samples
        self._begin_ns = begin_ns
        self._bounds = bounds
        self._in_flight = 0
        self._now_ns = begin_ns

    def _places(self, now_ns: int) -> int:
        shape = self._shape
        if isinstance(shape, ConcurrencyShape):
            return shape.concurrency
        share = min(1.0, (now_ns - self._begin_ns) / 1e9 / shape.over_s)
        return max(1, math.floor(shape.start + (shape.to - shape.start) * share + 1e-9))

    def take(self, now_ns: int) -> list[Issue]:
        self._now_ns = now_ns
        found = []
        while self._in_flight < self._places(now_ns) and self._bounds.allow(now_ns):
            found.append(Issue(self._bounds.issued, self._bounds.issued % self._samples))
            self._bounds.issued += 1
            self._in_flight += 1
        return found

    def answered(self, answer: Answer) -> None:
        self._in_flight -= 1

    def next_due_ns(self) -> int | None:
        """On a ramp that rises: when the next place opens."""
        shape = self._shape
        if isinstance(shape, ConcurrencyShape) or self.over:
            return None
        places = self._places(self._now_ns)
        if self._in_flight < places or shape.to < places + 1 or shape.to <= shape.start:
            return None
        opens_s = (places + 1 - shape.start) / (shape.to - shape.start) * shape.over_s
        return self._begin_ns + math.ceil(opens_s * 1e9)

    @property
    def over(self) -> bool:
        return not self._bounds.allow(self._now_ns)
