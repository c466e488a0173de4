"""Estimates with 95 % intervals that allow for autocorrelation: rates, ratios and percentiles.

Neighbouring samples share a batch and a moment, so they aren't independent. Every interval here is computed
from blocks of neighbours (the variance of the circular block bootstrap; Politis and Romano 1992), with the block
length chosen from the series itself (Politis and White 2004, corrected by Patton, Politis and White 2009).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Number = TypeVar("Number", int, float)

CONFIDENCE = 0.95
_MOST_CELLS = 8192
_FEWEST_BLOCKS = 5
_AGREEING = 0.1
"""Of three runs that differ by their own noise alone, one set in a hundred spreads by less than this part of it."""


@dataclass(frozen=True)
class Estimate:
    """A positive quantity with its standard error and the degrees of freedom behind that error.

    The interval is Student's t on the logarithm: rates and ratios are positive and skewed. A standard error of
    None means that the data can't give one, and then there is no interval.
    """

    value: float
    se: float | None
    df: float = math.inf
    n: int = 0
    shared: float = 0.0
    """Standard error that repeats of this measurement have in common, so that their spread doesn't show it."""
    known: float = 0.0
    """Standard error of a known size beside `se`: no freedom is short of it, and so it lends `se` none."""

    @property
    def interval(self) -> tuple[float, float] | None:
        return self.interval_at(CONFIDENCE)

    def interval_at(self, confidence: float) -> tuple[float, float] | None:
        """The interval at another confidence, for several comparisons at once."""
        reach = self.reach(confidence)
        if reach is None or self.value <= 0 or not math.isfinite(self.value):
            return None
        reach /= self.value
        if reach > 50:  # e^50: nothing is known
            return None
        return self.value * math.exp(-reach), self.value * math.exp(reach)

    def reach(self, confidence: float = CONFIDENCE) -> float | None:
        """How far the truth may lie from the value, in its unit; for what may be negative, such as a logarithm."""
        if self.se is None:
            return None
        return math.hypot(_student_t(self.df, confidence) * self.se, _student_t(math.inf, confidence) * self.known)

    @property
    def low(self) -> float | None:
        return None if self.interval is None else self.interval[0]

    @property
    def high(self) -> float | None:
        return None if self.interval is None else self.interval[1]

    def scaled(self, factor: float) -> Estimate:
        """The same quantity in another unit."""
        se = None if self.se is None else self.se * factor
        return Estimate(self.value * factor, se, self.df, self.n, self.shared * factor, self.known * factor)


def from_interval(
    value: float, low: float | None, high: float | None, n: int = 0, *, df: float = math.inf, shared: float = 0.0
) -> Estimate:
    """The estimate whose 95 % interval these ends are, on the logarithm; without both ends it has no error."""
    if low is None or high is None or low <= 0:
        return Estimate(value, None, df, n, shared)
    return Estimate(value, value * math.log(high / low) / (2 * _student_t(df, CONFIDENCE)), df, n, shared)


def total(parts: Sequence[Estimate]) -> Estimate:
    """The sum of independent estimates (Welch-Satterthwaite degrees of freedom)."""
    value = sum(part.value for part in parts)
    count = sum(part.n for part in parts)
    if any(part.se is None for part in parts):
        return Estimate(value, None, n=count)
    variances = [(part.se or 0.0) ** 2 for part in parts]
    df, known = _satterthwaite(variances, [part.df for part in parts]), math.hypot(*(part.known for part in parts))
    return Estimate(value, math.sqrt(sum(variances)), df, count, known=known)


def ratio(top: Estimate, bottom: Estimate) -> Estimate:
    """The ratio of two independent estimates (delta method on the logarithm)."""
    if bottom.value <= 0 or top.value <= 0:
        return Estimate(math.nan, None)
    value = top.value / bottom.value
    if top.se is None or bottom.se is None:
        return Estimate(value, None, n=min(top.n, bottom.n))
    variances = [(top.se / top.value) ** 2, (bottom.se / bottom.value) ** 2]
    df = _satterthwaite(variances, [top.df, bottom.df])
    known = value * math.hypot(top.known / top.value, bottom.known / bottom.value)
    return Estimate(value, value * math.sqrt(sum(variances)), df, min(top.n, bottom.n), known=known)


def over_repeats(repeats: Sequence[Estimate]) -> Estimate:
    """The mean of one quantity over repeated runs.

    The spread between runs gives the error (it holds the spread within them). The errors within the runs give it where
    runs agree far closer than that noise lets them, as few whole counts do; and of two runs, whose spread is often
    small by chance, where they give the wider interval. Runs that differ more than their own noise explains are the
    rule, so a single run's interval says nothing of the next run. What the repeats share, more of them don't average
    out: it is an error of its own, so that the interval is never narrower than the spread would make it.
    """
    count = len(repeats)
    value = sum(r.value for r in repeats) / count
    samples = sum(r.n for r in repeats)
    shared = max(r.shared for r in repeats)
    whole = total(repeats)
    within = Estimate(value, None if whole.se is None else whole.se / count, whole.df, samples, known=shared)
    if count < 2:
        return within
    spread = math.sqrt(sum((r.value - value) ** 2 for r in repeats) / (count - 1))
    if spread <= _AGREEING * (within.se or 0.0) * math.sqrt(count):
        return within
    between = Estimate(value, spread / math.sqrt(count), float(count - 1), samples, known=shared)
    return max(between, within, key=lambda one: one.reach() or 0.0) if count == 2 else between


def mean(values: Floats) -> Estimate:
    """The mean of a series in time order."""
    return ratio_of_sums(np.asarray(values, dtype=np.float64), np.ones(len(values)))


def ratio_of_sums(tops: Floats, bottoms: Floats) -> Estimate:
    """Σ tops ÷ Σ bottoms of a series in time order, with a block-bootstrap standard error."""
    count = len(tops)
    if count == 0 or bottoms.sum() <= 0:
        return Estimate(math.nan, None)
    value = float(tops.sum() / bottoms.sum())
    if count < 2 * _FEWEST_BLOCKS:
        return Estimate(value, None, n=count)
    cells_top, cells_bottom = _cells(tops), _cells(bottoms)
    errors = cells_top - value * cells_bottom
    length, long_run = _dependence(errors)
    blocks = max(_FEWEST_BLOCKS, round(len(errors) / length))
    # What resampling blocks for ever would give, for the ratio to first order: no random numbers are needed. Blocks
    # of a short series miss correlations across their edges, which the lag-window estimate holds; the larger is taken.
    resampled = float((_block_sums(errors, length) ** 2).mean()) / length**2 / blocks
    variance = max(resampled, long_run / len(errors))
    return Estimate(value, math.sqrt(variance) / float(cells_bottom.mean()), blocks - 1, count)


def block_length(series: Floats) -> int:
    """The block length that minimises the error of the variance of the mean (Politis and White 2004).

    Between 1 and a fifth of the series, so that there are always blocks to resample.
    """
    return _dependence(series)[0]


def _dependence(series: Floats) -> tuple[int, float]:
    """The block length, and the long-run variance by a flat-top lag window (Politis and Romano 1995)."""
    count = len(series)
    most = max(1, min(math.ceil(3 * math.sqrt(count)), count // _FEWEST_BLOCKS))
    centred = series - series.mean()
    variance = float(centred @ centred) / count
    if variance <= 0 or count < 10:
        return 1, 0.0
    window = max(5, math.ceil(math.sqrt(math.log10(count))))
    lags = min(count - 1, math.ceil(math.sqrt(count)) + window)
    spectrum = np.abs(np.fft.rfft(centred, 2 * count)) ** 2
    covariance = np.fft.irfft(spectrum)[: lags + 1] / count
    small = np.abs(covariance[1:] / variance) < 2 * math.sqrt(math.log10(count) / count)
    first = next((m for m in range(len(small)) if small[m : m + window].all()), len(small))
    reach = min(max(2 * first, 1), lags)
    k = np.arange(1, reach + 1)
    taper = np.clip(2 * (1 - k / reach), 0, 1)  # flat-top lag window
    long_run = variance + 2 * float(taper @ covariance[1 : reach + 1])
    slope = 2 * float((taper * k) @ covariance[1 : reach + 1])
    if long_run <= 0:
        return most, 0.0
    best = (1.5 * (slope / long_run) ** 2 * count) ** (1 / 3)
    return int(min(max(1, math.ceil(best)), most)), long_run


def nearest_rank(ordered: NDArray[np.int64], share: float) -> int:
    """LoadGen's percentile: the element at index ⌊n·share⌋ of the sorted values (results.cc)."""
    return int(ordered[min(len(ordered) - 1, math.floor(len(ordered) * share))])


def percentile_interval(in_time: Ints, ordered: Ints, share: float) -> tuple[int | None, int | None]:
    """A 95 % interval for a percentile: order statistics with the effective number of samples.

    The exact binomial ranks assume independent samples. The number of samples is therefore divided by the ratio
    of the variance of "at or below the percentile" over blocks of neighbours to its binomial variance (Woodruff
    1952 with the variance of dependent data). A side that the samples can't bound is None.

    Args:
        in_time: the values, ns, in the order of time.
        ordered: the same, sorted.
        share: 0.99 for the 99th percentile.
    """
    from scipy.special import betaincinv  # scipy.stats would do, and takes a second to import

    count = len(ordered)
    if count < 2 * _FEWEST_BLOCKS:
        return None, None
    effective = _effective_count((in_time <= nearest_rank(ordered, share)).astype(np.float64))
    # Clopper-Pearson with a real-valued number of samples, then back to ranks of the sorted values.
    hits = share * effective
    low = float(betaincinv(hits, effective - hits + 1, (1 - CONFIDENCE) / 2))
    high = float(betaincinv(hits + 1, effective - hits, (1 + CONFIDENCE) / 2))
    bounded_below = (1 - share) ** effective <= (1 - CONFIDENCE) / 2
    bounded_above = _bounds_above(share, effective)
    lower = int(ordered[max(0, math.floor(low * count) - 1)]) if bounded_below else None
    upper = int(ordered[min(count - 1, math.ceil(high * count))]) if bounded_above else None
    return lower, upper


def samples_to_bound(share: float) -> int:
    """The fewest samples that give a percentile's interval an upper end, where all are independent."""
    return next(count for count in itertools.count(2 * _FEWEST_BLOCKS) if _bounds_above(share, count))


def _bounds_above(share: float, effective: float) -> bool:
    """Whether the largest of so many independent samples is rarely below the percentile."""
    return bool(share**effective <= (1 - CONFIDENCE) / 2)


def percentile_intervals(in_time: Ints, ordered: Ints, shares: Sequence[float]) -> list[tuple[int | None, int | None]]:
    """`percentile_interval` of each of `shares`, which rise, cut `in_order`."""
    return in_order([percentile_interval(in_time, ordered, share) for share in shares])


def in_order(intervals: Sequence[tuple[Number | None, Number | None]]) -> list[tuple[Number | None, Number | None]]:
    """Intervals of rising percentiles of one quantity, each cut at its neighbours'.

    A percentile is no less than any lower one, and so not below the lower ends of theirs; nor is it above the upper
    ends of the higher ones'. None is an open side, which a neighbour's end closes.
    """
    lows = accumulate((low for low, _ in intervals), _greater)
    highs = list(accumulate((high for _, high in reversed(intervals)), _lesser))
    return list(zip(lows, reversed(highs), strict=True))


def _greater(one: Number | None, other: Number | None) -> Number | None:
    return one if other is None else other if one is None else max(one, other)


def _lesser(one: Number | None, other: Number | None) -> Number | None:
    return one if other is None else other if one is None else min(one, other)


def share_interval(kept: Floats) -> tuple[float, float] | None:
    """A 95 % interval for the share of ones in a series of zeros and ones in time order; None for too few.

    Clopper-Pearson (1934) with the effective number of samples, so that all good of few is not called sure.
    """
    from scipy.special import betaincinv

    count = len(kept)
    if count < 2 * _FEWEST_BLOCKS:
        return None
    effective = _effective_count(kept)
    hits = float(kept.mean()) * effective
    misses = effective - hits
    tail = (1 - CONFIDENCE) / 2
    low = float(betaincinv(hits, misses + 1, tail)) if hits > 0 else 0.0
    high = float(betaincinv(hits + 1, misses, 1 - tail)) if misses > 0 else 1.0
    return low, high


def _effective_count(hits: Floats) -> float:
    """How many independent samples say as much of a share as these: neighbours that agree count for less."""
    count = len(hits)
    measured = float(hits.mean())
    spread = ratio_of_sums(hits, np.ones(count)).se or 0.0
    independent = measured * (1 - measured) / count
    return count if independent <= 0 else count / max(1.0, spread**2 / independent)


def _cells(series: Floats) -> Floats:
    """Sums of equal runs of neighbours, so that a long series costs no more than a short one."""
    size = math.ceil(len(series) / _MOST_CELLS)
    if size == 1:
        return series
    sums: Floats = np.add.reduceat(series, np.arange(0, len(series), size))
    return sums


def _block_sums(series: Floats, length: int) -> Floats:
    """For each start, the sum of `length` neighbours; the series is closed to a circle."""
    sums: Floats = np.concatenate([[0.0], np.cumsum(np.concatenate([series, series[:length]]))])
    blocks: Floats = sums[length : length + len(series)] - sums[: len(series)]
    return blocks


def _satterthwaite(variances: Sequence[float], dfs: Sequence[float]) -> float:
    whole = sum(variances)
    parts = sum(v**2 / df for v, df in zip(variances, dfs, strict=True))
    return math.inf if parts == 0 else whole**2 / parts


def _student_t(df: float, confidence: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(min(df, 1e9), (1 + confidence) / 2))
