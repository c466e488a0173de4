"""Searches that a budget ends before the rate is known as precisely as asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from assay.search import Criterion, Found, Probe, Run, Settings, Step, decide
from assay.search.estimate import Limit, limit_of
from assay.search.trial import telling_requests

SETTINGS = Settings((Criterion("TTFT", 0.01), Criterion("TPOT", 0.01)), 10.0, budget_s=1500.0, confirm_s=150.0)
LIMIT, CAPACITY = 13.0, 11.5
"""A second: where 1 % are over the limit in probes too short for a long queue, and from where on their queues grow."""


def sharp(run: Run, seed: int) -> Probe:
    """Latencies that feign a limit above the capacity."""
    random = np.random.default_rng(seed)
    ttft = (run.rate / LIMIT) ** 4 * np.exp(0.3 * (random.standard_normal(run.requests) - 2.326))
    grew, enough = run.rate > CAPACITY, telling_requests(SETTINGS.precision)
    return Probe(
        run.rate,
        run.role,
        run.requests / run.rate,
        np.column_stack([ttft, np.full(run.requests, 0.3)]),
        "over" if run.may_end and (ttft > 1).mean() > 0.02 else "under" if run.may_end and not grew else "undecided",
        held=not grew and run.requests >= enough if run.role == "confirm" else None,
        enough=enough if run.role == "confirm" and not grew and run.requests < enough else 0,
        grew=grew,
    )


def search(settings: Settings, measure: Callable[[Run, int], Probe] = sharp) -> tuple[list[Probe], Step]:
    probes: list[Probe] = []
    while isinstance(step := decide(probes, settings), Run) and len(probes) < 40:
        probes.append(measure(step, len(probes)))
    return probes, step


def test_a_fit_beyond_a_rate_at_which_a_queue_grew_is_none_and_what_is_told_is_below_it() -> None:
    probes, found = search(SETTINGS)
    grew = min(probe.rate for probe in probes if probe.grew)
    fit = limit_of(probes, SETTINGS.criteria, probes[-1].rate)
    assert fit is not None
    assert fit.rate > grew, "the latencies feign a limit above the capacity"
    assert isinstance(found, Found)
    assert found.confirmed
    assert found.low <= found.rate <= CAPACITY
    assert found.rate > 0.9 * CAPACITY


@pytest.mark.parametrize(("times", "hope"), [(1.2, -1.0), (0.5, -1.5)])
def test_the_less_is_known_of_the_limit_the_farther_below_it_is_the_only_confirming_run(
    times: float, hope: float
) -> None:
    """A rate too high may hold by chance: two standard errors below what the precision leaves it, one at least."""
    over = [one for one in search(SETTINGS, steady)[0] if one.role == "bracket" or one.rate > LIMIT]
    assert only_confirming(over, times) == pytest.approx(fitted(over).at(hope))


def test_the_only_confirming_run_is_not_far_below_a_rate_that_was_seen_to_be_kept() -> None:
    """A fit with an error of a sixth put it at 29 requests a second, where 40 had been kept and 41 broke."""
    probes = [one for one in search(SETTINGS, steady)[0] if one.role != "confirm"]
    before = [one for one in probes if one is not probes[4]]
    kept = before[-1].rate
    assert fitted(before).at(-1.5) < kept < fitted(before).at(-1.0)
    assert only_confirming(before, 0.5) == kept


def fitted(probes: list[Probe]) -> Limit:
    fit = limit_of(probes, SETTINGS.criteria, probes[-1].rate)
    assert fit is not None
    return fit


def only_confirming(before: list[Probe], times: float) -> float:
    """The rate of the last run that is allowed, where the precision is so many times the standard error."""
    precision = times * fitted(before).error
    step = decide(before, replace(SETTINGS, budget_s=None, probes=len(before) + 1, precision=precision))
    assert isinstance(step, Run)
    assert step.role == "confirm"
    return step.rate


def test_a_run_that_kept_the_limits_in_too_few_requests_is_followed_by_one_of_enough_and_is_no_bound() -> None:
    """Nothing failed, so the rate is tried again and none below it; without time it is an estimate."""
    probes, _ = search(SETTINGS, steady)
    before = [probe for probe in probes if probe.role != "confirm"]
    few = replace(sharp(Run(11.0, "confirm", 900, may_end=False, why=""), 99), held=False, enough=7000)
    settings = replace(SETTINGS, budget_s=None)
    again = decide([*before, few], settings)
    assert isinstance(again, Run)
    assert (again.role, again.rate, again.requests) == ("confirm", 11.0, 7000)
    assert again.why == "a run of 900 requests at 11/s kept the limits, and 7,000 would show that it holds"

    told = decide([*before, few], replace(settings, budget_s=sum(probe.seconds for probe in [*before, few]) + 100))
    assert isinstance(told, Found)
    assert (told.confirmed, told.rate, told.enough, told.why) == (False, 11.0, 7000, again.why)

    failed = replace(sharp(again, 100), held=False, grew=True)
    lower = decide([*before, few, failed], settings)
    assert isinstance(lower, Run)
    assert lower.rate < 11.0, "what failed outweighs what was too short"


def test_where_no_run_of_enough_requests_is_affordable_the_answer_says_how_many_that_is() -> None:
    settings = replace(SETTINGS, budget_s=300.0, confirm_s=30.0)
    probes, found = search(settings, lambda run, seed: keeping(sharp(run, seed)))
    assert [probe.role for probe in probes].count("confirm") == 1
    assert sum(probe.seconds for probe in probes) == pytest.approx(300, abs=1), "it takes what is left"
    assert isinstance(found, Found)
    assert not found.confirmed
    assert found.enough == 6945


def test_a_probe_far_below_the_limit_takes_little_of_the_budget() -> None:
    """There a request takes many times as long to come as at the limit, where the time is needed."""
    first = decide([], replace(SETTINGS, first_rate=1.0))
    assert isinstance(first, Run)
    assert first.requests == 125, "as many as tell something"
    assert isinstance(near := decide([], replace(SETTINGS, first_rate=10.0)), Run)
    assert near.requests / near.rate == pytest.approx(0.05 * 1500)


def test_the_only_confirming_run_is_below_the_estimate() -> None:
    probes, found = search(replace(SETTINGS, budget_s=None, probes=7), steady)
    assert [probe.role for probe in probes[-2:]] == ["refine", "confirm"]
    fit = limit_of(probes[:-1], SETTINGS.criteria, probes[-2].rate)
    assert fit is not None
    assert probes[-1].rate == pytest.approx(fit.at(-1.0))
    assert isinstance(found, Found)
    assert found.confirmed


def steady(run: Run, seed: int) -> Probe:
    """No queue grows; what holds is below the limit."""
    probe = sharp(run, seed)
    return keeping(probe) if run.rate < LIMIT else replace(probe, grew=False, enough=0)


def keeping(probe: Probe) -> Probe:
    """No queue grew in it, so that it holds where its requests are enough."""
    enough = telling_requests(SETTINGS.precision)
    confirms, few = probe.role == "confirm", len(probe.of_limits) < enough
    return replace(
        probe, grew=False, held=not few if confirms else probe.held, enough=enough if confirms and few else 0
    )


@pytest.mark.parametrize("holds", [True, False])
def test_a_run_that_held_far_below_the_estimate_is_followed_by_one_nearer_to_it_while_there_is_time(
    holds: bool,
) -> None:
    probes, _ = search(SETTINGS, steady)
    before = [probe for probe in probes if probe.role != "confirm"]
    low = replace(sharp(Run(10.5, "confirm", 1575, may_end=False, why=""), 99), held=True, enough=0)
    tried = [*before, low]
    more = replace(SETTINGS, budget_s=sum(probe.seconds for probe in tried) + 200)
    fit = limit_of(tried, SETTINGS.criteria, low.rate)
    assert fit is not None
    step = decide(tried, replace(more, precision=1.9 * fit.error))
    assert isinstance(step, Run)
    assert step.role == "confirm"
    assert step.rate == pytest.approx(fit.at(-0.1)), "two standard errors below what its precision leaves it"

    last = replace(sharp(step, 100), held=holds, enough=0, grew=False)
    found = decide([*tried, last], replace(more, precision=1.9 * fit.error))
    assert isinstance(found, Found)
    assert found.confirmed
    assert found.rate == (last.rate if holds else low.rate)


def test_two_probes_that_differ_in_nothing_but_their_latencies_are_told_apart() -> None:
    brackets = [sharp(Run(rate, "bracket", 3000, may_end=True, why=""), 1) for rate in (12.0, 14.0)]
    good = sharp(Run(13.0, "refine", 4000, may_end=False, why=""), 2)
    far = replace(good, of_limits=np.full_like(good.of_limits, 3.0))
    step = decide([*brackets, good, far], replace(SETTINGS, budget_s=None))
    assert isinstance(step, Run)
    assert step.rate < good.rate
    assert "by far" in step.why


def test_a_probe_that_grew_before_any_of_its_requests_was_known_bounds_the_search_too() -> None:
    probes, _ = search(SETTINGS)
    early = replace(probes[0], rate=11.0, verdict="over", grew=True, of_limits=np.empty((0, 2)), came=None)
    assert isinstance(decide([*(one for one in probes if one.role != "confirm"), early], SETTINGS), Run)


def test_where_the_precision_is_coarse_confirming_runs_use_it_to_hold() -> None:
    """Of a limit known to 2 % that is asked for to 10 %, a rate some per cent lower is as good, and surer to hold."""
    coarse = replace(SETTINGS, precision=0.1)
    probes, _ = search(coarse, steady)
    before = [probe for probe in probes if probe.role != "confirm"]
    fit = limit_of(before, SETTINGS.criteria, before[-1].rate)
    assert fit is not None
    spare = 0.1 - 3 * fit.error
    assert spare > 0.03, "the precision leaves room"
    first = probes[len(before)]
    assert first.rate < fit.rate * np.exp(-0.4 * spare)
    assert first.rate > fit.rate * np.exp(-0.1), "and is within it"
    again = decide([*before, replace(first, held=False, enough=0)], coarse)
    assert isinstance(again, Run)
    assert again.role == "confirm"
    assert again.rate < 0.985 * first.rate


@pytest.mark.parametrize(("left_s", "last"), [(250.0, True), (600.0, False)])
def test_the_last_confirming_run_that_there_is_time_for_is_below_what_failed_by_the_precision(
    left_s: float, last: bool
) -> None:
    """Both that there was time for were at rates 2 % apart, broke, and left a search of four minutes without a rate."""
    probes, _ = search(SETTINGS, steady)
    before = [probe for probe in probes if probe.role != "confirm"]
    failed = replace(sharp(Run(11.0, "confirm", 1650, may_end=False, why=""), 99), held=False, enough=0)
    spent_s = sum(probe.seconds for probe in [*before, failed])
    coarse = replace(SETTINGS, precision=0.1, budget_s=spent_s + left_s)
    step = decide([*before, failed], coarse)
    assert isinstance(step, Run)
    assert step.role == "confirm"
    if last:
        assert step.rate == pytest.approx(11.0 * np.exp(-0.1))
    else:
        assert step.rate > 11.0 * np.exp(-0.09)


def test_the_last_run_that_is_to_confirm_a_rate_kept_in_too_few_requests_is_at_that_rate() -> None:
    probes, _ = search(SETTINGS, steady)
    before = [probe for probe in probes if probe.role != "confirm"]
    failed = replace(sharp(Run(11.2, "confirm", 1650, may_end=False, why=""), 98), held=False, enough=0)
    short = replace(sharp(Run(11.0, "confirm", 300, may_end=False, why=""), 99), held=False, enough=625)
    coarse = replace(SETTINGS, precision=0.1, budget_s=sum(probe.seconds for probe in [*before, failed, short]) + 70)
    step = decide([*before, failed, short], coarse)
    assert isinstance(step, Run)
    assert (step.role, step.rate, step.requests) == ("confirm", 11.0, 625)
