"""Across probes: the rate at which the share over a limit is what is allowed, and how sure that is.

Few requests are over a limit at the rate that is sought, and those come in clusters; how often lower levels are
exceeded is known far better. So one logistic regression takes several levels at once,

    logit P(measure > level) = a + b · log(rate) + c · log(level),

over the levels that about as many requests exceed as may, and some times as many; the rate sought is where it is what
is allowed at the limit itself. Its error comes from blocks of neighbouring requests (the sandwich estimator with blocks
as clusters; Liang and Zeger 1986), so clusters of overs and the levels' common requests count once. It holds locally:
probes far from the rate are left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.search.criteria import Criterion, Floats
from assay.search.history import Probe
from assay.search.trial import settled

Ints = NDArray[np.int64]

_TIMES_ALLOWED = (10.0, 5.0, 2.5, 1.0)
_MOST_EXCEED = 0.5
_BLOCK = 1000
_FEWEST_BLOCKS = 8
_NEAR = 0.15
_SLOPE, _SLOPE_SD = 40.0, 30.0
"""What is thought of b before anything is measured: a percent of rate more, a third to a half more are over."""
_DISPERSION = 100.0
"""How many requests say as much as an independent one, for the weight of what is thought before."""
_ROUNDS = 50


@dataclass(frozen=True)
class Limit:
    """Where one criterion breaks; the error is that of the logarithm."""

    rate: float
    error: float
    slope: float
    """By how many times e the odds of being over grow as the rate grows by e."""
    name: str

    def at(self, errors: float) -> float:
        """The rate so many standard errors away."""
        return self.rate * math.exp(errors * self.error)


def limit_of(probes: Sequence[Probe], criteria: tuple[Criterion, ...], centre: float) -> Limit | None:
    """Where the first criterion breaks, from the probes near `centre`, a rate; None where they tell too little."""
    near = [probe for probe in probes if abs(math.log(probe.rate / centre)) <= _NEAR and len(probe.of_limits)]
    found = [_limit(near, place, criterion, centre) for place, criterion in enumerate(criteria)]
    return min((each for each in found if each is not None), key=lambda limit: limit.rate, default=None)


def _limit(probes: Sequence[Probe], place: int, criterion: Criterion, centre: float) -> Limit | None:
    series = [np.maximum(settled(probe.of_limits)[:, place], 1e-9) for probe in probes]
    rates = [math.log(probe.rate / centre) for probe in probes]
    if sum(len(each) // _BLOCK for each in series) < _FEWEST_BLOCKS:
        return None
    levels = _levels(np.concatenate(series), criterion.allowed)
    known, exceeded, sizes, blocks = _counts(series, rates, levels)
    start = np.array([math.log(criterion.allowed / (1 - criterion.allowed)), _SLOPE, -4.0])
    fitted = _fit(known, exceeded, sizes, blocks, start)
    if fitted is None:
        return None
    (a, b, _), covariance = fitted
    if b <= 0:
        return None
    shift = (start[0] - a) / b
    gradient = np.array([-1 / b, -shift / b, 0.0])
    error = math.sqrt(float(gradient @ covariance @ gradient))
    return Limit(centre * math.exp(min(shift, 5.0)), error, float(b), criterion.name)


def _levels(values: Floats, allowed: float) -> Floats:
    """Of the measure over its limit; never infinite, whatever share of the requests failed."""
    shares = sorted({min(_MOST_EXCEED, times * allowed) for times in _TIMES_ALLOWED}, reverse=True)
    levels: Floats = np.quantile(np.minimum(values, 1e3), [1 - share for share in shares])
    return np.unique(levels)


def _counts(series: Sequence[Floats], rates: Sequence[float], levels: Floats) -> tuple[Floats, Floats, Floats, Ints]:
    """For each block and level: what is known of it (1, log rate, log level), exceedances, requests, the block."""
    known, exceeded, sizes = [], [], []
    numbers: list[NDArray[np.int64]] = []
    for values, rate in zip(series, rates, strict=True):
        for block in np.array_split(values, max(1, len(values) // _BLOCK)):
            known.append(np.column_stack([np.ones(len(levels)), np.full(len(levels), rate), np.log(levels)]))
            exceeded.append((block[:, None] > levels).sum(axis=0))
            sizes.append(np.full(len(levels), len(block)))
            numbers.append(np.full(len(levels), len(numbers)))
    return np.vstack(known), np.concatenate(exceeded).astype(float), np.concatenate(sizes), np.concatenate(numbers)


def _fit(known: Floats, exceeded: Floats, sizes: Floats, blocks: Ints, start: Floats) -> tuple[Floats, Floats] | None:
    """The coefficients by Newton's method with a normal prior on the slope, and their covariance over blocks."""
    from scipy.special import expit

    prior = np.array([0.0, 1 / _SLOPE_SD**2, 0.0])
    at = start.copy()
    for _ in range(_ROUNDS):
        chance = expit(known @ at)
        weight = sizes * chance * (1 - chance) / _DISPERSION
        curvature = (known.T * weight) @ known + np.diag(prior) + 1e-9 * np.eye(3)
        score = known.T @ (exceeded - sizes * chance) / _DISPERSION - prior * (at - start)
        step = np.linalg.solve(curvature, score)
        step *= min(1.0, 3 / float(np.abs(step / np.array([1.0, 30.0, 1.0])).max()))
        at = at + step
        if np.abs(step).max() < 1e-8:
            break
    else:
        return None
    inverse = np.linalg.inv(curvature)
    scores = np.zeros((int(blocks.max()) + 1, 3))
    np.add.at(scores, blocks, known * (exceeded - sizes * chance)[:, None] / _DISPERSION)
    correction = len(scores) / max(1, len(scores) - 3)
    covariance: Floats = inverse @ (correction * scores.T @ scores + np.diag(prior)) @ inverse
    return at, covariance
