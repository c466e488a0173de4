"""What the data set says of time: when each sample arrived, and which conversation it continues, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Timetable:
    """One entry a sample. Samples of a conversation are its turns, in the order of the data set."""

    arrival_ns: Ints
    """After the trace's start; -1 where the data set gives none."""
    session: Ints
    """A number for each conversation; a sample outside one is a conversation of its own."""
    think_ns: Ints
    """Between the answer before this turn and this turn."""

    def __len__(self) -> int:
        return len(self.session)

    @classmethod
    def of(
        cls, arrivals_ns: Sequence[int | None], sessions: Sequence[str | None], thinks_ns: Sequence[int | None]
    ) -> Timetable:
        numbers: dict[object, int] = {}
        names = [name if name is not None else (index,) for index, name in enumerate(sessions)]
        return cls(
            np.array([-1 if time is None else time for time in arrivals_ns], dtype=np.int64),
            np.array([numbers.setdefault(name, len(numbers)) for name in names], dtype=np.int64),
            np.array([time or 0 for time in thinks_ns], dtype=np.int64),
        )

    def write(self, path: Path) -> None:
        np.save(path, np.stack([self.arrival_ns, self.session, self.think_ns]))

    @classmethod
    def read(cls, path: Path) -> Timetable:
        return cls(*np.load(path))

    @property
    def conversations(self) -> list[Ints]:
        """The samples of each conversation, its turns in order; conversations in the order of their first turns."""
        order = np.argsort(self.session, kind="stable")
        return np.split(order, np.flatnonzero(np.diff(self.session[order])) + 1)
