"""What MLPerf Endpoints v1.0 asks of a curve: its regions, its points' durations, its seeds."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from assay.safe_yaml import read_yaml

ULTRA_LOW = 32
"""The most requests in flight of the Ultra Low Concurrency region (rules 5.4)."""
FEWEST_POINTS, MOST_POINTS = 7, 32
"""Of a curve; a dedicated Offline run is one more of the fewest (rules 5.3, 5.6, 5.7)."""
OFFLINE_SHARE = 0.98
"""Of the system's rate at the highest concurrency: what a dedicated Offline run gives at least (rules 5.7.2)."""
SUPER_PASSES = 4
"""The fewest in a steady window that a point's official figures are of (rules 4.4)."""
_SHORT_S, _LONG_S = 600.0, 1200.0
_WINDOW = 4  # cohorts in which a seed set may be taken: its own and the three that follow (submission rules 4.6)
_COHORT = re.compile(r"(\d{4})-(0[1-9]|1[0-2])-C([01])")


@dataclass(frozen=True)
class Region:
    """Requests in flight from `start` to `end`. Where rounding leaves nothing between them, `end` alone is in it."""

    name: str
    start: int
    end: int

    def __contains__(self, concurrency: int) -> bool:
        return self.start <= concurrency <= self.end or (self.start > self.end == concurrency)

    def __str__(self) -> str:
        return f"{min(self.start, self.end)} to {self.end}"


def regions(least: int, most: int) -> tuple[Region, Region, Region]:
    """Low, medium and high concurrency between a curve's least and most requests in flight.

    Equally wide in log2, each end rounded half to even (rules 5.5).
    """
    width = math.log2(most - least) / 3
    low, medium = round(least + 2**width), round(least + 2 ** (2 * width))
    return (
        Region("low_concurrency", least + 1, low),
        Region("med_concurrency", low + 1, medium),
        Region("high_concurrency", medium + 1, most),
    )


def margin_end(most: int) -> int:
    """The highest concurrency that a point may have: a tenth beyond the most, which counts for no region (5.4)."""
    return -(-11 * most // 10)


def least_seconds(concurrency: int) -> float:
    """How long a point lasts at least, s (rules 6.2)."""
    return _SHORT_S if concurrency <= ULTRA_LOW else _LONG_S


def cohort_number(name: str) -> int | None:
    """A cohort's place among all: there are two a month (submission rules 4.2). None: it is no cohort's name."""
    found = _COHORT.fullmatch(name)
    return None if found is None else (int(found[1]) * 12 + int(found[2]) - 1) * 2 + int(found[3])


def may_take(published: str, cohort: str) -> bool:
    """Whether a submission to `cohort` may have seeds that were published for another (submission rules 4.6)."""
    first, own = cohort_number(published), cohort_number(cohort)
    return first is not None and own is not None and first <= own < first + _WINDOW


@cache
def endpoints_rules() -> dict[str, Any]:
    """The tables of endpoints.yaml."""
    data: dict[str, Any] = read_yaml(Path(__file__).with_name("endpoints.yaml")).data
    return data
