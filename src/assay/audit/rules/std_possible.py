"""A standard deviation must be possible for the minimum, maximum, mean and number of samples beside it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

from assay.audit.evidence import RunEvidence, Spread
from assay.audit.registry import Check, impossible, run_rule, supported
from assay.audit.spans import Span, ns


@run_rule(
    "std-possible",
    explain="""
Of n numbers two are the minimum m and the maximum M; the other n-2 lie between them and have the sum
S = n mean - m - M. Their squared deviations are least when all are equal, and greatest when all but one are m or M.
That bounds the variance on both sides; the standard deviation must lie in the range for division by n or in that for
division by n-1. With an unknown n only std <= (M - m) / 2 (n) is asked, with one sample's room.

For small n the two ranges are narrow and apart: n=5, 860/1610/mean 1024 allows 293 to 294 or 328 to 329, not 309.
""",
    source="Popoviciu's inequality (1935), sharpened by the known mean and extremes",
)
def check(run: RunEvidence) -> Iterator[Check]:
    for spread in run.spreads:
        if spread.std is None:
            continue
        words = f"{spread.name} std {ns(spread.std)}"
        if spread.min is None or spread.max is None:
            continue
        ranges = _ranges(spread)
        possible = " or ".join(f"{ns(low)} to {ns(high)}" for low, high in ranges) or "none"
        mean = ns(spread.mean) if spread.mean else "unknown"
        sums = f"n = {spread.n or 'unknown'}, min {ns(spread.min)}, max {ns(spread.max)}, mean {mean}: {possible}"
        fits = any(spread.std.agrees(Span((low + high) / 2, low, high), 1e-3) for low, high in ranges)
        yield supported(words, sums) if fits else impossible(words, sums)


def _ranges(spread: Spread) -> list[tuple[float, float]]:
    """Possible ranges of the standard deviation: divided by n, and by n - 1."""
    assert spread.min is not None
    assert spread.max is not None
    n = spread.n
    if n is None or n < 2 or spread.mean is None:
        widest = (spread.max.high - spread.min.low) / 2
        return [(0.0, widest * (math.sqrt(n / (n - 1)) if n and n > 1 else math.sqrt(2)))]
    corners = itertools.product(_ends(spread.min), _ends(spread.max), _ends(spread.mean))
    squares = [bounds for corner in corners if (bounds := squared_deviations(n, *corner)) is not None]
    if not squares:
        return []
    least, most = min(low for low, _ in squares), max(high for _, high in squares)
    return [(math.sqrt(least / divisor), math.sqrt(most / divisor)) for divisor in (n, n - 1)]


def _ends(value: Span) -> tuple[float, float, float]:
    return value.low, value.value, value.high


def squared_deviations(n: int, low: float, high: float, mean: float) -> tuple[float, float] | None:
    """The least and greatest sum of squared deviations of n numbers with these extremes and mean; None: impossible."""
    rest = n - 2
    outer = (low - mean) ** 2 + (high - mean) ** 2
    remaining = n * mean - low - high
    room = 1e-9 * max(abs(high), 1.0) * n
    if rest == 0:
        return (outer, outer) if abs(remaining) <= room + n * (high - low) * 1e-3 else None
    if not rest * low - room <= remaining <= rest * high + room:
        return None
    least = rest * (remaining / rest - mean) ** 2
    width = high - low
    at_high = min(int((remaining - rest * low) // width), rest) if width > 0 else 0
    between = remaining - rest * low - at_high * width
    most = at_high * (high - mean) ** 2
    if at_high < rest:
        most += (low + between - mean) ** 2 + (rest - at_high - 1) * (low - mean) ** 2
    return outer + least, outer + most
