"""Estimates as figures of `result.json`, and back."""

from __future__ import annotations

import math

from assay.analysis.distributions import SOURCE
from assay.analysis.statistics import Estimate
from assay.runs.result import Figure

_Z = 1.959963984540054


def figure(estimate: Estimate, unit: str, formula: str, source: str = SOURCE) -> Figure:
    """The value with its interval; `source` are files of the run folder."""
    return Figure(
        value=estimate.value,
        unit=unit,
        low=estimate.low,
        high=estimate.high,
        n=estimate.n,
        formula=formula,
        source=source,
    )


def estimate_of(known: Figure) -> Estimate:
    """A figure with the standard error that its interval implies on the logarithm."""
    low, high = known.low, known.high
    se = None if not low or not high else known.value * math.log(high / low) / (2 * _Z)
    return Estimate(known.value, se, n=known.n or 0)
