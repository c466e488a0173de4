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
from assay.search.estimate import Limit, limit_of
from assay.search.history import Found, Probe, Run, Settings, Step, Stopped
from assay.search.sides import between, breaks, hopeless, most_broken, rate_that_came, shown, silent, surely_over
from assay.search.trial import FIRST_LOOK, STEADY_REQUESTS, telling_requests

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

Where the budget ends it before, the error of few requests is too small: even with 3.3 the intervals hold less often
than they should (docs/tune.md, by benchmarks/tune_budget.py).
"""
_HOPE, _EARLY_HOPE, _ONLY_HOPE = 0.5, 0.0, -1.0
"""Standard errors above the limit at which the first confirming run is: one too high is mended, one too low stays.

The second at most where the budget ends the probes before they are precise, and leaves time for one more such run; the
third where it leaves none.
"""
_KNOWN, _OF_SPARE = 3.0, 0.5
"""A precision of more than so many standard errors of the limit leaves room: within a budget, which has time for few
confirming runs, they are lower by so much of it."""
_BELOW = 2.0
"""How many standard errors what such a run confirms is below the highest rate that the precision leaves it: the less is
known of the limit, the more often a rate above it keeps every limit by chance."""
_FEWEST_LOOKED_AT = 1.25 * FIRST_LOOK
"""What a probe that finds a side has at least, however long that takes: some of them may not be known at its end."""
_MOST_CONFIRMING, _TO_ESTIMATE, _LEAST_DOWN = 5, 2, 0.5
_PART, _LEAST_PART, _BRACKET_PART = 0.5, 0.05, 0.05
"""Of the time that is left beside confirming runs, what one probe takes at most; of the budget, what is worth one, and
what one that finds a side takes at most: at an eighth of the limit a request takes eight times as long to come."""
_KEPT_RUNS = ((2.3, 0.5), (1.05, 0.6))
"""Confirming runs that the budget keeps time for, with what starting them takes, where that is no more than so much of
it: the first fails about as often as it holds, and may hold far below the limit."""
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
    low, _ = between(probes, settings.criteria)
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
    low, high = between(probes, settings.criteria)
    if all(silent(probe, settings.criteria) for probe in probes[-_MOST_SILENT:]) and len(probes) >= _MOST_SILENT:
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


def _refine(probes: Sequence[Probe], settings: Settings) -> Step:
    """Two or more short probes find about where the limit is; rounds of longer ones beside it then narrow it down."""
    limit = _limit(probes, settings)
    tried = [probe for probe in probes if probe.role == "confirm"]
    if tried and limit is not None:
        return _confirmed(tried, probes, settings, limit)
    if len(tried) >= _MOST_CONFIRMING:
        why = f"{len(tried)} confirming runs failed, the last too far below the other probes to say where the limit is"
        return Stopped("undecided", *shown(probes, settings.criteria), why)
    refined = [probe for probe in probes if probe.role == "refine"]
    if not refined:  # few probes are allowed, so that one confirmed what brackets say; no fit holds where it was
        last = probes[-1]
        rate, why = (last.rate, "held") if last.held else (last.rate / _STEP, "failed")
        why = f"a confirming run at {number_text(last.rate)} {why}, and no fit holds there"
        return Run(rate, "refine", _NEARING_REQUESTS, may_end=False, why=why)
    good = [probe for probe in refined if not hopeless(probe, settings.criteria)]
    if not good or good[-1] is not refined[-1]:
        why = f"{number_text(refined[-1].rate)} requests/s break a limit by far"
        return Run(refined[-1].rate / _STEP, "refine", _NEARING_REQUESTS, may_end=False, why=why)
    brackets = [probe for probe in probes if probe.role == "bracket"]
    near = next((n for n in range(_NEARING, len(good) + 1) if _is_near(brackets + good[:n], settings)), None)
    if near is not None and (step := _round(brackets, good, near, settings)) is not None:
        return step
    rate = refined[-1].rate if limit is None else _stepped(limit, refined[-1].rate)
    return Run(rate, "refine", _NEARING_REQUESTS, may_end=False, why="near the limit")


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
    if short := _held_so_far(tried):
        again = replace(_confirm(short.rate, settings, _too_few(short)), requests=short.enough)
        return again if len(tried) < _MOST_CONFIRMING else _unconfirmed(short, limit, settings)
    if len(tried) >= _MOST_CONFIRMING:
        low, high = shown(probes, settings.criteria)
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
    rate = min(limit.at(_early_hope(limit, settings, _EARLY_HOPE)), math.sqrt(held * failed))
    if rate < held * (1 + settings.precision / 2):
        return None
    return _confirm(rate, settings, f"{number_text(held)} requests/s held, and time is left")


def _held_so_far(probes: Sequence[Probe]) -> Probe | None:
    """The confirming run at the highest rate below those that failed that kept the limits in too few requests."""
    failed = min((probe.rate for probe in probes if probe.held is False and not probe.enough), default=math.inf)
    short = [probe for probe in probes if probe.enough and probe.rate < failed]
    return max(short, key=lambda probe: (probe.rate, len(probe.of_limits)), default=None)


def _too_few(short: Probe) -> str:
    kept = f"a run of {number_text(len(short.of_limits))} requests at {number_text(short.rate)}/s kept the limits"
    return f"{kept}, and {number_text(short.enough)} would show that it holds"


def _unconfirmed(short: Probe, limit: Limit, settings: Settings) -> Found:
    return _found(short.rate, limit, settings, confirmed=False, why=_too_few(short), enough=short.enough)


def _held(rate: float, limit: Limit, settings: Settings) -> Found:
    return _found(rate, limit, settings, confirmed=True, why="a confirming run held")


def _confirming(tried: Sequence[Probe], settings: Settings, limit: Limit, hope: float = _HOPE) -> Run:
    """A run at the rate found, or below where some failed: twice at the estimate that has them in, but by half a
    standard error to a whole one lower, then by two, then by four.

    One long queue in a run that failed moves the estimate by more than it should, and far below the other probes its
    error says nothing: hence the bounds.
    """
    spare = 0.0
    if settings.budget_s is not None:
        spare = _OF_SPARE * max(0.0, settings.precision - _KNOWN * limit.error)
    rate, why = limit.at(hope) * math.exp(-spare), "confirms the rate found"
    if tried:
        failed = min(probe.rate for probe in tried)
        to_estimate = min(max(math.log(failed / limit.rate) / limit.error, _LEAST_DOWN), 1.0)
        down = to_estimate if len(tried) <= _TO_ESTIMATE else 2.0 ** (len(tried) - _TO_ESTIMATE)
        rate = failed * math.exp(-max(spare, min(down * limit.error, math.log(_BRACKET))))
        why = f"a confirming run at {number_text(failed)} failed"
    return _confirm(rate, settings, why)


def _confirm(rate: float, settings: Settings, why: str) -> Run:
    least = max(settings.confirm_requests, telling_requests(settings.precision))
    return Run(rate, "confirm", max(least, math.ceil(rate * settings.confirm_s)), may_end=False, why=why)


def _early_hope(limit: Limit, settings: Settings, most: float) -> float:
    """Of a confirming run for which the limit isn't known well."""
    return min(most, settings.precision / limit.error - _BELOW)


def _found(rate: float, limit: Limit, settings: Settings, confirmed: bool, why: str, enough: int = 0) -> Found:
    precise = _SURE * limit.error <= settings.precision
    to_side = math.exp(settings.precision if precise else _SURE_EARLY * limit.error)
    return Found(
        rate, min(rate, limit.rate / to_side), max(rate, limit.rate * to_side), limit.name, confirmed, why, enough
    )


def narrowest(precision: float) -> float:
    """Logarithm of the ratio of an interval's ends, where the probes went on until they were as precise as that."""
    return 2 * precision


def _at_the_end(probes: Sequence[Probe], settings: Settings) -> Step:
    """What is known when the budget is spent."""
    limit, (low, high) = _limit(probes, settings), shown(probes, settings.criteria)
    held = max((probe.rate for probe in probes if probe.held), default=None)
    if limit is not None and held is not None:
        return _held(held, limit, settings)
    short = _held_so_far(probes)
    if limit is not None and short is not None:
        return _unconfirmed(short, limit, settings)
    if limit is not None and not (high is not None and limit.rate > high):  # a fit beyond what broke is a wrong one
        return _found(
            limit.rate, limit, settings, confirmed=False, why="the budget is spent before a confirming run held"
        )
    if held is not None and high is not None and held < high:
        broken = next(probe for probe in probes if probe.rate == high and breaks(probe, settings.criteria))
        why = "the budget is spent; a confirming run held at the highest rate that had kept the limits"
        return Found(held, held, high, most_broken(broken, settings.criteria), confirmed=True, why=why)
    if short is not None:
        return Stopped("budget", low, high, f"the budget is spent, and of what was found {_too_few(short)}")
    if low is None or high is None:
        return Stopped("budget", low, high, "the budget is spent before two rates were found that the limit is between")
    return Stopped("budget", low, high, "the budget is spent, and says no more than between which rates the limit is")


def _limit(probes: Sequence[Probe], settings: Settings) -> Limit | None:
    """Where the limit is, as far as it is known.

    A probe little above the capacity ends before its queue is long, so its latencies feign a higher limit. Longer
    ones mend that; where a budget leaves none, a fit beyond a rate at which a queue surely grew is none: the limit lies
    between that rate and the highest below it that was kept.
    """
    criteria = settings.criteria
    near = [probe.rate for probe in probes if probe.role != "bracket"]
    low, high = between(probes, criteria)
    centre = near[-1] if near else None if low is None or high is None else math.sqrt(low * high)
    fit = None if centre is None else limit_of(probes, criteria, centre)
    if fit is None or (settings.budget_s is None and settings.probes is None):
        return fit
    grew = min((one for one in probes if surely_over(one, probes, criteria)), key=rate_that_came, default=None)
    if grew is None or fit.rate <= rate_that_came(grew):
        return fit
    telling = [probe for probe in probes if len(probe.of_limits) >= STEADY_REQUESTS and not breaks(probe, criteria)]
    kept = max(
        (rate_that_came(probe) for probe in telling if rate_that_came(probe) < rate_that_came(grew)), default=None
    )
    if kept is None:
        return fit
    by_chance = 1 / math.sqrt(max(1, len(grew.of_limits)))  # of Poisson arrivals
    return replace(
        fit,
        rate=math.sqrt(kept * rate_that_came(grew)),
        error=max(math.log(rate_that_came(grew) / kept) / (2 * _SURE), by_chance),
    )


def _within_means(step: Run, probes: Sequence[Probe], settings: Settings, left_s: float, left: float) -> Run:
    """The step, cut so that time for confirming runs, and a probe for one, stay; where no other that could tell is
    left, such a run, at the highest rate that kept the limits if nothing better is known."""
    if step.role == "confirm":
        last = left <= 1 or left_s < _KEPT_RUNS[0][0] * step.requests / step.rate
        return _in_what_is_left(_surely_below(step, probes, settings) if last else step, probes, left_s)
    kept_s, runs = _kept_for_confirming(step.rate, settings)
    limit, (low, high) = _limit(probes, settings), between(probes, settings.criteria)
    spare_s, budget_s = _PART * (left_s - runs * kept_s), settings.budget_s
    if step.role == "bracket" and budget_s is not None:  # at the limit, where it isn't yet known, less is kept
        side_s = max(_BRACKET_PART * budget_s, _FEWEST_LOOKED_AT / step.rate)
        spare_s = side_s if high is None and left_s > side_s else min(spare_s, side_s)
    if left <= 1 or spare_s < max(_LEAST_PART * (budget_s or 0), FIRST_LOOK / step.rate):
        if limit is not None:
            last = left <= 1 or left_s < 2 * kept_s
            hope = _early_hope(limit, settings, _ONLY_HOPE if last else _EARLY_HOPE)
            run = _confirming([], settings, limit, hope=hope)
            if low is not None and hope < _ONLY_HOPE:  # the limit is hardly known, but that rate was seen to be kept
                run = _confirm(max(run.rate, min(low, limit.at(_ONLY_HOPE))), settings, run.why)
            return _in_what_is_left(run, probes, left_s)
        if low is not None and high is not None:
            run = _confirm(low, settings, f"{number_text(low)} requests/s kept the limits, and no probe more is left")
            return _in_what_is_left(run, probes, left_s)
        beside_one_s = _PART * (left_s - kept_s)
        spare_s = beside_one_s if beside_one_s >= FIRST_LOOK / step.rate else left_s
    most = step.rate * spare_s
    return step if step.requests <= most else replace(step, requests=max(1, int(most)))


def _surely_below(step: Run, probes: Sequence[Probe], settings: Settings) -> Run:
    """The last confirming run that there is time for: below what failed by the precision, to hold if any does."""
    tried = [probe for probe in probes if probe.role == "confirm"]
    if not tried or any(probe.held or probe.enough for probe in tried):
        return step
    rate = min(probe.rate for probe in tried) * math.exp(-settings.precision)
    return step if step.rate <= rate else _confirm(rate, settings, step.why)


def _kept_for_confirming(rate: float, settings: Settings) -> tuple[float, float]:
    """How long one such run takes, and how many are kept time for; where there is none for one that shows its rate,
    for one that is as long as asked for."""
    whole_s = _confirm(rate, settings, "").requests / rate
    budget_s = settings.budget_s or math.inf
    for runs, part in _KEPT_RUNS:
        if runs * whole_s <= part * budget_s:
            return whole_s, runs
    return max(settings.confirm_s, max(settings.confirm_requests, STEADY_REQUESTS) / rate), _KEPT_RUNS[0][0]


def _in_what_is_left(run: Run, probes: Sequence[Probe], left_s: float) -> Run:
    """The first confirming run takes all the time that is left where it is too short for one that shows its rate."""
    if left_s == math.inf or any(probe.role == "confirm" for probe in probes):
        return run
    return replace(run, requests=min(run.requests, max(STEADY_REQUESTS, int(left_s * run.rate))))
