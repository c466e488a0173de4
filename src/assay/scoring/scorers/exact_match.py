"""The share of answers that are their reference, letter by letter."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from assay.scoring.model import Metric, Scorable, Scores
from assay.scoring.registry import scorer

EXACT = Metric("exact_match", "% of answers", possible=(0, 100))


@scorer("exact_match", EXACT)
def exact_match(answers: Sequence[Scorable]) -> Scores:
    """White space around either side doesn't count. Raises ValueError if there are no answers."""
    if not answers:
        raise ValueError("no answers to score")
    same = np.array([100.0 * (item.answer.strip() == item.reference.strip()) for item in answers])
    return Scores("exact_match", {EXACT.name: round(float(same.mean()), 4)}, len(answers), {EXACT.name: same})
