"""Latencies as counts in fixed, logarithmically spaced buckets: small, mergeable, and right within a known error.

Bucket i holds the latencies in [GAMMA**i, GAMMA**(i + 1)) microseconds and stands for the value whose relative error
to both ends is the same, `RELATIVE_ERROR`. So any quantile is within 2 % of the sample at its rank, from 1 us to
10,000 s; what lies outside is counted in the first or last bucket. The buckets are the same everywhere, so sketches of
processes, endpoints or runs are merged by adding their counts, and that loses nothing.
"""

from __future__ import annotations

import math
from array import array
from typing import Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

RELATIVE_ERROR = 0.02
GAMMA = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
SHORTEST_NS = 1_000
LONGEST_NS = 10_000_000_000_000

_BUCKETS = math.ceil(math.log(LONGEST_NS / SHORTEST_NS) / math.log(GAMMA))
_LAST = _BUCKETS - 1
_BEGINS_NS = np.asarray([math.ceil(SHORTEST_NS * GAMMA**number) for number in range(1, _BUCKETS)], dtype=np.int64)
"""The first latency of each bucket but the first, which begins at 0."""
_AT_ONCE = 4096


class Sketch(BaseModel):
    """A snapshot, as `progress.jsonl` holds it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    first: int = Field(default=0, ge=0, le=_LAST, description="the bucket of counts[0]")
    counts: tuple[int, ...] = Field(default=(), max_length=_BUCKETS, description="latencies by bucket, without a gap")
    sum_ns: int = Field(default=0, description="of all latencies, exact")

    @property
    def count(self) -> int:
        return sum(self.counts)

    def quantile(self, share: float) -> int | None:
        """The latency at nearest rank `share` (0 to 1), ns, within RELATIVE_ERROR; None where there is none."""
        count = self.count
        if not count:
            return None
        left = min(count - 1, int(count * share))
        for number, held in enumerate(self.counts):
            if left < held:
                return middle_ns(self.first + number)
            left -= held
        raise AssertionError("a rank below the count lies in some bucket")

    def since(self, earlier: Sketch) -> Sketch:
        """The sketch of what came after an earlier one of the same latencies."""
        counts = list(self.counts)
        for number, held in enumerate(earlier.counts, start=earlier.first - self.first):
            counts[number] -= held
        return Sketch(first=self.first, counts=tuple(counts), sum_ns=self.sum_ns - earlier.sum_ns)

    def merged(self, other: Sketch) -> Sketch:
        """The sketch of the latencies of both."""
        return Recorder().add_sketch(self).add_sketch(other).snapshot()


class Recorder:
    """Takes latencies in on the hot path, where they are only kept; they are counted many at once."""

    __slots__ = ("_counts", "_sum_ns", "_uncounted")

    def __init__(self) -> None:
        self._counts = [0] * _BUCKETS
        self._sum_ns = 0
        self._uncounted = array("q")

    def add(self, latency_ns: int) -> None:
        self._uncounted.append(latency_ns)
        if len(self._uncounted) == _AT_ONCE:
            self._count()

    def _count(self) -> None:
        latencies_ns, self._uncounted = np.asarray(self._uncounted), array("q")
        for number, held in enumerate(np.bincount(np.searchsorted(_BEGINS_NS, latencies_ns, side="right")).tolist()):
            self._counts[number] += held
        self._sum_ns += int(latencies_ns.sum())

    def add_sketch(self, sketch: Sketch) -> Self:
        for number, held in enumerate(sketch.counts, start=sketch.first):
            self._counts[number] += held
        self._sum_ns += sketch.sum_ns
        return self

    def snapshot(self) -> Sketch:
        self._count()
        filled = [number for number, held in enumerate(self._counts) if held]
        if not filled:
            return Sketch()
        return Sketch(first=filled[0], counts=tuple(self._counts[filled[0] : filled[-1] + 1]), sum_ns=self._sum_ns)


def middle_ns(bucket: int) -> int:
    """The latency that a bucket stands for, ns."""
    return round(SHORTEST_NS * 2 * GAMMA ** (bucket + 1) / (GAMMA + 1))


def bucket_of(latency_ns: int) -> int:
    """The bucket that a latency is counted in."""
    return int(np.searchsorted(_BEGINS_NS, latency_ns, side="right"))


def longest_ns(bucket: int) -> int:
    """The longest latency that is counted in a bucket but the last, ns."""
    return int(_BEGINS_NS[bucket]) - 1
