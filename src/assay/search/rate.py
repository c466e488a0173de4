"""Across probes: which rate to try next, and when the highest that keeps the criteria is found.

A function of the probes so far and nothing else, so a search that was killed goes on where it was. Doubling and halving
find two rates that the limit lies between; longer probes near the limit then narrow its interval (`estimate`) to the
precision asked for, or to what the budget allows; a confirming run of full length at the rate found has the last word.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from assay.digits import number_text, percent_text
from assay.search.criteria import Criterion
from assay.search.estimate import Limit, limit_of
from assay.search.history import Found, Probe, Run, Settings, Step, Stopped
from assay.search.trial import FIRST_LOOK, STEADY_REQUESTS

_BRACKET_REQUESTS, _NEARING_REQUESTS = 3000, 4000
"""At most, of a probe that finds on which side of the limit a rate is, and of one that finds about where it is."""
_ROUND_REQUESTS = (4000, 11_000)
"""Of each probe of a round: the fewest, and the most, which those of the first have."""
_BRACKET = 1.2
"""The ratio of two rates that the limit lies between, close enough to estimate where."""
_NEARING = 2
"""The fewest probes that find about where the limit is."""
_STEP = 1.08
"""By how much a rate may differ from the one that was measured before: a fit holds no farther."""
_ASIDE = (-0.33, 0.33, 1.0)
"""The rates of a round: so many times the precision beside the limit; rates apart show how fast things grow worse.

Rather above it: where 3 % are over a limit, as many requests say three times as much as where 0.3 % are.
"""
_FARTHEST_ASIDE = 0.03
"""Of a rate, where the precision is coarser: farther above a sharp limit a probe shows a queue that grows, no share."""
_SURE, _SURE_EARLY = 1.96, 3.3
"""Standard errors that must be within the precision, which the 95 % interval then is, however small the error: the
search stops where it looks small, by luck too, and goes down where a confirming run has bad luck.

Where the budget ends it before, the error of few requests is too small: with 3.3 the intervals held the rates of
simulated servers in 92 % of 160 searches with time for 40,000 requests (benchmarks/tune_budget.py).
"""
_HOPE, _EARLY_HOPE, _ONLY_HOPE = 0.5, 0.0, -1.0
"""Standard errors above the limit at which the first confirming run is: one too high is mended, one too low stays.

The second where the budget ends the probes before they are precise, and leaves time for one more such run; the third
where it leaves none.
"""
_MOST_CONFIRMING, _TO_ESTIMATE, _LEAST_DOWN = 5, 2, 0.5
_PART, _LEAST_PART = 0.4, 0.04
"""Of the time that is left beside confirming runs, what one probe takes at most; of the budget, what is worth one."""
_KEPT_RUNS = 2.3
"""Confirming runs that the budget keeps time for, with what starting them takes: the first fails about as often as it
holds, and may hold far below the limit."""
_OVER, _SLACK = 0.005, 1.02
"""Of the budget, too little for anything; of the time that is left, what a confirming run may take."""
_BELOW_CLIENT = 0.98
_MOST_SILENT = 2
"""Probes in a row that say nothing; the next wouldn't either."""


def decide(probes: Sequence[Probe], settings: Settings) -> Step:
    """The next probe, or the answer."""
    told = [probe for probe in probes if not probe.client_bound]
    client = _client_stands(probes)
    step = _decide(told, settings)
    if not isinstance(step, Run):
        return step
    if step.rate >= client:
        step = _below_client(step, told, settings, client)
        if isinstance(step, Stopped):
            return step
    left_s = math.inf if settings.budget_s is None else settings.budget_s - sum(probe.seconds for probe in probes)
    left = math.inf if settings.probes is None else settings.probes - len(probes)
    step = _within_means(step, told, settings, left_s, left)
    if (
        left <= 0
        or left_s < _OVER * (settings.budget_s or 0)
        or (step.role == "confirm" and step.requests / step.rate > _SLACK * left_s)
    ):
        return _at_the_end(told, settings)
    return step


def _client_stands(probes: Sequence[Probe]) -> float:
    """The lowest rate at which the client was in the way twice; once may be chance, so that a probe is repeated."""
    met = Counter(probe.rate for probe in probes if probe.client_bound)
    return min((rate for rate, times in met.items() if times > 1), default=math.inf)


def _below_client(step: Run, probes: Sequence[Probe], settings: Settings, client: float) -> Run | Stopped:
    """What follows where a client that could have shaped the figures is in the way of a step."""
    limit = _limit(probes, settings)
    if step.role != "bracket" and limit is not None and limit.rate < client:
        return replace(step, rate=_BELOW_CLIENT * client)
    low, _ = _between(probes, settings.criteria)
    why = f"the load generator could have shaped both runs at {number_text(client)} requests/s (client-bound)"
    if low is not None and client / low <= _BRACKET:
        return Stopped("client", low, None, why)
    return _bracket(client / 2 if low is None else math.sqrt(low * client), why)


def _decide(probes: Sequence[Probe], settings: Settings) -> Step:
    """Regardless of budget and client."""
    if not probes:
        return _bracket(settings.first_rate, "the first rate")
    if any(probe.role != "bracket" for probe in probes):
        return _refine(probes, settings)
    low, high = _between(probes, settings.criteria)
    if all(_silent(probe, settings.criteria) for probe in probes[-_MOST_SILENT:]) and len(probes) >= _MOST_SILENT:
        why = f"{_MOST_SILENT} probes in a row say nothing: of each fewer than {FIRST_LOOK} requests are known"
        return Stopped("undecided", low, high, why)
    if low is None and high is None:
        return _bracket(settings.first_rate, "the first rate again, since too few requests of it are known")
    if high is None:
        assert low is not None
        if low >= settings.highest_rate:
            return Stopped("everything holds", low, None, f"even {number_text(low)} requests/s keep the limits")
        return _bracket(min(2 * low, settings.highest_rate), f"{number_text(low)} requests/s keep the limits")
    if low is None:
        if high <= settings.lowest_rate:
            return Stopped("nothing holds", None, high, f"even {number_text(high)} requests/s break a limit")
        return _bracket(max(high / 2, settings.lowest_rate), f"{number_text(high)} requests/s break a limit")
    if high / low > _BRACKET:
        return _bracket(math.sqrt(low * high), f"the limit lies between {number_text(low)} and {number_text(high)}/s")
    return Run(math.sqrt(low * high), "refine", _NEARING_REQUESTS, may_end=False, why="near the limit")


def _bracket(rate: float, why: str) -> Run:
    return Run(rate, "bracket", _BRACKET_REQUESTS, may_end=True, why=why)


def _between(probes: Sequence[Probe], criteria: tuple[Criterion, ...]) -> tuple[float | None, float | None]:
    """The highest rate that keeps the criteria below all that don't, and the lowest that doesn't above it."""
    telling = [probe for probe in probes if not _silent(probe, criteria)]
    over = sorted(probe.rate for probe in telling if breaks(probe, criteria))
    under = sorted(probe.rate for probe in telling if not breaks(probe, criteria))
    high = over[0] if over else None
    low = max((rate for rate in under if high is None or rate < high), default=None)
    return low, high


def _shown(probes: Sequence[Probe], criteria: tuple[Criterion, ...]) -> tuple[float | None, float | None]:
    """As `_between`, of probes alone that are sure: what was seen of the others is no bound."""
    high = min((probe.rate for probe in probes if surely_over(probe, probes, criteria)), default=None)
    under = (probe.rate for probe in probes if probe.verdict == "under")
    return max((rate for rate in under if high is None or rate < high), default=None), high


def surely_over(probe: Probe, probes: Sequence[Probe], criteria: tuple[Criterion, ...]) -> bool:
    """Whether a probe's trial was sure that its rate is over, or its queue grew and the other probes bear that out.

    Slow swings feign a queue that grows. As many requests at rates as high, with neither that nor a limit broken, say
    that this one was such a swing.
    """
    if probe.verdict == "over" or not probe.grew:
        return probe.verdict == "over"
    high = [other for other in probes if _came(other) >= _came(probe) and not breaks(other, criteria)]
    return sum(len(other.of_limits) for other in high) < len(probe.of_limits)


def _came(probe: Probe) -> float:
    return probe.came or probe.rate


def breaks(probe: Probe, criteria: tuple[Criterion, ...]) -> bool:
    """Whether a probe broke a criterion: as its trial says, else by its queue or the share that was over."""
    if probe.verdict != "undecided":
        return probe.verdict == "over"
    if probe.grew:
        return True
    shares = (probe.of_limits > 1).mean(axis=0)
    return any(share > criterion.allowed for share, criterion in zip(shares, criteria, strict=True))


def _silent(probe: Probe, criteria: tuple[Criterion, ...]) -> bool:
    """Whether a probe has too few requests to say on which side its rate is; that it is far too high, few show."""
    if probe.verdict != "undecided" or probe.grew or len(probe.of_limits) >= FIRST_LOOK:
        return False
    return not len(probe.of_limits) or not _hopeless(probe, criteria)


def _refine(probes: Sequence[Probe], settings: Settings) -> Step:
    """Two or more short probes find about where the limit is; rounds of longer ones beside it then narrow it down."""
    limit = _limit(probes, settings)
    tried = [probe for probe in probes if probe.role == "confirm"]
    if tried and limit is not None:
        return _confirmed(tried, probes, settings, limit)
    if len(tried) >= _MOST_CONFIRMING:
        why = f"{len(tried)} confirming runs failed, the last too far below the other probes to say where the limit is"
        return Stopped("undecided", *_shown(probes, settings.criteria), why)
    refined = [probe for probe in probes if probe.role == "refine"]
    if not refined:  # few probes are allowed, so that one confirmed what brackets say; no fit holds where it was
        last = probes[-1]
        rate, why = (last.rate, "held") if last.held else (last.rate / _STEP, "failed")
        why = f"a confirming run at {number_text(last.rate)} {why}, and no fit holds there"
        return Run(rate, "refine", _NEARING_REQUESTS, may_end=False, why=why)
    good = [probe for probe in refined if not _hopeless(probe, settings.criteria)]
    if not good or good[-1] is not refined[-1]:
        why = f"{number_text(refined[-1].rate)} requests/s break a limit by far"
        return Run(refined[-1].rate / _STEP, "refine", _NEARING_REQUESTS, may_end=False, why=why)
    brackets = [probe for probe in probes if probe.role == "bracket"]
    near = next((n for n in range(_NEARING, len(good) + 1) if _is_near(brackets + good[:n], settings)), None)
    if near is not None and (step := _round(brackets, good, near, settings)) is not None:
        return step
    rate = refined[-1].rate if limit is None else _stepped(limit, refined[-1].rate)
    return Run(rate, "refine", _NEARING_REQUESTS, may_end=False, why="near the limit")


def _hopeless(probe: Probe, criteria: tuple[Criterion, ...]) -> bool:
    """Whether a probe says no more than that its rate is far too high."""
    shares = (probe.of_limits > 1).mean(axis=0) if len(probe.of_limits) else np.ones(len(criteria))
    return any(share > criterion.hopeless for share, criterion in zip(shares, criteria, strict=True))


def _is_near(probes: Sequence[Probe], settings: Settings) -> bool:
    limit = _limit(probes, settings)
    return limit is not None and abs(math.log(limit.rate / probes[-1].rate)) < math.log(_STEP) / 2


def _stepped(limit: Limit, centre: float) -> float:
    """Towards the limit, but no farther from what was measured than a fit holds."""
    return min(max(limit.rate, centre / _STEP), centre * _STEP)


def _round(brackets: list[Probe], good: list[Probe], near: int, settings: Settings) -> Run | None:
    """The next of the probes about the limit as it was known when their round began, or what follows the round."""
    into = (len(good) - near) % len(_ASIDE)
    before = good[: len(good) - into]
    limit = _limit(brackets + before, settings)
    if limit is None:
        return None
    within = _SURE * limit.error
    if into == 0 and len(good) > near and within <= settings.precision:
        return _confirming([], settings, limit)
    rate = _stepped(limit, before[-1].rate) * (1 + _ASIDE[into] * min(settings.precision, _FARTHEST_ASIDE))
    missing = sum(len(probe.of_limits) for probe in before) * ((within / settings.precision) ** 2 - 1) / len(_ASIDE)
    requests = int(np.clip(missing, *_ROUND_REQUESTS)) if len(before) > near else _ROUND_REQUESTS[1]
    why = f"{limit.name} breaks near {number_text(limit.rate)} requests/s, within {percent_text(within)}"
    return Run(rate, "refine", requests, may_end=False, why=why)


def _confirmed(tried: Sequence[Probe], probes: Sequence[Probe], settings: Settings, limit: Limit) -> Step:
    """What follows confirming runs."""
    held = max((probe.rate for probe in tried if probe.held), default=None)
    if held is not None:
        return _higher(held, tried, settings, limit) or _held(held, limit, settings)
    if len(tried) >= _MOST_CONFIRMING:
        low, high = _shown(probes, settings.criteria)
        if high is not None and limit.rate > high:
            why = f"{len(tried)} confirming runs failed, and the fit is above what broke"
            return Stopped("undecided", low, high, why)
        return _found(limit.rate, limit, settings, confirmed=False, why=f"{len(tried)} confirming runs failed")
    return _confirming(tried, settings, limit)


def _higher(held: float, tried: Sequence[Probe], settings: Settings, limit: Limit) -> Run | None:
    """One more confirming run, where the first was begun for want of time, not because the limit was known: at the
    limit as it is known now, or between the rates that held and failed. None where that is no other rate."""
    if settings.budget_s is None or _SURE * limit.error <= settings.precision or len(tried) >= _MOST_CONFIRMING:
        return None
    failed = min((probe.rate for probe in tried if not probe.held and probe.rate > held), default=math.inf)
    rate = min(limit.rate, math.sqrt(held * failed))
    if rate < held * (1 + settings.precision / 2):
        return None
    return _confirm(rate, settings, f"{number_text(held)} requests/s held, and time is left")


def _held(rate: float, limit: Limit, settings: Settings) -> Found:
    return _found(rate, limit, settings, confirmed=True, why="a confirming run held")


def _confirming(tried: Sequence[Probe], settings: Settings, limit: Limit, hope: float = _HOPE) -> Run:
    """A run at the rate found, or below where some failed: twice at the estimate that has them in, but by half a
    standard error to a whole one lower, then by two, then by four.

    One long queue in a run that failed moves the estimate by more than it should, and far below the other probes its
    error says nothing: hence the bounds.
    """
    rate, why = limit.at(hope), "confirms the rate found"
    if tried:
        failed = min(probe.rate for probe in tried)
        to_estimate = min(max(math.log(failed / limit.rate) / limit.error, _LEAST_DOWN), 1.0)
        down = to_estimate if len(tried) <= _TO_ESTIMATE else 2.0 ** (len(tried) - _TO_ESTIMATE)
        rate = failed * math.exp(-min(down * limit.error, math.log(_BRACKET)))
        why = f"a confirming run at {number_text(failed)} failed"
    return _confirm(rate, settings, why)


def _confirm(rate: float, settings: Settings, why: str) -> Run:
    requests = max(settings.confirm_requests, math.ceil(rate * settings.confirm_s), STEADY_REQUESTS)
    return Run(rate, "confirm", requests, may_end=False, why=why)


def _found(rate: float, limit: Limit, settings: Settings, confirmed: bool, why: str) -> Found:
    precise = _SURE * limit.error <= settings.precision
    to_side = math.exp(settings.precision if precise else _SURE_EARLY * limit.error)
    return Found(rate, min(rate, limit.rate / to_side), max(rate, limit.rate * to_side), limit.name, confirmed, why)


def narrowest(precision: float) -> float:
    """Logarithm of the ratio of an interval's ends, where the probes went on until they were as precise as that."""
    return 2 * precision


def _at_the_end(probes: Sequence[Probe], settings: Settings) -> Step:
    """What is known when the budget is spent."""
    limit, (low, high) = _limit(probes, settings), _shown(probes, settings.criteria)
    held = max((probe.rate for probe in probes if probe.held), default=None)
    if limit is not None and held is not None:
        return _held(held, limit, settings)
    if limit is not None and not (high is not None and limit.rate > high):  # a fit beyond what broke is a wrong one
        return _found(
            limit.rate, limit, settings, confirmed=False, why="the budget is spent before a confirming run held"
        )
    if held is not None and high is not None and held < high:
        broken = next(probe for probe in probes if probe.rate == high and breaks(probe, settings.criteria))
        why = "the budget is spent; a confirming run held at the highest rate that had kept the limits"
        return Found(held, held, high, _most_broken(broken, settings.criteria), confirmed=True, why=why)
    if low is None or high is None:
        return Stopped("budget", low, high, "the budget is spent before two rates were found that the limit is between")
    return Stopped("budget", low, high, "the budget is spent, and says no more than between which rates the limit is")


def _most_broken(probe: Probe, criteria: tuple[Criterion, ...]) -> str:
    shares = (probe.of_limits > 1).mean(axis=0) if len(probe.of_limits) else np.ones(len(criteria))
    most = max(zip(shares, criteria, strict=True), key=lambda each: each[0] / each[1].allowed)
    return most[1].name


def _limit(probes: Sequence[Probe], settings: Settings) -> Limit | None:
    """Where the limit is, as far as it is known.

    A probe little above the capacity ends before its queue is long, so its latencies feign a higher limit. Longer
    ones mend that; where a budget leaves none, a fit beyond a rate at which a queue surely grew is none: the limit lies
    between that rate and the highest below it that was kept.
    """
    criteria = settings.criteria
    near = [probe.rate for probe in probes if probe.role != "bracket"]
    low, high = _between(probes, criteria)
    centre = near[-1] if near else None if low is None or high is None else math.sqrt(low * high)
    fit = None if centre is None else limit_of(probes, criteria, centre)
    if fit is None or (settings.budget_s is None and settings.probes is None):
        return fit
    grew = min((one for one in probes if surely_over(one, probes, criteria)), key=_came, default=None)
    if grew is None or fit.rate <= _came(grew):
        return fit
    telling = [probe for probe in probes if len(probe.of_limits) >= STEADY_REQUESTS and not breaks(probe, criteria)]
    kept = max((_came(probe) for probe in telling if _came(probe) < _came(grew)), default=None)
    if kept is None:
        return fit
    by_chance = 1 / math.sqrt(max(1, len(grew.of_limits)))  # of Poisson arrivals
    return replace(
        fit, rate=math.sqrt(kept * _came(grew)), error=max(math.log(_came(grew) / kept) / (2 * _SURE), by_chance)
    )


def _within_means(step: Run, probes: Sequence[Probe], settings: Settings, left_s: float, left: float) -> Run:
    """The step, cut so that time for two confirming runs, and a probe for one, stay; where no other that could tell is
    left, such a run, at the highest rate that kept the limits if nothing better is known."""
    if step.role == "confirm":
        return step
    kept_s = max(settings.confirm_s, max(settings.confirm_requests, STEADY_REQUESTS) / step.rate)
    spare_s = _PART * (left_s - _KEPT_RUNS * kept_s)
    if left <= 1 or spare_s < max(_LEAST_PART * (settings.budget_s or 0), FIRST_LOOK / step.rate):
        limit, (low, high) = _limit(probes, settings), _between(probes, settings.criteria)
        if limit is not None:
            last = left <= 1 or left_s < 2 * kept_s
            return _confirming([], settings, limit, hope=_ONLY_HOPE if last else _EARLY_HOPE)
        if low is not None and high is not None:
            return _confirm(low, settings, f"{number_text(low)} requests/s kept the limits, and no probe more is left")
        beside_one_s = _PART * (left_s - kept_s)
        spare_s = beside_one_s if beside_one_s >= FIRST_LOOK / step.rate else left_s
    most = step.rate * spare_s
    return step if step.requests <= most else replace(step, requests=max(1, int(most)))
