"""When requests of a rate are due: endless, seeded sequences of times, made a block at a time."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from assay.runs.shapes import Arrivals, RampShape

_BLOCK = 1024
_NEVER_NS = float(1 << 61)

Floats = NDArray[np.float64]


def due_times_ns(rate: float, arrivals: Arrivals, burstiness: float, seed: int) -> Iterator[int]:
    """Due times at a mean rate a second, ns after the start; the first is due at once."""
    draw = np.random.default_rng(seed)
    gaps: dict[Arrivals, Callable[[], Floats]] = {
        "constant": lambda: np.ones(_BLOCK),
        "poisson": lambda: draw.standard_exponential(_BLOCK),
        "gamma": lambda: draw.gamma(burstiness, 1 / burstiness, _BLOCK),
    }
    return _as_ns(turn / rate for turn in _sums(gaps[arrivals]))


def ramp_times_ns(ramp: RampShape, seed: int) -> Iterator[int]:
    """Poisson arrivals whose rate goes evenly from one to another, and then stays: ns after the start.

    Unit-rate arrivals are mapped through the inverse of the number that is expected until each time.
    """
    draw = np.random.default_rng(seed)
    return _as_ns(_ramp_time(ramp, expected) for expected in _sums(lambda: draw.standard_exponential(_BLOCK)))


def _ramp_time(ramp: RampShape, expected: Floats) -> Floats:
    """The times, s, until which so many arrivals are expected."""
    slope = (ramp.to - ramp.start) / ramp.over_s
    within = ramp.over_s * (ramp.start + ramp.to) / 2
    root = np.sqrt(np.maximum(ramp.start**2 + 2 * slope * np.minimum(expected, within), 0.0))
    rising = 2 * np.minimum(expected, within) / (ramp.start + root)  # the stable form of the quadratic's root
    return rising + np.maximum(expected - within, 0.0) / ramp.to


def _sums(gaps: Callable[[], Floats]) -> Iterator[Floats]:
    """Blocks of the running sum of gaps, from 0."""
    yield np.zeros(1)
    last = 0.0
    while True:
        block = last + np.cumsum(gaps())
        last = float(block[-1])
        yield block


def _as_ns(blocks: Iterator[Floats]) -> Iterator[int]:
    # Beyond what ns in 64 bits can say, a time would wrap around to one long past.
    return itertools.chain.from_iterable(
        np.minimum(block * 1e9, _NEVER_NS).astype(np.int64).tolist() for block in blocks
    )
