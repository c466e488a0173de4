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
from assay.search.evidence import evidence
from assay.search.trial import settled

Floats = NDArray[np.float64]
_TAIL = 0.025


def of_limits(samples: Samples | None, issued: int, limits: Sequence[TailLimit]) -> Floats:
    """How much of each limit the requests took, in order of arrival, shape (issued, limits); infinite without an
    answer."""
    found = np.full((issued, len(limits)), np.inf)
    if samples is not None and len(samples):
        for place, limit in enumerate(limits):
            found[samples.sample_id, place] = of_limit(samples, limit.keeps)
    return found


def counted(taken: Floats, record: RunRecord) -> Floats:
    """The requests that count: all that LoadGen issued, as its rules have it; of the pacer's without those in which an
    idle server fills."""
    return taken if record.driver == "loadgen" else settled(taken)


def limits_kept(samples: Samples | None, issued: int, record: RunRecord) -> list[LimitKept]:
    """Each limit of the run's, with the share of the requests that broke it; none where nothing was issued."""
    taken = counted(of_limits(samples, issued, record.limits), record)
    if not len(taken):
        return []
    return [_kept(taken[:, place], limit) for place, limit in enumerate(record.limits)]


def _kept(taken: Floats, limit: TailLimit) -> LimitKept:
    over = int((taken > 1).sum())
    low, high = share_interval(taken)
    return LimitKept(limit=limit, requests=len(taken), over=over, share=over / len(taken), low=low, high=high)


def share_interval(taken: Floats) -> tuple[float, float]:
    """The 95 % interval (Clopper and Pearson's) of the share over a limit, of as many requests as these are worth."""
    from scipy.special import betaincinv

    worth = evidence(taken)
    overs, rest = worth.overs, max(0.0, worth.requests - worth.overs)
    low = float(betaincinv(overs, rest + 1, _TAIL)) if overs else 0.0
    high = float(betaincinv(overs + 1, rest, 1 - _TAIL)) if rest else 1.0
    return low, high
