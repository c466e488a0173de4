"""Scores with intervals, and each endpoint's beside the others': is one of them worse than chance explains?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CONFIDENCE = 0.95
FAMILY_RISK = 0.0001
"""The chance that any endpoint at all of a sound run is called worse."""
_RESAMPLES = 2000
_SEED = 0
_FEWEST = 10
_CELLS = 1 << 22  # drawn at a time
_STRATA = 10


@dataclass(frozen=True)
class Difference:
    """Mean score of one endpoint less that of the others, with the interval that holds for all endpoints at once."""

    value: float
    low: float
    high: float


def mean_intervals(values: Mapping[str, Floats]) -> dict[str, tuple[float, float] | None]:
    """95 % intervals of the means over samples: bootstrap, percentiles of 2,000 resamples of a fixed seed.

    All metrics are resampled together; one that some samples don't have (NaN) over those that do, by itself. None for
    fewer than 10 samples, and where all have the same score: how far it lies from the others' isn't known then.
    """
    if partial := [name for name, each in values.items() if np.isnan(each).any()]:
        found = mean_intervals({name: each for name, each in values.items() if name not in partial})
        for name in partial:
            found |= mean_intervals({name: values[name][~np.isnan(values[name])]})
        return {name: found[name] for name in values}
    names = list(values)
    count = len(values[names[0]]) if names else 0
    if count < _FEWEST:
        return dict.fromkeys(names)
    table = np.stack([values[name] for name in names], axis=1)
    draw = np.random.default_rng(_SEED)
    means = np.empty((_RESAMPLES, len(names)))
    step = max(1, _CELLS // count)
    for begin in range(0, _RESAMPLES, step):
        rows = draw.integers(0, count, size=(min(step, _RESAMPLES - begin), count))
        for row, place in enumerate(range(begin, begin + len(rows))):
            means[place] = table[rows[row]].mean(axis=0)
    tail = 100 * (1 - CONFIDENCE) / 2
    lows, highs = np.percentile(means, [tail, 100 - tail], axis=0)
    return {
        name: None if np.ptp(table[:, number]) == 0 else (float(lows[number]), float(highs[number]))
        for number, name in enumerate(names)
    }


def differences(scores: Floats, endpoint: Ints, lengths: Ints, tests: int) -> dict[int, Difference | None]:
    """Each endpoint's mean score against the others' at prompts of like length.

    In Offline long prompts are sent first, so a slow endpoint's prompts aren't like a fast one's; within a tenth of
    the lengths, who answers is a matter of moments. Student's t over the tenths, weighted by the endpoint's own share.

    Args:
        scores: one an answer, shape (n,).
        endpoint: the code of the endpoint that gave it, shape (n,).
        lengths: of its prompt, tokens, shape (n,).
        tests: how many endpoints and metrics are compared in all; the risk is divided among them (Bonferroni).
    """
    strata = _strata(lengths)
    return {int(code): _difference(scores, endpoint == code, strata, tests) for code in np.unique(endpoint)}


def _strata(lengths: Ints) -> Ints:
    order = np.argsort(lengths, kind="stable")
    strata = np.empty(len(lengths), dtype=np.int64)
    strata[order] = np.arange(len(lengths)) * _STRATA // max(1, len(lengths))
    return strata


def _difference(scores: Floats, own: NDArray[np.bool_], strata: Ints, tests: int) -> Difference | None:
    """None where the answers are too few to tell."""
    from scipy.special import stdtrit  # scipy.stats would do, and takes a second to import

    parts = [(scores[here & own], scores[here & ~own]) for here in (strata == number for number in range(_STRATA))]
    parts = [(ours, theirs) for ours, theirs in parts if len(ours) and len(theirs)]
    weight = sum(len(ours) for ours, _ in parts)
    spreads = [_spread([part[side] for part in parts]) for side in (0, 1)]
    if weight < _FEWEST or min(df for _, df in spreads) < 1:
        return None
    value = sum(len(ours) * float(ours.mean() - theirs.mean()) for ours, theirs in parts) / weight
    # A few answers that are all alike hide their spread: the larger one stands for both sides.
    spread, df = max(spreads)
    variance = sum((len(ours) / weight) ** 2 * spread * (1 / len(ours) + 1 / len(theirs)) for ours, theirs in parts)
    if variance == 0:  # each side gives one score to all
        return Difference(value, value, value)
    reach = float(stdtrit(df, 1 - FAMILY_RISK / max(1, tests))) * math.sqrt(variance)
    return Difference(value, value - reach, value + reach)


def _spread(parts: Sequence[Floats]) -> tuple[float, int]:
    """The variance within the parts, and its degrees of freedom."""
    df = sum(len(part) - 1 for part in parts)
    return (sum(float(part.var()) * len(part) for part in parts) / df if df else 0.0), df
