"""Which setup is tried next: Optuna's answer to all tries so far, the same whenever it is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

    from assay.campaign.tune_engine.space import Point, Space

_AT_RANDOM = 5
"""Tries before the sampler takes the results into account: fewer tell it nothing."""
_ASKS = 50
"""How often it may propose what was tried, before the next one in order is taken."""


def propose(space: Space, tried: Mapping[Point, float], seed: int) -> Point | None:
    """A point that wasn't tried, by tree-structured Parzen estimators (Bergstra et al. 2011); None: all were.

    A function of its arguments alone: the study is made anew of what was tried, and the sampler is seeded by how much
    that is, so that a campaign that goes on after an interruption tries what it would have tried.

    Args:
        space: what may be tried.
        tried: the objective by point, the higher the better; 0 for one that couldn't be measured.
        seed: the campaign's.
    """
    import optuna

    if len(tried) >= space.size:
        return None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=(seed + len(tried)) % 2**32, n_startup_trials=_AT_RANDOM)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    kinds = _distributions(space)
    names = list(kinds)
    for point, value in tried.items():
        known = dict(zip(names, point, strict=True))
        study.add_trial(optuna.trial.create_trial(params=known, distributions=kinds, value=value))
    for _ in range(_ASKS):
        trial = study.ask(kinds)
        point = tuple(trial.params[name] for name in names)
        if point not in tried:
            return point
        study.tell(trial, tried[point])
    return next(point for point in space.points() if point not in tried)


def _distributions(space: Space) -> dict[str, BaseDistribution]:
    """Places in the lists: of numbers those near each other are alike, of words none are."""
    from optuna.distributions import CategoricalDistribution, IntDistribution

    return {
        dimension.name: IntDistribution(0, len(dimension.values) - 1)
        if dimension.ordered
        else CategoricalDistribution(_places(dimension.values))
        for dimension in space.dimensions
    }


def _places(values: Sequence[object]) -> list[int]:
    return list(range(len(values)))
