"""How many requests at once a warm-up sends to an endpoint: as many as the run will have in flight there."""

from __future__ import annotations

import math
from dataclasses import dataclass

from assay.load.outlook import arrivals_per_s
from assay.load.plan import LoadPlan
from assay.runs.shapes import ConcurrencyShape, RampShape, SessionsShape, TraceShape

LARGEST_WINDOW = 512
_UNTIMED = 8


@dataclass(frozen=True)
class Alone:
    """One request that ran alone: what the number in flight of a load with given arrivals is worked out from."""

    ttft_ns: int
    tpot_ns: int

    def latency_s(self, tokens: int) -> float:
        """How long an answer of so many tokens takes at least."""
        return (self.ttft_ns + tokens * self.tpot_ns) / 1e9


def places(plan: LoadPlan, window: int, alone: Alone | None) -> int:
    """Requests at once for one endpoint of `plan`, whose window is known."""
    if plan.mode == "accuracy":  # nothing is timed
        return min(window, _UNTIMED, -(-plan.samples // len(plan.endpoints)))
    if plan.loadgen is None:
        return max(1, min(window, _of_shape(plan, alone)))
    if plan.scenario == "SingleStream":
        return 1
    issued = window if plan.loadgen.official else -(-(plan.loadgen.queries or plan.samples) // len(plan.endpoints))
    return min(window, issued)


def largest_window(plan: LoadPlan) -> int:
    """Beyond it nothing is looked for: a run that has fewer samples can't fill it."""
    if plan.loadgen is None or plan.loadgen.official:
        return LARGEST_WINDOW
    return min(LARGEST_WINDOW, -(-max(plan.samples, plan.loadgen.queries or 0) // len(plan.endpoints)))


def _of_shape(plan: LoadPlan, alone: Alone | None) -> int:
    """An endpoint's share of a pacer's load; by Little's law where arrivals are given, with the latency of a request
    alone: the true one is longer, so twice as many."""
    assert plan.pacer is not None
    match plan.pacer.shape:
        case ConcurrencyShape(concurrency=number):
            return -(-number // len(plan.endpoints))
        case RampShape(of="concurrency") as ramp:
            return -(-math.ceil(max(ramp.start, ramp.to)) // len(plan.endpoints))
        case RampShape() as ramp:
            rate = max(ramp.start, ramp.to)
        case SessionsShape(concurrency=int(number)):
            return -(-number // len(plan.endpoints))
        case SessionsShape(rate=rate_or_none):
            rate = rate_or_none or 0.0
        case TraceShape():
            return _UNTIMED  # its times are the data set's
        case _:
            rate = arrivals_per_s(plan) or 0.0
    latency_s = alone.latency_s(plan.max_tokens) if alone else 0.0
    return min(LARGEST_WINDOW, math.ceil(2 * rate * latency_s / len(plan.endpoints)))
