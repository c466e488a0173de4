"""Whether intervals keep their promise: repeated many times on simulated data whose truth is known.

An interval at 95 % is wrong in two ways: it misses the truth too often, or it is so wide that it never could. Both are
measured here, and each test bounds both from both sides.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.stats import expon, norm

from assay.analysis.statistics import Estimate

Interval = tuple[float, float | None, float | None]
"""An estimate with its bounds; None where the data can't give one."""

_NORMAL = 1.959963984540054


@dataclass(frozen=True)
class Calibration:
    """What intervals did over many repetitions."""

    trials: int
    held: float
    """Share of the intervals that held the truth; a missing bound holds everything on its side."""
    too_low: float
    """Share that lay wholly below the truth."""
    too_high: float
    bounded: float
    """Share that had both bounds."""
    width: float
    """Mean width over that of the narrowest interval that could hold 95 % of these estimates (both logarithmic).

    About 1 where much data stands behind each error, more where Student's t has few degrees of freedom.
    """


def calibrate(
    measure: Callable[[np.random.Generator], Interval], truth: float | None, *, trials: int = 600, seed: int = 1
) -> Calibration:
    """Measure again and again. A `truth` of None is the estimates' own centre, for what no formula gives."""
    found = [measure(np.random.default_rng([seed, trial])) for trial in range(trials)]
    logs = np.log([value for value, _, _ in found])
    true = float(logs.mean()) if truth is None else float(np.log(truth))
    lows = np.array([-np.inf if low is None else np.log(low) for _, low, _ in found])
    highs = np.array([np.inf if high is None else np.log(high) for _, _, high in found])
    both = np.isfinite(lows) & np.isfinite(highs)
    width = float((highs[both] - lows[both]).mean() / (2 * _NORMAL * logs.std(ddof=1))) if both.any() else np.inf
    return Calibration(
        trials=trials,
        held=float(((lows <= true) & (true <= highs)).mean()),
        too_low=float((highs < true).mean()),
        too_high=float((lows > true).mean()),
        bounded=float(both.mean()),
        width=width,
    )


def interval(estimate: Estimate) -> Interval:
    return estimate.value, estimate.low, estimate.high


def assert_calibrated(
    found: Calibration,
    held: tuple[float, float] = (0.925, 0.97),
    width: tuple[float, float] = (0.88, 1.15),
    bounded: float = 1.0,
) -> None:
    """The intervals hold the truth as often as they say, and are no wider than that takes.

    An error taken for 0.7 of what it is holds the truth in 83 % of the cases; one taken for 1.3 times makes the width
    1.3. The seeds are fixed, so these bounds don't fail by chance: 600 repetitions tell 95 % to within 1.8 points.
    """
    assert held[0] <= found.held <= held[1], found
    assert width[0] <= found.width <= width[1], found
    assert found.bounded >= bounded, found


def correlated(count: int, correlation: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Exponential values of mean 1 whose neighbours correlate: a Gaussian AR(1) series, transformed."""
    noise = rng.standard_normal(count + 500)
    series = lfilter([1], [1, -correlation], noise)[500:] * math.sqrt(1 - correlation**2)
    values: NDArray[np.float64] = expon.ppf(norm.cdf(series))
    return values
