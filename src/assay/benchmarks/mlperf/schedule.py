"""LoadGen's Server schedule, computed again, so that lateness of issue can be measured.

LoadGen draws the gaps between queries as `std::exponential_distribution<double>(target_qps)` from a `std::mt19937`
seeded with the low 32 bits of schedule_rng_seed (loadgen.cc, ScheduleDistribution). libstdc++ makes the uniform number
of two 32-bit draws, low word first; the first query is due at 0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_WORD = float(2**32)


def server_schedule_ns(seed: int, target_qps: float, queries: int) -> NDArray[np.int64]:
    """Due times of `queries` queries, ns after the first, shape (queries,)."""
    if queries == 0:
        return np.zeros(0, dtype=np.int64)
    draws = np.random.RandomState(seed & 0xFFFFFFFF).randint(0, 2**32, size=2 * (queries - 1), dtype=np.uint64)
    words = draws.astype(np.float64)
    uniform = (words[0::2] + words[1::2] * _WORD) / (_WORD * _WORD)
    gaps_ns = (-np.log1p(-uniform) / target_qps * 1e9).astype(np.int64)  # LoadGen cuts each gap to whole ns
    return np.concatenate([[0], np.cumsum(gaps_ns)])


def scheduled_ns(issued_ns: NDArray[np.int64], seed: int, target_qps: float) -> NDArray[np.int64]:
    """When each query was due on the clock of `issued_ns`.

    LoadGen's start isn't told; it is taken as the latest time that makes no query early, so lateness is a lower bound
    whose smallest value is 0.
    """
    due = server_schedule_ns(seed, target_qps, len(issued_ns))
    start = int(np.min(issued_ns - due)) if len(issued_ns) else 0
    return due + start
