"""How far up a curve of throughput against pace goes: the points of its first pass, and where that ends."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from assay.analysis.figures import estimate_of
from assay.analysis.saturation import flat_from
from assay.benchmarks.mlperf.endpoints import regions
from assay.runs.campaign import RunEntry
from assay.runs.result import Result
from assay.runs.shapes import ConcurrencyShape


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

    The least, then two in each region: the one in the middle of it, by log2, and its end.
    """
    parts = regions(least, most)
    width = math.log2(most - least) / len(parts)
    middles = [least + round(2 ** (width * (number + 0.5))) for number in range(len(parts))]
    return sorted({least, *middles, *(region.end for region in parts)})
