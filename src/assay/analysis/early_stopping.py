"""MLPerf's early-stopping bound of a tail percentile, as LoadGen's early_stopping.cc computes it.

A percentile p is met by a latency if, at 99 % confidence, at least the share p of all queries would be faster. With
n independent queries of which t are slower, that holds from the smallest n at which t or fewer would be slower in
less than 1 % of all cases were the true share of slower ones 1 - p.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from assay.benchmarks.mlperf import EARLY_STOPPING_CONFIDENCE


def queries_needed(slower: int, percentile: float) -> int:
    """The fewest queries with which `slower` of them may exceed the limit of a percentile."""
    low, high = slower + 1, slower + 2
    while not _holds(high, slower, percentile):
        low, high = high, 2 * high
    while low < high:
        middle = (low + high) // 2
        if _holds(middle, slower, percentile):
            high = middle
        else:
            low = middle + 1
    return low


def early_stopping_bound(ordered: NDArray[np.int64], percentile: float) -> int | None:
    """The least latency that is an upper bound of the percentile; None where there are too few queries for any.

    It is the t-th largest of the sorted values, for the largest t that so many queries allow.
    """
    count = len(ordered)
    if count < queries_needed(1, percentile):
        return None
    low, high = 1, max(1, math.ceil(count * (1 - percentile)))
    while low < high:
        middle = (low + high + 1) // 2
        if queries_needed(middle, percentile) <= count:
            low = middle
        else:
            high = middle - 1
    return int(ordered[count - low])


def _holds(count: int, slower: int, percentile: float) -> bool:
    """P(at most `slower` of `count` exceed), each with chance 1 - percentile, is no more than 1 %."""
    from scipy.special import bdtr

    return float(bdtr(slower, count, 1 - percentile)) <= 1 - EARLY_STOPPING_CONFIDENCE
