"""What scorers take and give, and what the quality gate says of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Range = tuple[float | None, float | None]


@dataclass(frozen=True, slots=True)
class Scorable:
    """One answer and what it is held against."""

    index: int
    """Of the sample in the dataset."""
    answer: str
    reference: str
    tokens: int
    """Of the answer, as LoadGen logged them."""
    metric: str = ""
    """How it is held against the reference, where that isn't the same for all."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure that a scorer gives over all answers."""

    name: str
    unit: str
    possible: Range = (None, None)
    """The least and the most that it can be, whatever the answers; None: no bound."""
    total: bool = False
    """A sum over the answers instead of a mean."""


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """What one scorer found."""

    scorer: str
    values: dict[str, float]
    """By metric, in the scorer's order."""
    samples: int
    """Answers scored."""
    per_sample: dict[str, NDArray[np.float64]]
    """By metric: each answer's own, in its unit, shape (samples,), in the order of the answers; not every metric. NaN
    where an answer isn't held against its reference so."""


@dataclass(frozen=True, slots=True)
class Scorer:
    """A way to score answers. Benchmarks name it."""

    name: str
    metrics: tuple[Metric, ...]
    score: Callable[[Sequence[Scorable]], Scores]
    accuracy_txt: Callable[[Scores], str] | None = None
    """What MLPerf's submission checker reads, where it knows these metrics."""


@dataclass(frozen=True, slots=True)
class Gate:
    """The quality gate's answer."""

    verdict: str
    """`pass`, `fail`, `no reference`, or `not comparable: N samples of M`."""
    details: tuple[str, ...]
    """One line a condition, or why there is none."""

    @property
    def passed(self) -> bool:
        return self.verdict == "pass"
