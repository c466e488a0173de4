"""What a load asks of the client, and how many workers it takes.

A load whose answers set its pace is counted by its requests in flight, since nobody knows how fast the servers are. One
whose arrivals are given is counted by the tokens that they bring, or by its requests in flight where that is less.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from assay.load.outlook import arrivals_per_s, expected_samples
from assay.load.pacer import Timetable
from assay.load.plan import UNLIMITED, LoadPlan
from assay.load.warmup.places import largest_window
from assay.runs.scenarios import Scenario
from assay.runs.shapes import ConcurrencyShape, LoadShape, RampShape, RateShape, SessionsShape, TraceShape

STREAM_TOKENS_PER_S = 100
"""Of a stream whose speed isn't known."""
STREAMS_A_WORKER = 256
"""At that speed, each token a chunk, about a quarter of a core: a burst finds it idle. With 1,000 such streams one
worker was at 86 to 91 % of a core and TTFT wrong by 28 ms at p99."""
CORE_TOKENS_PER_S = 95_000
"""What one core of the client reads, each token a chunk: by that same measurement."""
_PLANNED_SHARE = 0.5
_OTHERS_CORES = 2  # for LoadGen's process, and for the system
_UNKNOWN_LOAD = 1 / 8  # of a worker, by each endpoint of a load of which nothing is known
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Demand:
    """What a load asks of the client."""

    windows: tuple[int, ...]
    """Most requests in flight at each endpoint."""
    guessed: bool = False
    """Whether any of them is only the largest that a warm-up looks for."""
    together: int | None = None
    """Most requests in flight over all endpoints; None: as many as the windows allow."""
    tokens_per_s: float | None = None
    """At most, by arrivals and the longest answers; None where answers set the pace."""

    @property
    def streams(self) -> int | None:
        """Requests in flight, at most; None where nothing limits them."""
        most = sum(self.in_flight)
        return most if most < UNLIMITED else None

    @property
    def in_flight(self) -> list[int]:
        """Requests in flight at each endpoint, at most, where each has its part of what is limited together."""
        if self.together is None:
            return list(self.windows)
        share = math.ceil(self.together / len(self.windows))
        return [min(window, share) for window in self.windows]

    @property
    def loads(self) -> list[float]:
        """How many workers each endpoint keeps busy, as busy as workers should be."""
        given = None
        if self.tokens_per_s is not None:
            given = self.tokens_per_s / len(self.windows) / (_PLANNED_SHARE * CORE_TOKENS_PER_S)
        loads = []
        for streams in self.in_flight:
            own = streams / STREAMS_A_WORKER if streams < UNLIMITED else _UNKNOWN_LOAD if given is None else given
            loads.append(own if given is None else min(own, given))
        return loads

    def workers(self, cores: int) -> int:
        """Worker processes on a machine of so many cores; two of those are for others."""
        return max(1, min(math.ceil(sum(self.loads) - _ROUNDING), cores - _OTHERS_CORES))


def demand_of(plan: LoadPlan) -> Demand:
    """What a run's load asks, before its warm-up has found the windows that nobody gave."""
    shape, timetable = None, None
    if plan.pacer is not None:
        shape = plan.pacer.shape
        timetable = Timetable.read(Path(plan.pacer.timetable)) if plan.pacer.timetable else None
    rate = arrivals_per_s(plan) if shape is None else arrivals_of(shape, timetable)
    tokens = float(np.mean(plan.answer_limits or [plan.max_tokens]))
    return Demand(
        windows=tuple(endpoint.window or largest_window(plan) for endpoint in plan.endpoints),
        guessed=any(endpoint.window is None for endpoint in plan.endpoints),
        together=together(plan.scenario, shape, _samples(plan)),
        tokens_per_s=None if rate is None else rate * tokens,
    )


def _samples(plan: LoadPlan) -> int | None:
    """All that a load will issue; None where that isn't given."""
    if plan.loadgen is None:
        return expected_samples(plan, 0)
    if plan.loadgen.official:
        return None
    return plan.samples if plan.mode == "accuracy" else plan.loadgen.queries or plan.samples


def together(scenario: Scenario, shape: LoadShape | None, samples: int | None) -> int | None:
    """Most requests in flight over all endpoints, where the load itself limits them; `samples` are all there are."""
    match shape:
        case ConcurrencyShape(concurrency=number) | SessionsShape(concurrency=int(number)):
            most: int | None = number
        case RampShape(of="concurrency") as ramp:
            most = math.ceil(max(ramp.start, ramp.to))
        case _:
            most = 1 if scenario == "SingleStream" else None
    given = [number for number in (most, samples) if number is not None]
    return min(given, default=None)


def arrivals_of(shape: LoadShape, timetable: Timetable | None) -> float | None:
    """Requests a second that a shape issues, at its highest; None where answers set the pace, or nobody knows."""
    match shape:
        case RateShape(rate=rate):
            return rate
        case RampShape(of="rate") as ramp:
            return max(ramp.start, ramp.to)
        case SessionsShape(rate=float(begin)) if timetable is not None:
            return begin * len(timetable) / len(timetable.conversations)
        case TraceShape(speed=speed) if timetable is not None:
            lasts_s = int(np.ptp(timetable.arrival_ns)) / 1e9 / speed
            return len(timetable) / lasts_s if lasts_s else None
        case _:
            return None
