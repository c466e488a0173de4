"""The scores of one accuracy run, and what the quality gate says of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

METRICS = ("rouge1", "rouge2", "rougeL", "rougeLsum")


@dataclass(frozen=True, slots=True, eq=False)
class RougeScores:
    """ROUGE as MLPerf reports it, and every sample's own scores."""

    rouge1: float
    """Mean F-measure in percent, rounded to 4 decimals; the same for the next three."""
    rouge2: float
    rougeL: float  # noqa: N815 - the metric's own name
    rougeLsum: float  # noqa: N815
    gen_len: int
    """Characters of all predictions, sentence breaks included."""
    gen_num: int
    """Predictions scored."""
    per_sample: dict[str, NDArray[np.float64]]
    """By metric: F-measures from 0 to 1, shape (gen_num,), in the order of the predictions."""
    sample_index: NDArray[np.int64]
    """The dataset index of each prediction, shape (gen_num,)."""

    def values(self) -> dict[str, float]:
        """The four rounded means by metric."""
        return {"rouge1": self.rouge1, "rouge2": self.rouge2, "rougeL": self.rougeL, "rougeLsum": self.rougeLsum}


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
