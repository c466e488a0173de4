"""How far up a curve of throughput against pace goes: the points of its first pass, and where that ends."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from assay.analysis.figures import estimate_of
from assay.analysis.saturation import flat_from
from assay.runs.campaign import RunEntry
from assay.runs.result import Result
from assay.runs.shapes import ConcurrencyShape

# MLPerf Endpoints v1.0, rules 5.3, 5.4 and 6.2: one point at the least concurrency, then two in each of three regions
# that are equally wide in log2 between it and the highest.
_REGIONS = 3
_SHORT_UP_TO = 32
_SHORT_S, _LONG_S = 600.0, 1200.0


@dataclass(frozen=True)
class Climbed:
    """How far the first pass through a curve's points has come."""

    ended: bool
    """No point follows: one didn't complete, or more in flight gives no more."""
    seconds: float
    """That the loads took so far, Offline's too."""
    last_s: float
    """That the last point's load took."""


def climbed(first: Sequence[RunEntry], results: Sequence[Result]) -> Climbed:
    """From the runs of the first pass and what they gave."""
    of_run = {result.run: result for result in results}
    took = [_seconds(of_run.get(run.run or "")) for run in first]
    points = sorted(
        (run.shape.concurrency, of_run.get(run.run or "")) for run in first if isinstance(run.shape, ConcurrencyShape)
    )
    rates = [result.figures.get("samples_per_s") if result is not None else None for _, result in points]
    known = [estimate_of(rate) for rate in rates if rate is not None]
    flat = flat_from([places for places, _ in points], known) if len(known) == len(points) else None
    return Climbed(len(known) < len(points) or flat is not None, sum(took), _seconds(points[-1][1]))


def _seconds(result: Result | None) -> float:
    return 0.0 if result is None or "duration_s" not in result.figures else result.figures["duration_s"].value


def endpoints_points(least: int, most: int) -> list[int]:
    """Seven numbers in flight of the shape that MLPerf Endpoints v1.0 asks for; fewer where some are the same.

    The least, then two in each region: the one in the middle of it and its end.
    """
    width = math.log2(most - least) / _REGIONS
    inner = [least + round(2 ** (width * half / 2)) for half in range(1, 2 * _REGIONS)]
    return sorted({least, *inner, most})


def endpoints_seconds(places: int) -> float:
    """How long a point of that shape lasts at least, s."""
    return _SHORT_S if places <= _SHORT_UP_TO else _LONG_S
