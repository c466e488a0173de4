"""How the share over a limit, and the percentile that has the limit, move with the rate: each probe, and the fit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assay.search.criteria import Criterion, Floats, over
from assay.search.estimate import fit_of
from assay.search.evidence import evidence
from assay.search.history import Probe
from assay.search.trial import settled

_TAIL = 0.025
_SURE = 1.96
_FEWEST = 20
_MOST_POWER = 700.0
"""Of e, that a float holds."""


@dataclass(frozen=True)
class Spread:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Point:
    """What one probe says of one criterion, without its first requests, in which the server fills."""

    rate: float
    share: Spread
    """Of the requests over the limit."""
    percentile: Spread
    """Of the measure over its limit, the one that must be 1 at most: the 99th where 1 % may be over."""


@dataclass(frozen=True)
class Line:
    """What the fit says at one rate; below and above the probes it goes on as it may not."""

    rate: float
    share: Spread
    percentile: Spread


def points(probes: Sequence[Probe], place: int, criterion: Criterion) -> list[Point]:
    """Of each probe that says something of the server, in order of rate; `place` is the criterion's column."""
    found = [
        _point(probe.rate, settled(probe.of_limits)[:, place], criterion)
        for probe in probes
        if not probe.client_bound and len(probe.of_limits) >= _FEWEST
    ]
    return sorted(found, key=lambda point: point.rate)


def line(
    probes: Sequence[Probe], place: int, criterion: Criterion, centre: float, rates: Sequence[float]
) -> list[Line]:
    """The fit near `centre` at these rates; empty where the probes near it tell too little."""
    told = [probe for probe in probes if not probe.client_bound]
    fit = fit_of(told, place, criterion, centre)
    if fit is None:
        return []
    lines = []
    for rate in rates:
        odds, odds_error = fit.log_odds(math.log(rate / centre))
        level, level_error = fit.log_level(math.log(rate / centre))
        share = Spread(*(1 / (1 + _exp(-(odds + at * odds_error))) for at in (0, -_SURE, _SURE)))
        percentile = Spread(*(_exp(level + at * level_error) for at in (0, -_SURE, _SURE)))
        lines.append(Line(rate, share, percentile))
    return lines


def _exp(power: float) -> float:
    """Infinite, and no error, where a fit that knows little has no bound."""
    return math.exp(power) if power < _MOST_POWER else math.inf


def _point(rate: float, of_limit: Floats, criterion: Criterion) -> Point:
    from scipy.special import betaincinv

    found = evidence(of_limit)
    low = float(betaincinv(found.overs, found.requests - found.overs + 1, _TAIL)) if found.overs > 0 else 0.0
    misses = found.requests - found.overs
    high = float(betaincinv(found.overs + 1, misses, 1 - _TAIL)) if misses > 0 else 1.0
    return Point(rate, Spread(float(over(of_limit).mean()), low, high), _percentile(of_limit, criterion.allowed))


def _percentile(of_limit: Floats, allowed: float) -> Spread:
    """By the ranks of as many independent requests as these are worth."""
    from scipy.special import betaincinv

    ordered = np.sort(of_limit)
    worth = evidence(of_limit).requests
    beyond = allowed * worth
    shares = (
        allowed,
        float(betaincinv(beyond + 1, max(worth - beyond, 1e-9), 1 - _TAIL)),
        float(betaincinv(beyond, worth - beyond + 1, _TAIL)),
    )
    last = len(ordered) - 1
    value, low, high = (float(ordered[min(last, math.floor((1 - share) * len(ordered)))]) for share in shares)
    return Spread(value, low, high)
