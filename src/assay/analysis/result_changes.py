"""What the results of runs alone let compare, without their samples."""

from __future__ import annotations

from collections.abc import Sequence

from assay.analysis.changes import (
    Change,
    closed_loop,
    compared,
    latency_name,
    medians_of,
    shared_confidence,
    tails_of,
)
from assay.analysis.distributions import percentile
from assay.analysis.figures import estimate_of
from assay.analysis.statistics import Estimate, over_repeats
from assay.runs.result import Result

_RATES = (("Output tokens/s", "output_tokens_per_s", "tokens/s"), ("Samples/s", "samples_per_s", "samples/s"))


def changes_of_results(
    base: Sequence[Result], other: Sequence[Result], comparisons: int = 1, *, tails: bool = False
) -> list[Change]:
    """The rate where the load doesn't set it, and medians: short runs can bound these where they can't bound tails.

    What decides is the rate where the load doesn't set it, else the latencies.

    Args:
        base: repeats of one load, the baseline; at least one.
        other: repeats of the same load.
        comparisons: how many are made in all; the confidence is divided among them (Bonferroni).
        tails: the percentiles too by which the scenario is judged.
    """
    confidence = shared_confidence(comparisons)
    scenario = base[0].scenario
    closed = closed_loop(scenario)
    found: list[Change | None] = []
    for name, figure, unit in _RATES if closed else ():
        first, second = (_pooled([_rate(result, figure) for result in side]) for side in (base, other))
        if first is not None and second is not None:
            found.append(compared(name, unit, "higher", first, second, decisive=True, confidence=confidence))
            break
    for key, share in (*medians_of(scenario), *(tails_of(scenario) if tails else ())):
        first, second = (_pooled([_percentile(result, key, share) for result in side]) for side in (base, other))
        if first is not None and second is not None:
            name = latency_name(key, share)
            found.append(compared(name, "ms", "lower", first, second, decisive=not closed, confidence=confidence))
    return [change for change in found if change is not None]


def _rate(result: Result, name: str) -> Estimate | None:
    figure = result.figures.get(name)
    return None if figure is None else estimate_of(figure)


def _percentile(result: Result, key: str, share: str) -> Estimate | None:
    """In ms."""
    value = result.latency.get(key)
    return None if value is None else percentile(value, share).scaled(1e-6)


def _pooled(repeats: Sequence[Estimate | None]) -> Estimate | None:
    """The mean of the repeats; None where one has no value."""
    known = [repeat for repeat in repeats if repeat is not None]
    return over_repeats(known) if known and len(known) == len(repeats) else None
