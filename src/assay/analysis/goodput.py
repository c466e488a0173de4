"""Goodput: answers that keep the limits, a second and as a share of all that were asked for (DistServe, OSDI 2024)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from assay.analysis.rates import throughput
from assay.analysis.samples import Samples
from assay.analysis.statistics import Estimate, share_interval
from assay.runs.slo import Slo

OF_ISSUED = "of issued samples"
"""The unit of a good share."""


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


def goodput(samples: Samples, slo: Slo) -> Estimate:
    """Good answers a second, over the same time as the rate of all; exactly 0 where none is good."""
    kept = good(samples, slo).astype(np.float64)
    if not kept.any():
        return Estimate(0.0, None, n=len(samples))
    return throughput(samples, samples.begin_ns, kept)


def good_share(samples: Samples, slo: Slo, issued: int) -> Share:
    """Good answers over all samples issued: one that failed isn't good."""
    kept = good(samples, slo).astype(np.float64)
    of_all = np.concatenate([kept, np.zeros(max(0, issued - len(samples)))])
    low, high = share_interval(of_all) or (None, None)
    return Share(float(of_all.mean()) if len(of_all) else 0.0, low, high)
