"""Estimates as figures of `result.json`, and back."""

from __future__ import annotations

from assay.analysis.distributions import SOURCE
from assay.analysis.statistics import Estimate, from_interval
from assay.runs.result import Figure


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
    return from_interval(known.value, known.low, known.high, known.n or 0)
