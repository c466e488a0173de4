"""The pacer as a source of load beside LoadGen: a pace, the clock, and when it is over."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from assay.errors import AssayError
from assay.load.pacer.bounds import Bounds
from assay.load.pacer.paces import ClosedLoop, OpenLoop, Pace
from assay.load.pacer.sessions import Sessions
from assay.load.pacer.timetable import Timetable
from assay.load.plan import PacerPlan
from assay.load.source import Answer, EndCallback, FirstToken, IssueCallback, Issues, Schedule
from assay.runs.arrivals import due_times_ns, ramp_times_ns
from assay.runs.shapes import ConcurrencyShape, RampShape, RateShape, SessionsShape, TraceShape

_LEAD_NS = 500_000
_LEAD_SHARE = 20


class Pacer:
    """Issues the plan's load; over when nothing is left to issue and everything issued is answered."""

    def __init__(self, plan: PacerPlan, samples: int, issue: IssueCallback, on_end: EndCallback) -> None:
        self._plan = plan
        self._samples = samples
        self._issue = issue
        self._on_end = on_end
        self._pace: Pace | None = None
        self._in_flight = 0
        self._last_due_ns = 0
        self._ended = False

    @property
    def schedule(self) -> Schedule:
        return Schedule(seed=self._plan.seed)

    def start(self, now_ns: int) -> None:
        self._pace = make_pace(self._plan, self._samples, now_ns)
        self.issue_due(now_ns)

    def next_due_ns(self) -> int | None:
        due_ns = self._pace.next_due_ns() if self._pace else None
        return None if due_ns is None else due_ns - self._lead_ns(due_ns)

    def _lead_ns(self, due_ns: int) -> int:
        """How long before its time a request is handed over; the worker holds it until then.

        Waking two processes one after the other takes some tenths of a ms where both have slept. A worker that holds a
        request stamps no tokens meanwhile, so this is kept to a small share of the time between two requests.
        """
        if isinstance(self._pace, ClosedLoop):  # a place opens then; no request is due
            return 0
        return max(0, min(_LEAD_NS, (due_ns - self._last_due_ns) // _LEAD_SHARE))

    def issue_due(self, now_ns: int) -> None:
        assert self._pace is not None
        due_ns = self._pace.next_due_ns()
        ahead_ns = now_ns if due_ns is None else now_ns + self._lead_ns(due_ns)
        if issues := self._pace.take(ahead_ns):
            self._last_due_ns = issues[-1].due_ns
            self._in_flight += len(issues)
            self._issue(Issues.of(issues))
        if not self._in_flight and self._pace.over and not self._ended:
            self._ended = True
            self._on_end(None)

    def close(self) -> None:
        """Issue nothing more: the load is over once what is in flight is answered. For arrivals by a schedule."""
        assert isinstance(self._pace, OpenLoop)
        self._pace.close()

    def first_tokens(self, tokens: Sequence[FirstToken]) -> None:
        """Nothing of a load's course hangs on first tokens."""

    def complete(self, answers: Sequence[Answer]) -> None:
        assert self._pace is not None
        for answer in answers:
            self._in_flight -= 1
            self._pace.answered(answer)


def make_pace(plan: PacerPlan, samples: int, begin_ns: int) -> Pace:
    """The pace of a shape, from `begin_ns` on."""
    shape, seed = plan.shape, plan.seed
    until_ns = None if shape.lasts_s is None else begin_ns + int(shape.lasts_s * 1e9)
    bounds = Bounds(shape.most_requests(samples), until_ns)
    match shape:
        case ConcurrencyShape():
            return ClosedLoop(shape, samples, begin_ns, bounds)
        case RateShape():
            times = due_times_ns(shape.rate, shape.arrivals, shape.burstiness, seed)
            return OpenLoop(_wrapped(times, samples), begin_ns, bounds)
        case RampShape(of="rate"):
            return OpenLoop(_wrapped(ramp_times_ns(shape, seed), samples), begin_ns, bounds)
        case RampShape():
            return ClosedLoop(shape, samples, begin_ns, bounds)
        case TraceShape():
            return OpenLoop(_replayed(_timetable(plan), shape.speed), begin_ns, bounds)
        case SessionsShape():
            starts = None if shape.rate is None else due_times_ns(shape.rate, "poisson", 1.0, seed)
            return Sessions(
                _timetable(plan),
                begin_ns,
                bounds,
                sticky=shape.sticky,
                live=shape.history == "live",
                most_open=shape.concurrency,
                starts=starts,
            )


def _wrapped(times_ns: Iterator[int], samples: int) -> Iterator[tuple[int, int]]:
    return zip(times_ns, itertools.cycle(range(samples)), strict=False)


def _replayed(table: Timetable, speed: float) -> Iterator[tuple[int, int]]:
    """The samples in the order of their arrival, from the first of them on."""
    if (table.arrival_ns < 0).any():
        raise AssayError("a trace needs the arrival time of every sample, and the data set doesn't give it")
    order = np.argsort(table.arrival_ns, kind="stable")
    after_ns = ((table.arrival_ns[order] - table.arrival_ns.min()) / speed).astype(np.int64)
    return zip(after_ns.tolist(), order.tolist(), strict=True)


def _timetable(plan: PacerPlan) -> Timetable:
    if plan.timetable is None:
        raise AssayError(f"{plan.shape.kind} needs the data set's own times or conversations")
    return Timetable.read(Path(plan.timetable))
