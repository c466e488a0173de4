"""Across probes: which rate to try next, and when the highest that keeps the criteria is found.

A function of the probes so far and nothing else, so a search that was killed goes on where it was. Doubling and halving
find two rates that the limit lies between; longer probes near the limit then narrow its interval (`estimate`) to the
precision asked for, or to what the budget allows; a confirming run of full length at the rate found has the last word.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from assay.digits import number_text, percent_text
from assay.search.criteria import Criterion
from assay.search.estimate import Limit, limit_of
from assay.search.history import Found, Probe, Run, Settings, Step, Stopped

_BRACKET_REQUESTS = 3000
_REFINE_REQUESTS = 12_000
_BRACKET = 1.2
"""The ratio of two rates that the limit lies between, close enough to estimate where."""
_SURE = 1.96
_STOP = 2.58
_CAUTION, _DOWN = 0.5, 1.0
_FEWEST_NEAR = 2
_STEP = 1.08
_BUDGET_PARTS = 4


def decide(probes: Sequence[Probe], settings: Settings) -> Step:
    """The next probe, or the answer."""
    told = [probe for probe in probes if not probe.client_bound]
    client = min((probe.rate for probe in probes if probe.client_bound), default=math.inf)
    step = _decide(told, settings)
    left_s = _left_s(probes, settings)
    if isinstance(step, Run) and step.rate >= client:
        low, _ = _between(told, settings.criteria)
        return Stopped("client", low, None, f"the client can't keep up {client:g} requests/s; the server may")
    if isinstance(step, Run) and (left_s <= 0 or len(probes) >= (settings.probes or math.inf)):
        return _at_the_end(told, settings)
    return _within_budget(step, left_s)


def _decide(probes: Sequence[Probe], settings: Settings) -> Step:
    """Regardless of budget and client."""
    if not probes:
        return _bracket(settings.first_rate, "the first rate")
    if any(probe.role != "bracket" for probe in probes):
        return _refine(probes, settings)
    low, high = _between(probes, settings.criteria)
    if high is None:
        assert low is not None
        if low >= settings.highest_rate:
            return Stopped("everything holds", low, None, f"even {low:.4g} requests/s keep the limits")
        return _bracket(min(2 * low, settings.highest_rate), f"{low:.4g} requests/s keep the limits")
    if low is None:
        if high <= settings.lowest_rate:
            return Stopped("nothing holds", None, high, f"even {high:.4g} requests/s break a limit")
        return _bracket(max(high / 2, settings.lowest_rate), f"{high:.4g} requests/s break a limit")
    if high / low > _BRACKET:
        return _bracket(math.sqrt(low * high), f"the limit lies between {low:.4g} and {high:.4g} requests/s")
    return Run(math.sqrt(low * high), "refine", _REFINE_REQUESTS, may_end=False, why="near the limit")


def _bracket(rate: float, why: str) -> Run:
    return Run(rate, "bracket", _BRACKET_REQUESTS, may_end=True, why=why)


def _between(probes: Sequence[Probe], criteria: tuple[Criterion, ...]) -> tuple[float | None, float | None]:
    """The highest rate that keeps the criteria below all that don't, and the lowest that doesn't above it."""
    over = sorted(probe.rate for probe in probes if breaks(probe, criteria))
    under = sorted(probe.rate for probe in probes if not breaks(probe, criteria))
    high = over[0] if over else None
    low = max((rate for rate in under if high is None or rate < high), default=None)
    return low, high


def breaks(probe: Probe, criteria: tuple[Criterion, ...]) -> bool:
    """Whether a probe broke a criterion: as its trial says, else by the share that was over."""
    if probe.verdict != "undecided" or not len(probe.of_limits):
        return probe.verdict == "over"
    shares = (probe.of_limits > 1).mean(axis=0)
    return any(share > criterion.allowed for share, criterion in zip(shares, criteria, strict=True))


def _refine(probes: Sequence[Probe], settings: Settings) -> Step:
    near = [probe for probe in probes if probe.role != "bracket"]
    centre = near[-1].rate
    limit = limit_of(probes, settings.criteria, centre)
    if limit is None:
        return Run(centre, "refine", _REFINE_REQUESTS, may_end=False, why="near the limit")
    rate = min(max(limit.rate, centre / _STEP), centre * _STEP)
    limit = limit_of(probes, settings.criteria, rate) or limit
    within = _STOP * limit.error
    measured = sum(abs(math.log(probe.rate / limit.rate)) < settings.precision for probe in near)
    if within > settings.precision or measured < _FEWEST_NEAR:
        rate = min(max(limit.rate, centre / _STEP), centre * _STEP)
        why = (
            f"{limit.name} breaks near {number_text(limit.rate)} requests/s, within {percent_text(_SURE * limit.error)}"
        )
        return Run(rate, "refine", _REFINE_REQUESTS, may_end=False, why=why)
    return _confirm(near, settings, limit)


def _confirm(probes: Sequence[Probe], settings: Settings, limit: Limit) -> Step:
    tried = [probe for probe in probes if probe.role == "confirm"]
    held = max((probe.rate for probe in tried if probe.held), default=None)
    failed = min((probe.rate for probe in tried if not probe.held), default=None)
    if held is not None:
        return _found(held, limit, confirmed=True, why="a confirming run held")
    rate, why = limit.at(-_CAUTION), "confirms the rate found"
    if failed is not None:
        rate = min(rate, failed * math.exp(-_DOWN * limit.error))
        why = f"a confirming run at {number_text(failed)} failed"
    requests = max(settings.confirm_requests, math.ceil(rate * settings.confirm_s), 1)
    return Run(rate, "confirm", requests, may_end=False, why=why)


def _found(rate: float, limit: Limit, confirmed: bool, why: str) -> Found:
    return Found(rate, min(rate, limit.at(-_SURE)), max(rate, limit.at(_SURE)), limit.name, confirmed, why)


def _at_the_end(probes: Sequence[Probe], settings: Settings) -> Step:
    """What is known when the budget is spent."""
    low, high = _between(probes, settings.criteria)
    if low is None or high is None:
        return Stopped("budget", low, high, "the budget is spent before two rates were found that the limit is between")
    limit = limit_of(probes, settings.criteria, math.sqrt(low * high))
    if limit is None:
        return Stopped("budget", low, high, "the budget is spent: the limit is between two rates")
    return _found(limit.rate, limit, confirmed=False, why="the budget is spent before a confirming run held")


def _left_s(probes: Sequence[Probe], settings: Settings) -> float:
    return math.inf if settings.budget_s is None else settings.budget_s - sum(probe.seconds for probe in probes)


def _within_budget(step: Step, left_s: float) -> Step:
    """A probe takes at most a part of the time that is left; a confirming run is as long as it must be."""
    if not isinstance(step, Run) or step.role == "confirm" or math.isinf(left_s):
        return step
    most = max(1, int(step.rate * left_s / _BUDGET_PARTS))
    return Run(step.rate, step.role, min(step.requests, most), step.may_end, step.why)
