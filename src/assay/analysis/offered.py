"""What a schedule really brought: a short load's arrivals come to more or fewer than were asked for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assay.analysis.samples import MISSING, Samples
from assay.analysis.statistics import Estimate
from assay.runs.record import RunRecord
from assay.runs.scenarios import is_paced

CARRIED = 0.95
"""The part of what came that is done of a load that is carried, less what is in flight at the end anyway."""
LEAST_TELLING = 0.5
"""A load so short that more than this is in flight at its end tells nothing."""
_FIRST = 3


@dataclass(frozen=True)
class Offered:
    """Arrivals, and the seconds in which they came."""

    count: int
    seconds: float
    timed: bool
    """Whether the load's time ended it; else rates count until the last answer, after the last arrival."""
    unhindered_s: float = 0.0
    """How long an answer takes where it waits for no other: of its first token as the first ones had it, and then to
    its last of the slowest."""

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
    return Offered(
        issued,
        (until_ns - samples.begin_ns) / 1e9,
        timed=samples.until_ns is not None,
        unhindered_s=_unhindered_s(samples),
    )


def _unhindered_s(samples: Samples) -> float:
    known = samples.first_ns != MISSING
    if not known.any():  # then all of it may be the answer itself
        return float(samples.latency_ns.max()) / 1e9
    first = np.median(samples.ttft_ns[known][:_FIRST])
    return float(first + (samples.last_ns - samples.first_ns)[known].max()) / 1e9


def outran(load: Offered | None, done_per_s: Estimate | None) -> bool:
    """Whether more is shown to have come than was done, by more than the answers that were in flight at the end: what
    came waited. By the load alone, with no lower one beside it, as a short one of long answers may seem to."""
    if load is None or done_per_s is None or done_per_s.high is None:
        return False
    least = CARRIED - load.unhindered_s / load.seconds
    return least >= LEAST_TELLING and done_per_s.high / load.per_s < least


def last_arrival_ns(samples: Samples) -> int:
    """When the last of the samples was due."""
    return int(samples.start_ns.max())
