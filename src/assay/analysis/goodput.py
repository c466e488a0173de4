"""Goodput: answers that keep the limits, a second and as a share of all that were asked for (DistServe, OSDI 2024)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from assay.analysis.rates import throughput
from assay.analysis.samples import Samples
from assay.analysis.statistics import Estimate, over_repeats, share_interval
from assay.runs.record import RunRecord
from assay.runs.shapes import ConcurrencyShape
from assay.runs.slo import Slo

OF_ISSUED = "of issued samples"
"""The unit of a good share."""
STARTED_GOOD = "The start makes goodput"
"""How the notice of it begins."""
_FROM_START = 0.01


class Share(NamedTuple):
    """A share from 0 to 1 with its 95 % interval."""

    value: float
    low: float | None
    high: float | None


def good(samples: Samples, slo: Slo) -> NDArray[np.bool_]:
    """Which samples keep every limit, shape (n,)."""
    return of_limit(samples, slo) <= 1


def of_limit(samples: Samples, slo: Slo) -> NDArray[np.float64]:
    """How much of its limit each sample took, the most where there are several, shape (n,)."""
    tpot_ns = np.zeros(len(samples), dtype=np.int64)
    tpot_ns[samples.has_tpot] = samples.tpot_ns
    return slo.of_limit({"ttft": samples.ttft_ns, "tpot": tpot_ns, "latency": samples.latency_ns})


def goodput(samples: Samples, slo: Slo, timing_error_ns: float = 0.0) -> Estimate:
    """Good answers a second, over the same time as the rate of all; exactly 0 where none is good."""
    kept = good(samples, slo).astype(np.float64)
    if not kept.any():
        return Estimate(0.0, None, n=len(samples))
    return throughput(samples, samples.begin_ns, kept, timing_error_ns)


def good_share(samples: Samples, slo: Slo, issued: int) -> Share:
    """Good answers over all samples issued: one that failed isn't good."""
    kept = good(samples, slo).astype(np.float64)
    of_all = np.concatenate([kept, np.zeros(max(0, issued - len(samples)))])
    low, high = share_interval(of_all) or (None, None)
    return Share(float(of_all.mean()) if len(of_all) else 0.0, low, high)


def from_start(samples: Samples, record: RunRecord) -> str:
    """How many of the first answers are good, whose requests an idle server got at once, and how many of the later.

    With a fixed number in flight these are as many as are in flight. Empty where they don't make goodput that later
    ones don't, by a percent of all answers, or there are no others.
    """
    if record.slo is None or not isinstance(record.shape, ConcurrencyShape) or len(samples) <= record.shape.concurrency:
        return ""
    kept = good(samples, record.slo)[np.argsort(samples.sent_ns, kind="stable")]
    first, later = np.split(kept, [record.shape.concurrency])
    if kept.mean() - later.mean() < _FROM_START:
        return ""
    return (
        f"{int(first.sum()):,} of the first {len(first):,} answers, whose requests found an idle server, keep the "
        f"limits, and {int(later.sum()):,} of the later {len(later):,}"
    )


def share_over(shares: Sequence[Share], counts: Sequence[int]) -> Share:
    """A share over repeats of `counts` samples each: their counts together.

    Each side reaches as far as the errors within the runs, or as the spread between them, whichever is more:
    runs that are all good, or that agree, leave no less doubt than their samples do. None where a run has no interval.
    """
    whole = sum(counts)
    value = sum(share.value * count for share, count in zip(shares, counts, strict=True)) / whole
    between = over_repeats([Estimate(share.value, None) for share in shares]).reach() or 0.0
    below, above = [], []
    for share, count in zip(shares, counts, strict=True):
        if share.low is None or share.high is None:
            return Share(value, None, None)
        below.append(count / whole * (share.value - share.low))
        above.append(count / whole * (share.high - share.value))
    low, high = (max(between, math.hypot(*reaches)) for reaches in (below, above))
    return Share(value, max(0.0, value - low), min(1.0, value + high))
