"""Across probes: the rate at which the share over a limit is what is allowed, and how sure that is.

Few requests are over a limit at the rate that is sought, and those come in clusters; how often lower levels are
exceeded is known far better. So one logistic regression takes several levels at once,

    logit P(measure > level) = a + b · x + c · log(level) + d · x · log(level),    x = log(rate),

over the levels that about as many requests exceed as may, and some times as many; the rate sought is where it is what
is allowed at the limit itself (level 1). It holds locally: probes far from the rate are left out. Its error comes from
blocks of neighbouring requests (the sandwich estimator with blocks as clusters; Liang and Zeger 1986), so clusters of
overs, and requests that exceed several levels, count once.
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

_TIMES_ALLOWED = (15.0, 7.5, 3.75, 2.0, 1.0)
_MOST_EXCEED = 0.2
_FEWEST_LEVELS = 3
_BLOCKS, _FEWEST_BLOCKS = 24, 7
_BLOCK = (40, 600)
"""The shortest and the longest block, requests."""
_NEAR = 0.12
_SLOPE, _SLOPE_SD = math.log(40.0), 0.5
"""What is thought of log b before anything is measured: with a percent of rate, 30 to 100 % more are over a limit."""
_BEND_SD = 40.0
_DISPERSION = 300.0
"""How many requests say as much as an independent one, until it is measured."""
_FORM = 0.004
"""How far the rate is off because no server's latencies follow the formula; what benchmarks/tune.py's servers show."""
_SAYS_NOTHING = 1.0
"""A standard error of the logarithm."""
_ROUNDS = 60


@dataclass(frozen=True)
class Limit:
    """Where one criterion breaks; the error is that of the logarithm."""

    rate: float
    error: float
    slope: float
    """By how many percent the odds of being over grow with each percent of rate."""
    name: str

    def at(self, errors: float) -> float:
        """The rate so many standard errors away."""
        return self.rate * math.exp(errors * self.error)


def limit_of(probes: Sequence[Probe], criteria: tuple[Criterion, ...], centre: float) -> Limit | None:
    """Where the first criterion breaks, from the probes near `centre`, a rate; None where they tell too little."""
    fits = [(fit_of(probes, place, criterion, centre), criterion.name) for place, criterion in enumerate(criteria)]
    found = [fit.limit(centre, name) for fit, name in fits if fit is not None]
    return min((limit for limit in found if limit.error < _SAYS_NOTHING), key=lambda limit: limit.rate, default=None)


def fit_of(probes: Sequence[Probe], place: int, criterion: Criterion, centre: float) -> Fit | None:
    """Of the criterion in column `place`.

    Where a queue grows, latencies say how long the probe was, so those at a hopeless rate are left out.
    """
    near = [probe for probe in probes if abs(math.log(probe.rate / centre)) <= _NEAR and len(probe.of_limits)]
    near = [probe for probe in near if (probe.of_limits[:, place] > 1).mean() <= criterion.hopeless]
    series = [settled(probe.of_limits)[:, place] for probe in near]
    block = int(np.clip(sum(map(len, series)) // _BLOCKS, *_BLOCK))
    if sum(len(each) // block for each in series) < _FEWEST_BLOCKS:
        return None
    rates = [math.log((probe.came or probe.rate) / centre) for probe in near]
    counts = _Counts.of(series, rates, criterion.allowed, block)
    return Fit(counts, criterion.allowed)


@dataclass(frozen=True)
class _Counts:
    """One row for each block of neighbours and level."""

    x: Floats
    """The logarithm of the rate over the centre's."""
    level: Floats
    """The logarithm of the measure over its limit."""
    exceeded: Floats
    requests: Floats
    block: Ints

    @staticmethod
    def of(series: Sequence[Floats], rates: Sequence[float], allowed: float, length: int) -> _Counts:
        levels = _levels(np.concatenate(series), allowed)
        blocks = [
            (rate, block)
            for values, rate in zip(series, rates, strict=True)
            for block in np.array_split(values, max(1, len(values) // length))
        ]
        exceeded = np.array([(block[:, None] > levels).sum(axis=0) for _, block in blocks], dtype=np.float64)
        return _Counts(
            x=np.repeat([rate for rate, _ in blocks], len(levels)),
            level=np.tile(np.log(levels), len(blocks)),
            exceeded=exceeded.ravel(),
            requests=np.repeat([float(len(block)) for _, block in blocks], len(levels)),
            block=np.repeat(np.arange(len(blocks)), len(levels)),
        )


def _levels(values: Floats, allowed: float) -> Floats:
    """Of the measure over its limit; never infinite, whatever share of the requests failed."""
    shares = {min(max(_MOST_EXCEED, allowed), times * allowed) for times in _TIMES_ALLOWED}
    if len(shares) < _FEWEST_LEVELS:
        shares |= {allowed / 2, allowed / 4}
    levels: Floats = np.quantile(np.clip(values, 1e-6, 1e3), [1 - share for share in shares])
    return np.unique(levels)


class Fit:
    """Penalised maximum likelihood by Newton's method, with log b instead of b so that b is positive."""

    def __init__(self, counts: _Counts, allowed: float) -> None:
        self._counts = counts
        self._allowed = math.log(allowed / (1 - allowed))
        self._before = np.array([self._allowed, _SLOPE, -4.0, 0.0])
        self._weights = np.array([1e-9, 1 / _SLOPE_SD**2, 1e-9, 1 / _BEND_SD**2])
        """Of what is thought before; the intercept and the levels' coefficient are free."""
        self._dispersion = _DISPERSION
        self._at = self._climbed(self._before)
        inverse, blocks = self._information()
        self._dispersion = max(1.0, float(np.trace(inverse @ blocks)) / len(self._at))
        self._at = self._climbed(self._at)

    def limit(self, centre: float, name: str) -> Limit:
        a, log_slope, *_ = self._at
        slope = math.exp(log_slope)
        shift = (self._allowed - a) / slope
        error = math.hypot(self._error(np.array([-1 / slope, -shift, 0.0, 0.0])), _FORM)
        return Limit(centre * math.exp(float(np.clip(shift, -3, 3))), error, slope, name)

    def log_odds(self, x: float) -> tuple[float, float]:
        """Of being over the limit at a rate, with its standard error; `x` is log(rate ÷ centre)."""
        a, log_slope, *_ = self._at
        slope = math.exp(log_slope)
        return float(a + slope * x), self._error(np.array([1.0, slope * x, 0.0, 0.0]))

    def log_level(self, x: float) -> tuple[float, float]:
        """Of the level that as many exceed as may be over the limit, with its standard error."""
        a, log_slope, c, d = self._at
        slope, falls = math.exp(log_slope), c + d * x
        level = (self._allowed - a - slope * x) / falls
        return float(level), self._error(np.array([-1.0, -slope * x, -level, -level * x]) / falls)

    def _error(self, gradient: Floats) -> float:
        return math.sqrt(float(gradient @ self._covariance() @ gradient))

    def _log_odds(self, at: Floats) -> Floats:
        counts = self._counts
        odds: Floats = at[0] + math.exp(at[1]) * counts.x + at[2] * counts.level + at[3] * counts.x * counts.level
        return odds

    def _known(self, at: Floats) -> Floats:
        """The derivative of the log odds for each coefficient."""
        counts = self._counts
        ones = np.ones(len(counts.x))
        return np.column_stack([ones, math.exp(at[1]) * counts.x, counts.level, counts.x * counts.level])

    def _height(self, at: Floats) -> float:
        odds, counts = self._log_odds(at), self._counts
        likelihood = counts.exceeded * -np.logaddexp(0, -odds)
        likelihood += (counts.requests - counts.exceeded) * -np.logaddexp(0, odds)
        return float(likelihood.sum() / self._dispersion - (self._weights * (at - self._before) ** 2).sum() / 2)

    def _climbed(self, at: Floats) -> Floats:
        from scipy.special import expit

        counts, farthest = self._counts, np.array([2.0, 0.5, 2.0, 30.0])
        for _ in range(_ROUNDS):
            known, chance = self._known(at), expit(self._log_odds(at))
            weight = counts.requests * chance * (1 - chance) / self._dispersion
            score = known.T @ (counts.exceeded - counts.requests * chance) / self._dispersion
            score -= self._weights * (at - self._before)
            step = np.linalg.solve((known.T * weight) @ known + np.diag(self._weights), score)
            step = step * min(1.0, 1 / float(np.abs(step / farthest).max()))
            height = self._height(at)
            while self._height(at + step) < height - 1e-12 and np.abs(step).max() > 1e-9:
                step = step / 2
            at = at + step
            if np.abs(step).max() < 1e-7:
                break
        return at

    def _information(self) -> tuple[Floats, Floats]:
        """The inverse of what independent requests would tell, and the scores' covariance over blocks."""
        from scipy.special import expit

        counts, known, chance = self._counts, self._known(self._at), expit(self._log_odds(self._at))
        information = (known.T * (counts.requests * chance * (1 - chance))) @ known
        scores = np.zeros((int(counts.block[-1]) + 1, len(self._at)))
        np.add.at(scores, counts.block, known * (counts.exceeded - counts.requests * chance)[:, None])
        correction = len(scores) / max(1, len(scores) - len(self._at))
        return np.linalg.inv(information + 1e-9 * np.eye(len(self._at))), correction * scores.T @ scores

    def _covariance(self) -> Floats:
        inverse, blocks = self._information()
        whole = np.linalg.inv(np.linalg.inv(inverse) / self._dispersion + np.diag(self._weights))
        few = _student(int(self._counts.block[-1]) + 1 - len(self._at)) ** 2
        covariance: Floats = few * whole @ (blocks / self._dispersion**2 + np.diag(self._weights)) @ whole
        return covariance


def _student(freedom: int) -> float:
    """By how much wider the interval of few blocks is than a normal one."""
    from scipy.special import stdtrit

    return float(stdtrit(max(1, freedom), 0.975) / stdtrit(math.inf, 0.975))
