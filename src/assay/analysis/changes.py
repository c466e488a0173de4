"""Quantities of two runs side by side: ratios with intervals, over whole runs and sample by sample."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from assay.analysis.distributions import percentile
from assay.analysis.expenses import COST
from assay.analysis.figures import estimate_of
from assay.analysis.rates import sample_rate, token_rate
from assay.analysis.run import RunAnalysis
from assay.analysis.samples import MISSING, Samples
from assay.analysis.statistics import CONFIDENCE, Estimate, Floats, Ints, mean, ratio
from assay.runs.result import Distribution
from assay.runs.scenarios import Scenario

Direction = Literal["higher", "lower", "neither"]
_LEAST_PAIRS = 20
_TAILS: dict[str, tuple[tuple[str, str], ...]] = {"Offline": (), "SingleStream": (("latency_ns", "p90"),)}
_SERVER_TAILS = (("ttft_ns", "p99"), ("tpot_ns", "p99"))
_EXPENSES: dict[str, tuple[str, Direction]] = {
    "mean_power_w": ("Mean power", "neither"),
    "joules_per_sample": ("Energy a sample", "lower"),
    "joules_per_output_token": ("Energy an output token", "lower"),
    COST: ("Cost of a million output tokens", "lower"),
}
_NAMES = {"ttft_ns": "TTFT", "service_ttft_ns": "TTFT from sending", "tpot_ns": "TPOT", "latency_ns": "Latency"}
_USUAL_MEDIANS = (("ttft_ns", "p50"), ("tpot_ns", "p50"))
# In Offline TTFT from the issue is the wait for a place.
_MEDIANS: dict[Scenario, tuple[tuple[str, str], ...]] = {
    "Offline": (("service_ttft_ns", "p50"), ("tpot_ns", "p50")),
    "SingleStream": (("ttft_ns", "p50"), ("latency_ns", "p50")),
}
DECIDES = "What decides is the rate where the load doesn't set it, else the latencies' medians and tails."
"""Of runs and of campaigns alike."""


class Change(BaseModel):
    """One quantity in both runs. `ratio` is the other run's over the baseline's."""

    model_config = ConfigDict(extra="forbid")

    quantity: str
    unit: str
    better: Direction
    baseline: float
    other: float
    ratio: float
    low: float | None
    high: float | None
    paired: int = Field(description="samples compared one by one; 0: not paired")
    decisive: bool = Field(description="counts for --fail-if-slower")

    @property
    def words(self) -> str:
        """Two runs differ only if the interval of their ratio excludes 1."""
        if self.low is None or self.high is None:
            return "not decided: too few samples"
        if self.low <= 1 <= self.high:
            return "no difference shown"
        up = self.low > 1
        if self.better == "neither":
            return "more" if up else "less"
        return "better" if up == (self.better == "higher") else "worse"

    def repeats_to_show(self, repeats: int) -> int | None:
        """How many repeats of each would show this ratio to be none of chance, were it the true one, going by what
        `repeats` of each leave open: an interval's reach falls with the root of their number. None where it is decided,
        or nothing is known of it."""
        if self.low is None or self.high is None or not self.low <= 1 <= self.high or self.ratio == 1:
            return None
        reach = math.log(self.high / self.low) / 2
        return math.ceil(repeats * (reach / math.log(self.ratio)) ** 2) + 1

    def slower_by(self, share: float) -> bool:
        """The whole interval lies beyond `share` on the worse side."""
        if self.low is None or self.high is None or not self.decisive:
            return False
        return self.high < 1 - share if self.better == "higher" else self.low > 1 + share


class Judged:
    """What `changes` say together, for --fail-if-slower."""

    if TYPE_CHECKING:  # a model's own field, in its own place
        changes: list[Change]

    @property
    def decided(self) -> bool:
        """Whether any quantity that counts has an interval."""
        return any(c.decisive and c.low is not None and c.high is not None for c in self.changes)

    def slower_by(self, share: float) -> list[Change]:
        """The changes that show the other to be slower by more than `share`."""
        return [change for change in self.changes if change.slower_by(share)]


@dataclass(frozen=True)
class Pair:
    """Two runs, both with samples."""

    base: RunAnalysis
    other: RunAnalysis

    @property
    def both(self) -> tuple[RunAnalysis, RunAnalysis]:
        return self.base, self.other


def changes(pair: Pair, comparisons: int | None = None) -> list[Change]:
    """Everything that can be compared: rates, medians and the tails that the scenario is judged by, and sample by
    sample. All their intervals hold together at 95 %: of eight at 95 % each, two runs of one system would often show
    a difference.

    Args:
        comparisons: how many share the confidence; by default as many as there are.
    """
    count = len(_changes(pair, CONFIDENCE)) if comparisons is None else comparisons
    return _changes(pair, shared_confidence(max(1, count)))


def shared_confidence(comparisons: int) -> float:
    """The confidence of each interval, so that as many hold together at 95 % (Bonferroni)."""
    return 1 - (1 - CONFIDENCE) / comparisons


def _changes(pair: Pair, confidence: float) -> list[Change]:
    parts = (_rates, _percentiles, _paired, _expenses)
    return [change for part in parts for change in part(pair, confidence) if change is not None]


def closed_loop(scenario: Scenario) -> bool:
    """Whether the rate is the system's own: under a given load it is the load's."""
    return scenario in ("Offline", "Concurrency")


def tails_of(scenario: Scenario) -> Sequence[tuple[str, str]]:
    """The latencies and percentiles by which a scenario is judged."""
    return _TAILS.get(scenario, _SERVER_TAILS)


def medians_of(scenario: Scenario) -> Sequence[tuple[str, str]]:
    """The latencies whose medians are compared: short runs can bound these where they can't bound tails."""
    return _MEDIANS.get(scenario, _USUAL_MEDIANS)


def latency_name(key: str, share: str) -> str:
    """Such as "TTFT, median" or "TTFT p99"."""
    return f"{_NAMES[key]}{', median' if share == 'p50' else f' {share}'}"


def _rates(pair: Pair, confidence: float) -> list[Change | None]:
    """Under a given load the rate is the load's, so it decides in a closed loop only: that of tokens where both know
    theirs, else that of samples."""
    closed = closed_loop(pair.base.record.scenario)
    base, other = pair.base.samples, pair.other.samples
    assert base is not None
    assert other is not None

    def between(name: str, unit: str, rate: Callable[[Samples], Estimate], *, decisive: bool) -> Change | None:
        return compared(name, unit, "higher", rate(base), rate(other), decisive=decisive, confidence=confidence)

    tokens = between("Output tokens/s", "tokens/s", token_rate, decisive=closed)
    return [between("Samples/s", "samples/s", sample_rate, decisive=closed and tokens is None), tokens]


def _percentiles(pair: Pair, confidence: float) -> list[Change | None]:
    """What decides where the load sets the rate."""
    found = []
    scenario = pair.base.record.scenario
    given = not closed_loop(scenario)
    for key, share in (*medians_of(scenario), *tails_of(scenario)):
        base, other = pair.base.result.latency.get(key), pair.other.result.latency.get(key)
        if base is not None and other is not None:
            name, first, second = latency_name(key, share), _in_ms(base, share), _in_ms(other, share)
            found.append(compared(name, "ms", "lower", first, second, decisive=given, confidence=confidence))
    return found


def _expenses(pair: Pair, confidence: float) -> list[Change | None]:
    """Energy where the same kind of hardware was metered, of the same nodes or of all; cost in the same currency."""
    metered = [(e.scope, e.nodes if e.unmetered else []) for run in pair.both if (e := run.result.energy) is not None]
    same_meters = len(metered) == 2 and metered[0] == metered[1]
    found = []
    for key, (name, better) in _EXPENSES.items():
        base, other = pair.base.result.figures.get(key), pair.other.result.figures.get(key)
        if base is None or other is None or base.unit != other.unit or not (same_meters or key == COST):
            continue
        first, second = estimate_of(base), estimate_of(other)
        found.append(compared(name, base.unit, better, first, second, decisive=False, confidence=confidence))
    return found


def _in_ms(value: Distribution, share: str) -> Estimate:
    """A percentile, ms, with the standard error that its interval implies."""
    return percentile(value, share).scaled(1e-6)


def compared(
    quantity: str,
    unit: str,
    better: Direction,
    base: Estimate,
    other: Estimate,
    *,
    decisive: bool,
    paired: int = 0,
    confidence: float = CONFIDENCE,
) -> Change | None:
    """One quantity in both; None where either isn't known."""
    between = ratio(other, base)
    if not np.isfinite(between.value):
        return None
    low, high = between.interval_at(confidence) or (None, None)
    return Change(
        quantity=quantity,
        unit=unit,
        better=better,
        baseline=base.value,
        other=other.value,
        ratio=between.value,
        low=low,
        high=high,
        paired=paired,
        decisive=decisive,
    )


def _paired(pair: Pair, confidence: float) -> list[Change | None]:
    """Quantities of single samples, compared sample by sample where both runs answered the same ones."""
    assert pair.base.samples is not None
    assert pair.other.samples is not None
    scenario = pair.base.record.scenario
    quantities: list[tuple[str, Direction, Any, bool]] = [
        ("TPOT, by sample", "lower", _tpot, scenario == "Offline"),
        ("TTFT from sending, by sample", "lower", _service_ttft, False),
        ("Latency from sending, by sample", "lower", _service_latency, scenario == "SingleStream"),
        ("Output tokens, by sample", "neither", _length, False),
    ]
    return [
        _pair_change(name, better, pair, values, decisive=decisive, confidence=confidence)
        for name, better, values, decisive in quantities
    ]


def _tpot(samples: Samples) -> tuple[Ints, Floats]:
    return samples.qsl_idx[samples.has_tpot], samples.tpot_ns / 1e6


def _service_ttft(samples: Samples) -> tuple[Ints, Floats]:
    timed = (samples.sent_ns != MISSING) & (samples.first_ns != MISSING)
    return samples.qsl_idx[timed], samples.service_ttft_ns[timed] / 1e6


def _service_latency(samples: Samples) -> tuple[Ints, Floats]:
    timed = samples.sent_ns != MISSING
    return samples.qsl_idx[timed], samples.service_latency_ns[timed] / 1e6


def _length(samples: Samples) -> tuple[Ints, Floats]:
    known = samples.output_tokens > 0
    return samples.qsl_idx[known], samples.output_tokens[known].astype(np.float64)


def _pair_change(
    quantity: str, better: Direction, pair: Pair, values: Any, *, decisive: bool, confidence: float
) -> Change | None:
    """The geometric mean of the samples' ratios."""
    assert pair.base.samples is not None
    assert pair.other.samples is not None
    base_idx, base = _by_sample(*values(pair.base.samples))
    other_idx, other = _by_sample(*values(pair.other.samples))
    _, left, right = np.intersect1d(base_idx, other_idx, return_indices=True)
    usable = (base[left] > 0) & (other[right] > 0)
    first, second = base[left][usable], other[right][usable]
    if len(first) < _LEAST_PAIRS:
        return None
    logs = np.log(second) - np.log(first)
    spread = mean(logs - logs.min() + 1.0)  # `mean` is for positive series; a shift leaves its error alone
    centre = Estimate(float(np.exp(logs.mean())), None)
    low = high = None
    if spread.se is not None:
        _, reach = Estimate(1.0, spread.se, spread.df).interval_at(confidence) or (0.0, np.inf)
        low, high = centre.value / reach, centre.value * reach
    unit = "tokens" if better == "neither" else "ms"
    return Change(
        quantity=quantity,
        unit=unit,
        better=better,
        baseline=float(first.mean()),
        other=float(second.mean()),
        ratio=centre.value,
        low=low,
        high=high,
        paired=len(first),
        decisive=decisive,
    )


def _by_sample(qsl_idx: Ints, values: Floats) -> tuple[Ints, Floats]:
    """One value a data-set sample: the mean over the times that it was issued."""
    unique, inverse, counts = np.unique(qsl_idx, return_inverse=True, return_counts=True)
    return unique, np.bincount(inverse, weights=values) / counts
