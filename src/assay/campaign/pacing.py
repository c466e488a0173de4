"""What a run that Assay's pacer drives asks of the client, and how many requests it will send."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from assay.datasets import Dataset, Sample
from assay.errors import UserError
from assay.load.pacer import Timetable
from assay.load.plan import UNLIMITED, PacerPlan
from assay.runs import RunEntry
from assay.runs.shapes import ConcurrencyShape, LoadShape, RampShape, RateShape, TraceShape
from assay.runs.tail_limits import TailLimit


def check_loads(loads: Sequence[LoadShape], dataset: Dataset) -> None:
    """Raises UserError where the data set can't give what a load needs."""
    for shape in loads:
        if isinstance(shape, TraceShape):
            without = sum(sample.arrival_ns is None for sample in dataset.samples)
            if without:
                raise UserError(
                    f"campaign.loads: a trace replays the data set's own times, and {without} of {len(dataset)} "
                    f"samples of {dataset.name} have none: give each a timestamp (ms), or take kind: rate "
                    "(`assay bench`: --rate instead of --trace)"
                )


def timetable_of(samples: Sequence[Sample]) -> Timetable:
    """The samples' own times and conversations, for traces and sessions."""
    return Timetable.of(
        [sample.arrival_ns for sample in samples],
        [sample.session for sample in samples],
        [sample.think_ns for sample in samples],
    )


def pacer_plan(
    entry: RunEntry, seed: int, timetable: Path, limits: tuple[TailLimit, ...] = ()
) -> PacerPlan | None:  # fmt: skip
    """None where LoadGen drives. Repeats have arrivals of their own: their differences are part of the error.

    `limits` are what a shape that is until_sure is tested for.
    """
    if entry.shape is None:
        return None
    return PacerPlan(shape=entry.shape, seed=seed + entry.repeat, timetable=str(timetable), limits=limits)


def window(entry: RunEntry, own: int | None) -> int | None:
    """Most requests in flight at an endpoint; None: found during warm-up, which only LoadGen's scenarios need.

    A fixed concurrency is that of all endpoints together, so each may have all of it. Arrivals come whatever is in
    flight; `own`, the engine's, where it has one, holds them back at the client.
    """
    match entry.shape:
        case None:
            return own
        case ConcurrencyShape(concurrency=places):
            return places
        case RampShape(of="concurrency") as ramp:
            return int(max(ramp.start, ramp.to))
        case _:
            return own or UNLIMITED


def expected_requests(shape: LoadShape, samples: int) -> int | None:
    """How many requests a load will send; None where only its time ends it and answers set its pace."""
    most, lasts_s = shape.most_requests(samples), shape.lasts_s
    if lasts_s is None:
        return most
    match shape:
        case RateShape(rate=rate):
            arrivals = round(rate * lasts_s)
        case RampShape(of="rate") as ramp:
            rising_s = min(lasts_s, ramp.over_s)
            top = ramp.start + (ramp.to - ramp.start) * rising_s / ramp.over_s
            arrivals = round((ramp.start + top) / 2 * rising_s + ramp.to * (lasts_s - rising_s))
        case _:
            return most
    return arrivals if most is None else min(arrivals, most)
