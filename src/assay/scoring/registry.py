"""Scorers and metrics by name: every module of `assay.scoring.scorers` registers its own."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module

from assay.errors import UserError
from assay.scoring.model import Metric, Scorable, Scorer, Scores

_SCORERS: dict[str, Scorer] = {}
Score = Callable[[Sequence[Scorable]], Scores]


def scorer(
    name: str, *metrics: Metric, accuracy_txt: Callable[[Scores], str] | None = None
) -> Callable[[Score], Score]:  # fmt: skip
    """Register a function from answers to scores under the name that benchmarks call it by."""

    def register(score: Score) -> Score:
        if name in _SCORERS:
            raise ValueError(f"two scorers are called {name}")
        _SCORERS[name] = Scorer(name, metrics, score, accuracy_txt)
        return score

    return register


@cache
def scorers() -> dict[str, Scorer]:
    """All scorers by name."""
    package = import_module("assay.scoring.scorers")
    for module in sorted(info.name for info in pkgutil.iter_modules(package.__path__)):
        import_module(f"{package.__name__}.{module}")
    return dict(sorted(_SCORERS.items()))


def get_scorer(name: str) -> Scorer:
    """Raises UserError where no scorer is called so."""
    if name not in scorers():
        raise UserError(f"no scorer is called {name!r}; the scorers are: {', '.join(scorers())}")
    return scorers()[name]


@cache
def metrics() -> dict[str, Metric]:
    """Every metric that some scorer gives, by name; one that two give is the same in both."""
    found: dict[str, Metric] = {}
    for each in scorers().values():
        for metric in each.metrics:
            if found.setdefault(metric.name, metric) != metric:
                raise ValueError(f"{metric.name} means two things")
    return found
