"""What a schedule really brought: a short load's arrivals come to more or fewer than were asked for."""

from __future__ import annotations

from dataclasses import dataclass

from assay.analysis.samples import Samples
from assay.runs.record import RunRecord
from assay.runs.scenarios import is_paced


@dataclass(frozen=True)
class Offered:
    """Arrivals, and the seconds in which they came."""

    count: int
    seconds: float
    timed: bool
    """Whether the load's time ended it; else rates count until the last answer, after the last arrival."""

    @property
    def per_s(self) -> float:
        return self.count / self.seconds


def offered(samples: Samples | None, record: RunRecord, issued: int) -> Offered | None:
    """What arrived in the load's time, or until the last arrival where its time didn't end it; None without a
    schedule, or where all came at once."""
    if samples is None or not len(samples) or not is_paced(record.scenario):
        return None
    until_ns = last_arrival_ns(samples) if samples.until_ns is None else samples.until_ns
    if until_ns <= samples.begin_ns:
        return None
    return Offered(issued, (until_ns - samples.begin_ns) / 1e9, timed=samples.until_ns is not None)


def last_arrival_ns(samples: Samples) -> int:
    """When the last of the samples was due."""
    return int(samples.start_ns.max())
