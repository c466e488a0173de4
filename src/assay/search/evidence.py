"""How much a series of neighbouring requests says of the share that is over a limit.

Requests that are over a limit come in clusters, since a queue that is long stays so for a while: close to saturation
ten thousand requests say as much as a hundred independent ones. Every count is therefore divided by its dispersion,
the variance of block sums over that of independent requests.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assay.search.criteria import Criterion, Floats, Verdict, over

_SHORTEST_BLOCK = 8
_FEWEST_BLOCKS = 12
_SOFT = 0.95


@dataclass(frozen=True)
class Evidence:
    """Counts as of independent requests."""

    requests: float
    overs: float
    dispersion: float

    @property
    def share(self) -> float:
        return self.overs / self.requests

    def less_than(self, share: float) -> float:
        """The chance of so few overs if `share` of the requests were over."""
        from scipy.special import betainc  # scipy.stats would do, and takes a second to import

        return 1 - float(betainc(self.overs + 1, max(self.requests - self.overs, 1e-9), share))

    def more_than(self, share: float) -> float:
        """The chance of so many."""
        from scipy.special import betainc

        return float(betainc(self.overs, self.requests - self.overs + 1, share)) if self.overs > 0 else 1.0


def evidence(of_limit: Floats) -> Evidence:
    """Of requests in order of arrival, by their measure over its limit.

    Few overs say little of how they cluster; those over the 95th percentile cluster alike.
    """
    beyond = over(of_limit).astype(np.float64)
    high = (of_limit > np.quantile(of_limit, _SOFT, method="lower")).astype(np.float64)
    spread = max(dispersion(beyond), dispersion(high))
    return Evidence(len(beyond) / spread, float(beyond.sum()) / spread, spread)


def dispersion(hits: Floats) -> float:
    """The variance of block sums over a binomial's, the largest over lengths of blocks; 1 where it is less.

    Args:
        hits: zeros and ones in order of arrival.
    """
    count, share = len(hits), float(hits.mean())
    if not 0 < share < 1:
        return 1.0
    largest, length = 1.0, _SHORTEST_BLOCK
    while (blocks := count // length) >= _FEWEST_BLOCKS:
        sums = hits[count - blocks * length :].reshape(blocks, length).sum(axis=1)
        largest = max(largest, float(sums.var(ddof=1)) / (length * share * (1 - share)))
        length *= 2
    return largest


def verdict(of_limits: Floats, criteria: tuple[Criterion, ...], alpha: float) -> Verdict:
    """What requests (rows) show of all criteria (columns), each time wrong with a chance of `alpha`."""
    found = [(evidence(of_limits[:, place]), criterion.allowed) for place, criterion in enumerate(criteria)]
    if any(each.more_than(allowed) <= alpha for each, allowed in found):
        return "over"
    if all(each.less_than(allowed) <= alpha for each, allowed in found):
        return "under"
    return "undecided"
