"""Searches that a budget ends before the rate is known as precisely as asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from assay.search import Criterion, Found, Probe, Run, Settings, Step, decide
from assay.search.estimate import limit_of

SETTINGS = Settings((Criterion("TTFT", 0.01), Criterion("TPOT", 0.01)), 10.0, budget_s=1500.0, confirm_s=150.0)
LIMIT, CAPACITY = 13.0, 11.5
"""A second: where 1 % are over the limit in probes too short for a long queue, and from where on their queues grow."""


def sharp(run: Run, seed: int) -> Probe:
    """Latencies that feign a limit above the capacity."""
    random = np.random.default_rng(seed)
    ttft = (run.rate / LIMIT) ** 4 * np.exp(0.3 * (random.standard_normal(run.requests) - 2.326))
    grew = run.rate > CAPACITY
    return Probe(
        run.rate,
        run.role,
        run.requests / run.rate,
        np.column_stack([ttft, np.full(run.requests, 0.3)]),
        "over" if run.may_end and (ttft > 1).mean() > 0.02 else "under" if run.may_end and not grew else "undecided",
        held=not grew if run.role == "confirm" else None,
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


def test_the_first_confirming_run_is_at_the_estimate_where_there_is_time_for_another() -> None:
    settings = replace(SETTINGS, budget_s=200.0, confirm_s=1.0)
    probes, found = search(settings, steady)
    first = next(place for place, probe in enumerate(probes) if probe.role == "confirm")
    fit = limit_of(probes[:first], SETTINGS.criteria, probes[first - 1].rate)
    assert fit is not None
    assert 1.96 * fit.error > settings.precision, "the budget ended the probes"
    assert probes[first].rate == pytest.approx(fit.rate)
    assert isinstance(found, Found)
    assert found.confirmed


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
    return replace(probe, grew=False, held=run.rate < LIMIT if run.role == "confirm" else None)


@pytest.mark.parametrize("holds", [True, False])
def test_a_run_that_held_far_below_the_estimate_is_followed_by_one_nearer_to_it_while_there_is_time(
    holds: bool,
) -> None:
    probes, _ = search(SETTINGS, steady)
    before = [probe for probe in probes if probe.role != "confirm"]
    low = sharp(Run(10.5, "confirm", 1575, may_end=False, why=""), 99)
    tried = [*before, low]
    more = replace(SETTINGS, budget_s=sum(probe.seconds for probe in tried) + 200)
    fit = limit_of(tried, SETTINGS.criteria, low.rate)
    assert fit is not None
    step = decide(tried, replace(more, precision=1.9 * fit.error))
    assert isinstance(step, Run)
    assert step.role == "confirm"
    assert step.rate == pytest.approx(fit.rate)

    last = replace(sharp(step, 100), held=holds, grew=False)
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
