"""Estimates as figures of `result.json`, and back."""

from __future__ import annotations

import math

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
        df=estimate.df if math.isfinite(estimate.df) else None,
        shared=estimate.shared,
        n=estimate.n,
        formula=formula,
        source=source,
    )


def estimate_of(known: Figure) -> Estimate:
    """The estimate that a figure was made of; of others, with the error that their interval implies."""
    df = math.inf if known.df is None else known.df
    return from_interval(known.value, known.low, known.high, known.n or 0, df=df, shared=known.shared)
