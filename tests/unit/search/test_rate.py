"""From probes to the next probe, and to the answer."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from assay.search import Criterion, Found, Probe, Run, Settings, Step, Stopped, Verdict, decide

SETTINGS = Settings((Criterion("TTFT", 0.01), Criterion("TPOT", 0.01)), first_rate=1.0, confirm_requests=5000)
LIMIT = 13.0
"""A second; where 1 % are over the TTFT limit. TPOT stays far from its own."""


def measured(run: Run, seed: int, limit: float = LIMIT) -> Probe:
    """Independent requests of which the TTFT grows by the fourth power of the rate, and varies by a lognormal."""
    random, rate = np.random.default_rng(seed), run.rate
    ttft = (rate / limit) ** 4 * np.exp(0.3 * (random.standard_normal(run.requests) - 2.326))
    of_limits = np.column_stack([ttft, np.full(run.requests, 0.3)])
    share = float((ttft > 1).mean())
    verdict: Verdict = "undecided" if not run.may_end else "over" if share > 0.02 else "under"
    return Probe(
        rate, run.role, run.requests / rate, of_limits, verdict, share <= 0.01 if run.role == "confirm" else None
    )


def search(
    settings: Settings = SETTINGS, measure: Callable[[Run, int], Probe] = measured, most: int = 60
) -> tuple[list[Probe], Step]:
    probes: list[Probe] = []
    while isinstance(step := decide(probes, settings), Run) and len(probes) < most:
        probes.append(measure(step, len(probes)))
    return probes, step


def test_the_limit_is_found_within_the_precision_and_confirmed() -> None:
    probes, found = search()
    assert isinstance(found, Found)
    assert found.confirmed
    assert found.bound_by == "TTFT"
    assert found.rate == pytest.approx(LIMIT, rel=0.03)
    assert found.low <= found.rate <= found.high
    assert probes[-1].role == "confirm"
    assert probes[-1].held
    assert len(probes[-1].of_limits) >= 5000


def test_a_search_that_was_killed_goes_on_where_it_was() -> None:
    probes, found = search()
    for done in range(len(probes)):
        step = decide(probes[:done], SETTINGS)
        assert isinstance(step, Run)
        assert (step.rate, step.role) == (probes[done].rate, probes[done].role)
    assert decide(probes, SETTINGS) == found


def test_a_first_rate_far_above_the_limit_is_halved() -> None:
    _, found = search(replace(SETTINGS, first_rate=500.0))
    assert isinstance(found, Found)
    assert found.rate == pytest.approx(LIMIT, rel=0.03)


def test_a_failed_confirmation_goes_down() -> None:
    def strict(run: Run, seed: int) -> Probe:
        probe = measured(run, seed)
        return replace(probe, held=probe.rate < 0.97 * LIMIT) if run.role == "confirm" else probe

    probes, found = search(measure=strict)
    confirming = [probe.rate for probe in probes if probe.role == "confirm"]
    assert isinstance(found, Found)
    assert found.confirmed
    assert found.rate == confirming[-1] < 0.97 * LIMIT
    assert confirming == sorted(confirming, reverse=True)
    assert len(confirming) > 1


def test_a_client_that_cannot_keep_up_is_no_limit_of_the_server() -> None:
    def bound(run: Run, seed: int) -> Probe:
        probe = measured(run, seed)
        return replace(probe, client_bound=True, verdict="over") if run.rate > 6 else probe

    probes, end = search(measure=bound)
    assert isinstance(end, Stopped)
    assert end.because == "client"
    assert (end.low, end.high) == (4.0, None)
    assert "client" in end.why
    assert probes[-1].rate == 8.0


@pytest.mark.parametrize(
    ("limit", "because"), [(1e-9, "nothing holds"), (1e12, "everything holds")], ids=["nothing", "everything"]
)
def test_a_limit_out_of_reach_is_said(limit: float, because: str) -> None:
    settings = replace(SETTINGS, lowest_rate=0.1, highest_rate=50.0)
    _, end = search(settings, lambda run, seed: measured(run, seed, limit))
    assert isinstance(end, Stopped)
    assert end.because == because


@pytest.mark.parametrize("most", range(1, 9))
def test_no_more_probes_than_allowed(most: int) -> None:
    probes, end = search(replace(SETTINGS, probes=most))
    assert len(probes) <= most
    assert isinstance(end, Found | Stopped)
    if isinstance(end, Found) and not end.confirmed:
        assert end.high / end.low > 1


def test_a_budget_shortens_probes_and_ends_the_search() -> None:
    probes, end = search(replace(SETTINGS, budget_s=600.0))
    spent = [sum(probe.seconds for probe in probes[:count]) for count in range(len(probes) + 1)]
    assert all(before < 600 for before in spent[:-1])
    assert isinstance(end, Found | Stopped)
    assert math.isfinite(spent[-1])
