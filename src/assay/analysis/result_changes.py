"""What the results of runs alone let compare, without their samples."""

from __future__ import annotations

from collections.abc import Sequence

from assay.analysis.changes import Change, closed_loop, compared
from assay.analysis.distributions import percentile
from assay.analysis.figures import estimate_of
from assay.analysis.statistics import CONFIDENCE, Estimate, over_repeats
from assay.runs.result import Result
from assay.runs.scenarios import Scenario

_RATES = (("Output tokens/s", "output_tokens_per_s", "tokens/s"), ("Samples/s", "samples_per_s", "samples/s"))
_NAMES = {"ttft_ns": "TTFT", "service_ttft_ns": "TTFT from sending", "tpot_ns": "TPOT", "latency_ns": "Latency"}
_USUAL = ("ttft_ns", "tpot_ns")
# In Offline TTFT from the issue is the wait for a place.
_MEDIANS: dict[Scenario, tuple[str, str]] = {
    "Offline": ("service_ttft_ns", "tpot_ns"),
    "SingleStream": ("ttft_ns", "latency_ns"),
}


def changes_of_results(base: Sequence[Result], other: Sequence[Result], comparisons: int = 1) -> list[Change]:
    """The rate where the load doesn't set it, and medians: short runs can bound these where they can't bound tails.

    Args:
        base: repeats of one load, the baseline; at least one.
        other: repeats of the same load.
        comparisons: how many are made in all; the confidence is divided among them (Bonferroni).
    """
    confidence = 1 - (1 - CONFIDENCE) / comparisons
    scenario = base[0].scenario
    found: list[Change | None] = []
    for name, figure, unit in _RATES if closed_loop(scenario) else ():
        first, second = (_pooled([_rate(result, figure) for result in side]) for side in (base, other))
        if first is not None and second is not None:
            found.append(compared(name, unit, "higher", first, second, decisive=True, confidence=confidence))
            break
    for key in _MEDIANS.get(scenario, _USUAL):
        first, second = (_pooled([_median(result, key) for result in side]) for side in (base, other))
        if first is not None and second is not None:
            name = f"{_NAMES[key]}, median"
            found.append(compared(name, "ms", "lower", first, second, decisive=True, confidence=confidence))
    return [change for change in found if change is not None]


def _rate(result: Result, name: str) -> Estimate | None:
    figure = result.figures.get(name)
    return None if figure is None else estimate_of(figure)


def _median(result: Result, key: str) -> Estimate | None:
    value = result.latency.get(key)
    return None if value is None else percentile(value, "p50").scaled(1e-6)


def _pooled(repeats: Sequence[Estimate | None]) -> Estimate | None:
    """The mean of the repeats; None where one has no value."""
    known = [repeat for repeat in repeats if repeat is not None]
    return over_repeats(known) if known and len(known) == len(repeats) else None
