"""Latency beyond percentiles: its distribution, by length, over time; and goodput."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from assay.analysis.rates import throughput
from assay.analysis.samples import MISSING, Samples
from assay.analysis.statistics import Floats, Ints, nearest_rank, percentile_intervals
from assay.benchmarks import ScenarioSpec

_LENGTH_GROUPS = 5
_LEAST_GROUP = 20
WINDOWS = 30
_HISTOGRAM_BINS = 60


@dataclass(frozen=True, eq=False)
class Histogram:
    """Shares of samples between edges."""

    edges: Floats
    shares: Floats


class LengthGroup(BaseModel):
    """Latency of the samples of one range of lengths."""

    model_config = ConfigDict(extra="forbid")

    from_tokens: int
    to_tokens: int
    n: int
    p50_ns: int
    p50_low: int | None
    p50_high: int | None
    p99_ns: int
    p99_low: int | None
    p99_high: int | None


class Goodput(BaseModel):
    """Samples that met both limits."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(description="whose limits")
    ttft_limit_ns: int
    tpot_limit_ns: int
    good: int
    issued: int
    share: float = Field(description="good / issued: a failed sample met no limit")
    samples_per_s: float
    low: float | None
    high: float | None


@dataclass(frozen=True, eq=False)
class OverTime:
    """Percentiles in equal windows of the run; None where a window has too few samples."""

    middles_s: list[float]
    p50_ns: list[float | None]
    p99_ns: list[float | None]


@dataclass(frozen=True)
class Limits:
    """Limits of TTFT and TPOT that a sample has to meet, ns."""

    ttft_ns: int
    tpot_ns: int


@dataclass
class LatencyAnalysis:
    """Everything about latency that isn't in `result.json`."""

    ttft_by_input: list[LengthGroup] = field(default_factory=list)
    latency_by_output: list[LengthGroup] = field(default_factory=list)
    tpot_by_output: list[LengthGroup] = field(default_factory=list)
    ttft_over_time: OverTime | None = None
    tpot_over_time: OverTime | None = None
    goodput: list[Goodput] = field(default_factory=list)


def analyse_latency(
    samples: Samples, spec: ScenarioSpec | None, issued: int, extra: Mapping[str, Limits] | None = None
) -> LatencyAnalysis:
    """By length, over time, and goodput under the scenario's limits and any `extra` ones, by name."""
    timed = samples.where((samples.first_ns != MISSING) & (samples.sent_ns != MISSING))
    if len(timed) == 0:
        return LatencyAnalysis()
    paced = timed.where(timed.has_tpot)
    limits = dict(extra or {})
    if spec is not None and spec.ttft_limit_ns is not None and spec.tpot_limit_ns is not None:
        limits = {"the scenario's limits": Limits(spec.ttft_limit_ns, spec.tpot_limit_ns)} | limits
    return LatencyAnalysis(
        ttft_by_input=by_length(timed.input_tokens, timed.service_ttft_ns),
        latency_by_output=by_length(timed.output_tokens, timed.service_latency_ns),
        tpot_by_output=by_length(paced.output_tokens, paced.tpot_ns),
        ttft_over_time=over_time(timed.sent_ns, timed.service_ttft_ns),
        tpot_over_time=over_time(paced.sent_ns, paced.tpot_ns) if len(paced) else None,
        goodput=[goodput(timed, name, limit, issued) for name, limit in limits.items()] if timed.paced else [],
    )


def by_length(lengths: Ints, values: Ints) -> list[LengthGroup]:
    """Percentiles of `values` in groups of equal size by length; fewer groups where there are few samples."""
    known = lengths >= 0
    lengths, values = lengths[known], values[known]
    count = min(_LENGTH_GROUPS, len(values) // _LEAST_GROUP)
    if count < 1:
        return []
    edges = np.unique(np.quantile(lengths, np.linspace(0, 1, count + 1), method="inverted_cdf"))
    groups = []
    for place, top in enumerate(edges[1:] if len(edges) > 1 else edges):
        bottom = edges[0] if place == 0 else edges[place] + 1
        own = values[(lengths >= bottom) & (lengths <= top)]
        if len(own):
            groups.append(_group(int(bottom), int(top), own))
    return groups


def _group(bottom: int, top: int, own: Ints) -> LengthGroup:
    ordered = np.sort(own)
    p50, p99 = percentile_intervals(own, ordered, (0.5, 0.99))
    return LengthGroup(
        from_tokens=bottom,
        to_tokens=top,
        n=len(own),
        p50_ns=nearest_rank(ordered, 0.5),
        p50_low=p50[0],
        p50_high=p50[1],
        p99_ns=nearest_rank(ordered, 0.99),
        p99_low=p99[0],
        p99_high=p99[1],
    )


def over_time(sent_ns: Ints, values: Ints, span_ns: tuple[int, int] | None = None, windows: int = WINDOWS) -> OverTime:
    """Median and 99th percentile in equal windows of the time of sending.

    Args:
        sent_ns: when each sample was sent.
        values: its latency.
        span_ns: the first and the last sending of what the windows divide; those of `sent_ns` if None.
        windows: how many there are.
    """
    begin, end = span_ns or (int(sent_ns.min()), int(sent_ns.max()))
    end += 1
    edges = np.linspace(begin, end, windows + 1)
    window = np.clip(np.searchsorted(edges, sent_ns, "right") - 1, 0, windows - 1)
    order = np.lexsort((values, window))
    bounds = np.searchsorted(window[order], np.arange(windows + 1))
    ordered = values[order]
    halves: list[float | None] = []
    tails: list[float | None] = []
    for first, after in pairwise(bounds):
        own = ordered[first:after]
        halves.append(nearest_rank(own, 0.5) if len(own) >= 5 else None)
        tails.append(nearest_rank(own, 0.99) if len(own) >= 100 else None)
    middles = ((edges[1:] + edges[:-1]) / 2 - begin) / 1e9
    return OverTime([float(m) for m in middles], halves, tails)


def goodput(samples: Samples, name: str, limits: Limits, issued: int) -> Goodput:
    """Samples that met the limits; one of fewer than two tokens has no TPOT, and meets that limit."""
    good = samples.ttft_ns <= limits.ttft_ns
    slow = np.zeros(len(samples), dtype=bool)
    slow[samples.has_tpot] = samples.tpot_ns > limits.tpot_ns
    good &= ~slow
    # The rate is over the whole run's time, so samples that missed the limits count as zero.
    speed = throughput(samples, samples.begin_ns, good.astype(np.float64))
    return Goodput(
        name=name,
        ttft_limit_ns=limits.ttft_ns,
        tpot_limit_ns=limits.tpot_ns,
        good=int(good.sum()),
        issued=issued,
        share=float(good.sum()) / issued if issued else 0.0,
        samples_per_s=speed.value,
        low=speed.low,
        high=speed.high,
    )


def histogram(values: Ints) -> Histogram:
    """Shares over bins of equal whole widths from the least to the 99.9th percentile; the last bin holds the rest.

    There are 60 bins at most, and about as many as the root of the number of values: bins of other widths would hold
    now three whole numbers, now four, and few values would make a comb.
    """
    ordered = np.sort(values)
    low, high = int(ordered[0]), int(nearest_rank(ordered, 0.999))
    bins = min(_HISTOGRAM_BINS, math.ceil(math.sqrt(len(ordered))))
    width = -(-(high + 1 - low) // bins)
    spaced = np.arange(low, high + 1 + width, width) - 0.5
    counts, edges = np.histogram(np.clip(ordered, low, high), spaced)
    return Histogram(edges, counts / len(ordered))
