"""The energy that one meter saw: from its counter, or from readings of its power, and for how much of the time.

A counter tells the energy between two readings however far they are apart, unless it was set back between them. Power
is the trapezoid over neighbouring readings, and unknown where they are so far apart that some are missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from assay.analysis.hardware import Metric
from assay.analysis.statistics import Floats, Ints
from assay.runs.result import MeterBasis

MOST_APART_S = 5.0
"""Between two readings that were to be a second apart."""
_ENDS = 0.1
_MOST_STEPS = 3
"""Between two readings, of what is usual: each of very many nodes is read every some seconds."""


@dataclass(frozen=True, eq=False)
class Metered:
    """Known stretches of time one after another, each with the power at its two ends (W) and a line between."""

    basis: MeterBasis
    from_ns: Ints
    to_ns: Ints
    from_w: Floats
    to_w: Floats

    @property
    def step_ns(self) -> float:
        """The usual time between two readings."""
        return float(np.median(self.to_ns - self.from_ns)) if len(self.to_ns) else 0.0

    def between(self, begin_ns: int, end_ns: int) -> tuple[float, float]:
        """Joules, and the seconds of the time that are known."""
        edges = np.asarray([begin_ns, end_ns], np.float64)
        joules, seconds = self.in_bins(edges)
        return float(joules[0]), float(seconds[0])

    def in_bins(self, edges_ns: Floats) -> tuple[Floats, Floats]:
        """Joules and known seconds between neighbouring edges."""
        joules, seconds = self._until(edges_ns)
        return np.diff(joules), np.diff(seconds)

    def gapless(self, begin_ns: int, end_ns: int) -> bool:
        """Whether between its first and last reading in that time all of it is known."""
        inside = (self.to_ns > begin_ns) & (self.from_ns < end_ns)
        return bool((self.from_ns[inside][1:] == self.to_ns[inside][:-1]).all())

    @cached_property
    def _sums(self) -> tuple[Floats, Floats]:
        """Joules and seconds of all stretches before each."""
        seconds = (self.to_ns - self.from_ns) / 1e9
        joules = seconds * (self.from_w + self.to_w) / 2
        return np.concatenate([[0.0], np.cumsum(joules)]), np.concatenate([[0.0], np.cumsum(seconds)])

    def _until(self, times_ns: Floats) -> tuple[Floats, Floats]:
        """Joules and known seconds before each time."""
        if len(self.from_ns) == 0:
            return np.zeros(len(times_ns)), np.zeros(len(times_ns))
        joules, seconds = self._sums
        place = np.searchsorted(self.from_ns, times_ns, "right") - 1  # the stretch that began last; -1: none yet
        stretch = np.maximum(place, 0)
        length = (self.to_ns - self.from_ns)[stretch] / 1e9
        inside = np.where(place < 0, 0.0, np.clip((times_ns - self.from_ns[stretch]) / 1e9, 0.0, length))
        slope = (self.to_w - self.from_w)[stretch] / length
        partly = inside * (self.from_w[stretch] + slope * inside / 2)
        return joules[stretch] + partly, seconds[stretch] + inside


@dataclass(frozen=True, eq=False)
class Seen:
    """One meter over the time of the rates."""

    node: str
    name: str
    metered: Metered
    begin_ns: int
    end_ns: int

    @cached_property
    def _known(self) -> tuple[float, float]:
        return self.metered.between(self.begin_ns, self.end_ns)

    @property
    def covered(self) -> float:
        return min(1.0, self._known[1] * 1e9 / (self.end_ns - self.begin_ns))

    @property
    def mean_w(self) -> float:
        joules, seconds = self._known
        return joules / seconds

    def in_bins(self, edges_ns: Floats) -> Floats:
        """Joules between neighbouring edges; time that isn't known counts at the mean."""
        joules, seconds = self.metered.in_bins(edges_ns)
        return joules + self.mean_w * (np.diff(edges_ns) / 1e9 - seconds)


def by_counter(readings: Metric, begin_ns: int, end_ns: int) -> Metered:
    """From a counter of joules that only grows: where it fell, it was set back and nothing is known.

    Where in a long silence its energy fell isn't known either, so one that spans an end of the time counts as none.
    """
    from_ns, to_ns = readings.time_ns[:-1], readings.time_ns[1:]
    joules = np.diff(readings.value)
    long = to_ns - from_ns > _most_apart_ns(readings)
    across = ((from_ns < begin_ns) & (to_ns > begin_ns)) | ((from_ns < end_ns) & (to_ns > end_ns))
    known = (to_ns > from_ns) & (joules >= 0) & ~(long & across)
    from_ns, to_ns, joules = from_ns[known], to_ns[known], joules[known]
    watts = joules / ((to_ns - from_ns) / 1e9)
    return Metered("counter", from_ns, to_ns, watts, watts)


def by_power(readings: Metric) -> Metered:
    """From readings of power, W."""
    from_ns, to_ns = readings.time_ns[:-1], readings.time_ns[1:]
    known = (to_ns > from_ns) & (to_ns - from_ns <= _most_apart_ns(readings))
    return Metered("power", from_ns[known], to_ns[known], readings.value[:-1][known], readings.value[1:][known])


def _most_apart_ns(readings: Metric) -> float:
    """Beyond it a reading is missing."""
    steps = np.diff(readings.time_ns)
    usual = float(np.median(steps)) if len(steps) else 0.0
    return max(MOST_APART_S * 1e9, _MOST_STEPS * usual)


def best(counter: Metric | None, power: Metric | None, begin_ns: int, end_ns: int) -> Metered | None:
    """By whichever more of the time is known, the counter where both know as much.

    A device adds up its energy oftener than anyone reads its power, but of many devices counters are read in turn: one
    that lacks no more than a tenth, at the ends, counts as knowing as much. None where neither saw any energy in that
    time: a counter that stands still is none.
    """
    found = []
    if counter is not None:
        found.append(by_counter(counter, begin_ns, end_ns))
    if power is not None:
        found.append(by_power(power))
    known = [(metered.between(begin_ns, end_ns), metered) for metered in found]
    usable = [(seconds, metered) for (joules, seconds), metered in known if joules > 0]
    if len(usable) > 1 and usable[0][1].gapless(begin_ns, end_ns) and usable[0][0] >= (1 - _ENDS) * usable[1][0]:
        return usable[0][1]
    return max(usable, key=lambda one: one[0], default=(0.0, None))[1]
