"""What a rate must keep: of all requests at most a share may be over a limit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

Verdict = Literal["under", "over", "undecided"]
"""Whether the share over a limit is shown to be under what is allowed, or over it."""


@dataclass(frozen=True)
class Criterion:
    """At most `allowed` of the requests are over a limit; MLPerf's p99 limits allow 0.01."""

    name: str
    allowed: float

    def __post_init__(self) -> None:
        if not 0 < self.allowed < 1:
            raise ValueError(f"{self.name}: a share between 0 and 1 may be over its limit, not {self.allowed}")

    @property
    def hopeless(self) -> float:
        """The share over the limit, half of what isn't allowed, beyond which a rate is far too high."""
        return (1 + self.allowed) / 2


def over(of_limit: Floats) -> Bools:
    """Whether requests are over a limit; one that is at it isn't. `of_limit` is what was measured over the limit."""
    beyond: Bools = of_limit > 1
    return beyond
