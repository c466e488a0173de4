"""How many of a run's requests broke the limits that a search holds its rate against."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from assay.analysis.goodput import of_limit
from assay.analysis.samples import Samples
from assay.runs.record import RunRecord
from assay.runs.result import LimitKept
from assay.runs.tail_limits import TailLimit
from assay.search import Criterion, Point, Probe, points
from assay.search.trial import settled

Floats = NDArray[np.float64]


def of_limits(samples: Samples | None, issued: int, limits: Sequence[TailLimit]) -> Floats:
    """How much of each limit the requests took, in order of arrival, shape (issued, limits); infinite without an
    answer."""
    found = np.full((issued, len(limits)), np.inf)
    if samples is not None and len(samples):
        for place, limit in enumerate(limits):
            found[samples.sample_id, place] = of_limit(samples, limit.keeps)
    return found


def arrived_s(samples: Samples | None, issued: int) -> Floats:
    """When the requests came, s on the run's clock, in order of arrival; NaN without an answer."""
    found = np.full(issued, np.nan)
    if samples is not None and len(samples):
        found[samples.sample_id] = samples.start_ns / 1e9
    return found


def in_flight(samples: Samples | None) -> Floats:
    """How many others were in flight as each answered request came, in order of arrival."""
    if samples is None:
        return np.zeros(0)
    order = np.argsort(samples.sample_id)
    ended = np.searchsorted(np.sort(samples.done_ns), samples.start_ns[order], side="right")
    return (samples.sample_id[order] - ended).astype(np.float64)


def limits_kept(samples: Samples | None, issued: int, record: RunRecord) -> list[LimitKept]:
    """Each limit of the run's, with the share of the requests that broke it; none where too few were issued."""
    taken = of_limits(samples, issued, record.limits)
    found = [(limit, point_of(taken, place, limit)) for place, limit in enumerate(record.limits)]
    counted = settled(taken)
    return [
        LimitKept(
            limit=limit,
            requests=len(counted),
            over=int((counted[:, place] > 1).sum()),
            share=point.share.value,
            low=point.share.low,
            high=point.share.high,
        )
        for place, (limit, point) in enumerate(found)
        if point is not None
    ]


def point_of(taken: Floats, place: int, limit: TailLimit) -> Point | None:
    """What a run says of the limit in that column, whoever its client was; None where it has too few requests."""
    alone = Probe(rate=1.0, role="bracket", seconds=0.0, of_limits=taken)
    return next(iter(points([alone], place, criterion_of(limit))), None)


def criterion_of(limit: TailLimit) -> Criterion:
    """The limit as a search knows it."""
    return Criterion(limit.title, limit.share)
