"""What sensors told over a whole run, however long it is: means in bins of the same width."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.integer[Any]]
Name = TypeVar("Name", bound=Hashable)

_MOST = 512
_FIRST_NS = 1_000_000_000
_LATE_NS = 3_000_000_000
"""A reading isn't expected any more once others are newer by so long."""


@dataclass(frozen=True)
class Means:
    """Of some series, one row each; not a number where a series told nothing. Times are the middles of the bins."""

    time_ns: Floats
    values: Floats


class Bins(Generic[Name]):
    """Takes in readings of many series. When there are more bins than it has room for, each two become one."""

    def __init__(self, most: int = _MOST) -> None:
        self.width_ns = _FIRST_NS
        self._most = most
        self._begin_ns: int | None = None
        self._newest_ns = 0
        self._rows: dict[Name, int] = {}
        self._sums = np.zeros((0, most))
        self._counts = np.zeros((0, most))

    @property
    def names(self) -> list[Name]:
        """Of the series, as they were first seen."""
        return list(self._rows)

    @property
    def closed(self) -> int:
        """How many bins, from the first on, change no more."""
        if self._begin_ns is None:
            return 0
        return max(0, (self._newest_ns - _LATE_NS - self._begin_ns) // self.width_ns)

    def add(self, names: Sequence[Name], codes: Ints, time_ns: Ints, values: Floats) -> None:
        """Readings in any order; each is of the series whose name is at its code's place in `names`."""
        if not len(time_ns):
            return
        if self._begin_ns is None:
            self._begin_ns = int(time_ns.min())
        self._newest_ns = max(self._newest_ns, int(time_ns.max()))
        while (self._newest_ns - self._begin_ns) // self.width_ns >= self._most:
            self._halve()
        rows = np.array([self._rows.setdefault(name, len(self._rows)) for name in names])[codes]
        self._grow()
        place = np.maximum(0, (time_ns - self._begin_ns) // self.width_ns)
        np.add.at(self._sums, (rows, place), values)
        np.add.at(self._counts, (rows, place), 1)

    def means(self, names: Sequence[Name], begin: int = 0) -> Means:
        """Of these series in the bins that are closed, from `begin` on."""
        rows, bins = [self._rows[name] for name in names], slice(begin, self.closed)
        counts = self._counts[rows, bins]
        values = np.where(counts > 0, self._sums[rows, bins] / np.maximum(counts, 1), np.nan)
        middles = (np.arange(begin, begin + values.shape[1]) + 0.5) * self.width_ns
        return Means(middles + (self._begin_ns or 0), values)

    def _halve(self) -> None:
        self.width_ns *= 2
        unused = ((0, 0), (0, self._most - self._most // 2))
        self._sums = np.pad(self._sums[:, ::2] + self._sums[:, 1::2], unused)
        self._counts = np.pad(self._counts[:, ::2] + self._counts[:, 1::2], unused)

    def _grow(self) -> None:
        more = len(self._rows) - len(self._sums)
        if more > 0:
            room = ((0, max(more, len(self._sums))), (0, 0))
            self._sums, self._counts = np.pad(self._sums, room), np.pad(self._counts, room)
