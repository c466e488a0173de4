"""A sketch of latencies as the histogram of a monitoring: fewer buckets, whose counts are sums of the sketch's own."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import accumulate

from assay.runs.sketch import Sketch, bucket_of, longest_ns

_EACH = 3
"""Buckets of a sketch in one of these: one ends 13 % above the one before."""
_FROM_NS = 100_000
_TO_NS = 1_000_000_000_000

_ENDS = tuple(range(bucket_of(_FROM_NS), bucket_of(_TO_NS) + 1, _EACH))
BOUNDS_S = (*(longest_ns(bucket) / 1e9 for bucket in _ENDS), math.inf)
"""The longest latency of each bucket, s: what Prometheus calls `le`."""


@dataclass(frozen=True)
class Histogram:
    counts: tuple[int, ...]
    """Latencies up to each of BOUNDS_S, so the last is of all."""
    sum_s: float

    @property
    def count(self) -> int:
        return self.counts[-1]

    @property
    def each(self) -> list[int]:
        """Latencies in each bucket alone."""
        return [count - before for before, count in zip((0, *self.counts), self.counts, strict=False)]


def histogram(sketch: Sketch) -> Histogram:
    upto = [0, *accumulate(sketch.counts)]  # latencies in the sketch's first so many buckets
    held = [upto[min(max(0, end + 1 - sketch.first), len(sketch.counts))] for end in _ENDS]
    return Histogram(counts=(*held, sketch.count), sum_s=sketch.sum_ns / 1e9)
