"""Cold start, ramp-up, steady window and tail of a run, by a stated rule, and what each does to the headline."""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from assay.analysis.samples import MISSING, Samples
from assay.analysis.statistics import Estimate, Floats, mean, ratio, ratio_of_sums
from assay.analysis.timeline import BINS, timeline, tokens_by
from assay.runs.scenarios import Scenario, is_paced

_FULL = 0.9
_STEPS = 10
"""Mean times between tokens that samples must have been sent over, for theirs to be a start's and not a moment's."""
RULE = (
    "The window starts where the marginal standard error of the rest of the token rate is smallest (MSER, White 1997; "
    f"{BINS} bins, at most half of them cut), and not before samples in flight reach 90 % of their 95th percentile. It "
    "ends where they last are at that mark; where arrivals follow a schedule "
    "(Server, Interactive, Rate, Trace), where the last sample is due."
)


class Phases(BaseModel):
    """The parts of a run, seconds since its first start, and their effect on the token rate."""

    model_config = ConfigDict(extra="forbid")

    rule: str = RULE
    duration_s: float
    steady_from_s: float
    steady_to_s: float
    steady_tokens_per_s: float
    steady_low: float | None
    steady_high: float | None
    headline_tokens_per_s: float
    start_cost: float = Field(description="share of the headline lost before the window, against the steady rate")
    tail_cost: float = Field(description="share of the headline lost after the window, against the steady rate")
    cold_ratio: float | None = Field(description="TPOT of the samples sent before the window over that within it")
    cold_low: float | None = None
    cold_high: float | None = None
    start_work_ratio: float | None = Field(
        default=None, description="tokens processed a second, input and output, before the window over those within it"
    )


def phases(samples: Samples, scenario: Scenario) -> Phases | None:
    """Find the steady window; None where the run has too few samples to tell (fewer than 50)."""
    if len(samples) < 50 or not samples.has_tpot.any():
        return None
    series = timeline(samples)
    rates, edges = series.total_tokens_per_s, series.edges_s
    begin, end = _window(rates, series.total_in_flight, samples, scenario, edges)
    steady = ratio_of_sums(rates[begin:end], np.ones(end - begin))
    duration = float(edges[-1])
    width = duration / BINS
    headline = float(rates.mean())
    cold = _cold_ratio(samples, samples.begin_ns + int(edges[begin] * 1e9))
    return Phases(
        duration_s=duration,
        steady_from_s=float(edges[begin]),
        steady_to_s=float(edges[end]),
        steady_tokens_per_s=steady.value,
        steady_low=steady.low,
        steady_high=steady.high,
        headline_tokens_per_s=headline,
        start_cost=_cost(rates[:begin], steady.value, width, duration),
        tail_cost=_cost(rates[end:], steady.value, width, duration),
        cold_ratio=cold.value if cold else None,
        cold_low=cold.low if cold else None,
        cold_high=cold.high if cold else None,
        start_work_ratio=_start_work_ratio(samples, edges[[0, begin, end]]),
    )


def _start_work_ratio(samples: Samples, edges_s: Floats) -> float | None:
    """Servers that begin with a full window of prompts decode slowly at first, but process no fewer tokens."""
    if edges_s[1] <= edges_s[0]:
        return None
    edges_ns = samples.begin_ns + edges_s * 1e9
    timed = samples.first_ns != MISSING
    inputs, _ = np.histogram(samples.first_ns[timed], edges_ns, weights=samples.input_tokens[timed])
    early, steady = (inputs + np.diff(tokens_by(samples, edges_ns))) / np.diff(edges_s)
    return float(early / steady) if steady > 0 else None


def _window(rates: Floats, in_flight: Floats, samples: Samples, scenario: Scenario, edges: Floats) -> tuple[int, int]:
    """Indices of the first bin within, and of the first after, the window."""
    full = _FULL * float(np.quantile(in_flight, 0.95))
    at_full = np.nonzero(in_flight >= full)[0]
    begin, end = 0, BINS
    if is_paced(scenario):
        last_due_s = (int(samples.start_ns.max()) - samples.begin_ns) / 1e9
        end = int(np.searchsorted(edges, last_due_s, "left"))
    elif len(at_full):
        begin, end = int(at_full[0]), int(at_full[-1]) + 1
    end = min(max(end, begin + 10), BINS)
    begin = min(max(begin, _mser(rates[:end])), BINS // 2, end - 10)
    return begin, end


def _mser(rates: Floats) -> int:
    """How many bins to cut from the front so that the standard error of the rest's mean is least."""
    most = len(rates) // 2
    costs = [rates[cut:].var() / (len(rates) - cut) for cut in range(most + 1)]
    return int(np.argmin(costs))


def _cost(rates: Floats, steady: float, width_s: float, duration_s: float) -> float:
    if steady <= 0 or len(rates) == 0:
        return 0.0
    return float(((steady - rates) * width_s).sum() / (steady * duration_s))


def _cold_ratio(samples: Samples, steady_from_ns: int) -> Estimate | None:
    """Mean TPOT of the samples sent before the window over that of those sent within it.

    None where either are few, or the window begins within some steps of the server: it was hardly measured before it.
    """
    early = samples.sent_ns[samples.has_tpot] < steady_from_ns
    if early.sum() < 10 or (~early).sum() < 10:
        return None
    tpot = samples.tpot_ns.astype(np.float64)
    if steady_from_ns - samples.begin_ns < _STEPS * tpot[~early].mean():
        return None
    return ratio(mean(tpot[early]), mean(tpot[~early]))
