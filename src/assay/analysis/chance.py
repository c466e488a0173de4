"""Exact tail probabilities of counts, for few and rare events, where no normal approximation holds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def hypergeometric_tail(found: int, drawn: int, marked: int, total: int) -> float:
    """The chance that `drawn` of `total` things, `marked` of which are marked, hold `found` marked ones or more."""
    counts = np.arange(found, min(drawn, marked) + 1)
    if not len(counts):
        return 0.0
    logs = _choose(marked, counts) + _choose(total - marked, drawn - counts) - _choose(total, np.array([drawn]))
    possible = (drawn - counts >= 0) & (drawn - counts <= total - marked)
    return min(1.0, float(np.exp(logs[possible]).sum()))


def dissent_tail(found: int, chances: Floats) -> float:
    """The chance of `found` or more events among independent ones of these chances (the Poisson binomial)."""
    sums: Floats = np.ones(1)
    for chance, count in zip(*np.unique(chances[chances > 0], return_counts=True), strict=True):
        sums = np.convolve(sums, _binomial(int(count), float(chance)))
    return min(1.0, float(sums[found:].sum()))


def _binomial(count: int, chance: float) -> Floats:
    hits = np.arange(count + 1)
    if chance >= 1:
        certain: Floats = (hits == count).astype(np.float64)
        return certain
    logs: Floats = _choose(count, hits) + hits * np.log(chance) + (count - hits) * np.log1p(-chance)
    weights: Floats = np.exp(logs)
    return weights


def _choose(total: int, counts: NDArray[np.int64]) -> Floats:
    """The logarithm of the binomial coefficient; of any value where counts lie outside 0 to total."""
    from scipy.special import gammaln  # scipy takes its time to import

    inside = np.clip(counts, 0, total)
    logs: Floats = gammaln(total + 1) - gammaln(inside + 1) - gammaln(total - inside + 1)
    return logs
