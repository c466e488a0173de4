"""From probes to the next probe, and to the answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from assay.search import Criterion, Found, Probe, Role, Run, Settings, Step, Stopped, Verdict, confirmation, decide
from assay.search.estimate import limit_of

SETTINGS = Settings((Criterion("TTFT", 0.01), Criterion("TPOT", 0.01)), first_rate=1.0, confirm_requests=5000)
LIMIT = 13.0
"""A second; where 1 % are over the TTFT limit. TPOT stays far from its own."""
SETTINGS_OF_ONE = replace(SETTINGS, criteria=(Criterion("latency", 0.05),))


def measured(run: Run, seed: int, limit: float = LIMIT) -> Probe:
    """Independent requests of which the TTFT grows by the fourth power of the rate, and varies by a lognormal."""
    random, rate = np.random.default_rng(seed), run.rate
    ttft = (rate / limit) ** 4 * np.exp(0.3 * (random.standard_normal(run.requests) - 2.326))
    of_limits = np.column_stack([ttft, np.full(run.requests, 0.3)])
    share = float((ttft > 1).mean())
    shown = confirmation(of_limits, np.zeros(run.requests), SETTINGS.criteria, SETTINGS.precision)
    verdict: Verdict = "undecided" if not run.may_end else "over" if share > 0.02 else "under"
    return Probe(
        rate, run.role, run.requests / rate, of_limits, verdict, shown.held if run.role == "confirm" else None,
        shown.enough if run.role == "confirm" else 0,
    )  # fmt: skip


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


@pytest.mark.parametrize("precision", [0.02, 0.03, 0.08])
def test_the_interval_is_no_narrower_than_the_precision_at_which_the_search_chose_to_stop(precision: float) -> None:
    probes, found = search(replace(SETTINGS, precision=precision))
    assert isinstance(found, Found)
    fit = limit_of(probes, SETTINGS.criteria, probes[-1].rate)
    assert fit is not None
    assert 1.96 * fit.error < precision
    assert found.low == pytest.approx(fit.rate * np.exp(-precision))
    assert found.high == pytest.approx(fit.rate * np.exp(precision))


def test_where_the_budget_ends_a_search_its_interval_is_as_wide_as_what_is_known() -> None:
    probes, found = search(replace(SETTINGS, probes=8))
    assert isinstance(found, Found)
    fit = limit_of(probes, SETTINGS.criteria, probes[-1].rate)
    assert fit is not None
    tight = decide(probes, replace(SETTINGS, probes=8, precision=1e-6))
    assert isinstance(tight, Found)
    assert np.log(tight.high / tight.low) == pytest.approx(2 * 3.3 * fit.error, rel=0.01)


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
        return replace(probe, held=probe.rate < 0.98 * LIMIT) if run.role == "confirm" else probe

    probes, found = search(measure=strict)
    confirming = [probe.rate for probe in probes if probe.role == "confirm"]
    assert isinstance(found, Found)
    assert found.confirmed
    assert found.rate == confirming[-1] < 0.98 * LIMIT
    assert confirming == sorted(confirming, reverse=True)
    assert len(confirming) > 1


def test_one_long_queue_in_a_confirming_run_moves_the_rate_by_a_standard_error_at_most() -> None:
    def crowded(run: Run, seed: int) -> Probe:
        probe = measured(run, seed)
        if run.role != "confirm":
            return probe
        probe.of_limits[:2500, 0] = 5.0
        return replace(probe, held=False)

    probes, found = search(measure=crowded)
    first = next(place for place, probe in enumerate(probes) if probe.role == "confirm")
    for last in (first, first + 1):
        fit = limit_of(probes[: last + 1], SETTINGS.criteria, probes[last].rate)
        assert fit is not None
        assert fit.rate < fit.at(-1.0) * probes[last].rate / fit.rate, "the estimate moved by more"
        assert probes[last + 1].rate == pytest.approx(probes[last].rate * np.exp(-fit.error))
    confirming = [probe.rate for probe in probes if probe.role == "confirm"]
    assert np.divide(confirming[:-1], confirming[1:]).max() <= 1.2 + 1e-9, "also where the estimate says nothing"
    assert isinstance(found, Stopped)
    assert "too far below the other probes" in found.why


def test_a_round_of_probes_is_about_the_limit_and_rather_above_it() -> None:
    probes, _ = search()
    refined = [probe for probe in probes if probe.role == "refine"]
    longest = max(len(probe.of_limits) for probe in refined)
    first = [probe.rate for probe in refined if len(probe.of_limits) == longest][:3]
    assert np.divide(first, first[0]) == pytest.approx([1, 1.01 / 0.99, 1.03 / 0.99], rel=0.001)


def test_a_fit_above_rates_that_broke_for_sure_is_no_answer() -> None:
    def growing(run: Run, seed: int) -> Probe:
        probe = measured(run, seed)
        grew = run.role != "bracket" and run.rate > 0.97 * LIMIT
        return replace(probe, held=False if run.role == "confirm" else None, grew=grew)

    probes, stopped = search(measure=growing)
    assert isinstance(stopped, Stopped)
    assert stopped.because == "undecided"
    assert stopped.high == min(probe.rate for probe in probes if probe.grew)
    assert "confirming runs failed" in stopped.why


def test_a_queue_that_swings_for_longer_than_a_probe_lasts_is_no_bound() -> None:
    """One probe below the limit whose queue happened to rise: a fit above it is still an answer."""
    swung: list[float] = []

    def swings(run: Run, seed: int) -> Probe:
        probe = replace(measured(run, seed), held=False if run.role == "confirm" else None)
        if swung or run.role != "refine" or run.rate >= LIMIT:
            return probe
        swung.append(run.rate)
        return replace(probe, grew=True)

    probes, found = search(measure=swings)
    assert len(swung) == 1
    assert isinstance(found, Found)
    assert found.rate == pytest.approx(LIMIT, rel=0.03)
    assert found.rate > swung[0]
    assert next(probe for probe in probes if probe.grew).verdict == "undecided"


def test_a_queue_that_grew_says_on_which_side_of_the_limit_a_rate_is() -> None:
    kept = over_by(0.0, 10.0, "bracket", "under")
    grew = replace(over_by(0.0, 20.0, "bracket", "undecided"), grew=True)
    step = decide([kept, grew], SETTINGS_OF_ONE)
    assert isinstance(step, Run)
    assert 10.0 < step.rate < 20.0


def over_by(share: float, rate: float, role: Role, verdict: Verdict) -> Probe:
    """250 requests of which a share is over the limit."""
    of_limits = np.where(np.arange(250) < share * 250, 2.0, 0.5)[:, np.newaxis]
    return Probe(rate, role, 60.0, of_limits, verdict, False if role == "confirm" else None)


@pytest.mark.parametrize("probes", [None, 3])
def test_a_confirming_run_that_failed_before_any_probe_near_the_limit_is_no_end(probes: int | None) -> None:
    """Few probes are allowed, so that one confirmed what those on both sides said; no fit holds where it was."""
    settings = replace(SETTINGS, criteria=(Criterion("latency", 0.05),), probes=probes)
    before = [over_by(0.0, 10.0, "bracket", "under"), over_by(0.2, 11.9, "bracket", "over")]
    step = decide([*before, over_by(0.92, 11.5, "confirm", "over")], settings)
    if probes is None:
        assert isinstance(step, Run)
        assert step.rate < 11.5
        assert "a confirming run at 11.50 failed" in step.why
    else:
        assert isinstance(step, Stopped)
        assert (step.because, step.low, step.high) == ("budget", 10.0, 11.5)


def test_after_some_failed_confirmations_the_answer_is_unconfirmed() -> None:
    def strict(run: Run, seed: int) -> Probe:
        return replace(measured(run, seed), held=False if run.role == "confirm" else None)

    probes, found = search(measure=strict)
    assert isinstance(found, Found)
    assert not found.confirmed
    assert found.rate == pytest.approx(LIMIT, rel=0.03)
    assert [probe.role for probe in probes].count("confirm") == 5


def test_a_rate_far_too_high_is_left_at_once() -> None:
    def slow_to_show(run: Run, seed: int) -> Probe:
        probe = measured(run, seed)
        return replace(probe, verdict="under") if run.role == "bracket" and run.rate < 1.3 * LIMIT else probe

    probes, found = search(measure=slow_to_show)
    refined = [probe.rate for probe in probes if probe.role == "refine"]
    assert refined[0] > 1.2 * LIMIT
    assert refined[1] == pytest.approx(refined[0] / 1.08)
    assert isinstance(found, Found)
    assert found.rate == pytest.approx(LIMIT, rel=0.03)


def test_a_median_may_have_half_of_the_requests_over_it() -> None:
    settings = replace(SETTINGS, criteria=(Criterion("p50(ttft)", 0.5), Criterion("TPOT", 0.01)))
    _, found = search(settings, lambda run, seed: replace(measured(run, seed), verdict="undecided"))
    assert isinstance(found, Found)
    assert found.rate == pytest.approx(LIMIT * np.exp(0.3 * 2.326 / 4), rel=0.03)


def test_a_client_that_keeps_up_little_more_than_the_server_takes_is_no_obstacle() -> None:
    def bound(run: Run, seed: int) -> Probe:
        probe = measured(run, seed)
        return replace(probe, client_bound=True) if run.rate > 1.01 * LIMIT and run.role != "bracket" else probe

    _, found = search(measure=bound)
    assert isinstance(found, Found)
    assert found.rate == pytest.approx(LIMIT, rel=0.03)


def test_a_client_that_was_late_once_doesnt_end_the_search() -> None:
    """The first probe of a rate is repeated, wherever chance struck."""
    met: set[float] = set()

    def bound(run: Run, seed: int) -> Probe:
        struck = run.role == "bracket" and run.rate not in met
        met.add(run.rate)
        return replace(measured(run, seed), client_bound=struck)

    probes, found = search(measure=bound)
    assert isinstance(found, Found)
    assert found.rate == pytest.approx(LIMIT, rel=0.03)
    assert probes[0].client_bound
    assert probes[1].rate == probes[0].rate


def test_a_client_that_cannot_keep_up_is_no_limit_of_the_server() -> None:
    def bound(run: Run, seed: int) -> Probe:
        probe = measured(run, seed)
        return replace(probe, client_bound=True, verdict="over") if run.rate > 6 else probe

    probes, end = search(measure=bound)
    assert isinstance(end, Stopped)
    assert end.because == "client"
    assert end.low == pytest.approx(4 * 2**0.5)
    assert end.high is None
    assert "the load generator could have shaped both runs at 6.727 requests/s" in end.why
    assert probes[-1].client_bound


def test_below_what_the_client_keeps_up_the_server_is_searched() -> None:
    def bound(run: Run, seed: int) -> Probe:
        probe = measured(run, seed)
        return replace(probe, client_bound=True, verdict="over") if run.rate > 30 else probe

    _, found = search(replace(SETTINGS, first_rate=100.0), bound)
    assert isinstance(found, Found)
    assert found.rate == pytest.approx(LIMIT, rel=0.03)


@pytest.mark.parametrize(
    ("limit", "because"), [(1e-9, "nothing holds"), (1e12, "everything holds")], ids=["nothing", "everything"]
)
def test_a_limit_out_of_reach_is_said(limit: float, because: str) -> None:
    settings = replace(SETTINGS, lowest_rate=0.1, highest_rate=50.0)
    _, end = search(settings, lambda run, seed: measured(run, seed, limit))
    assert isinstance(end, Stopped)
    assert end.because == because


@pytest.mark.parametrize("known", [0, 19, 99])
def test_a_probe_of_few_requests_is_made_again_and_never_taken_for_kept(known: int) -> None:
    def cut(run: Run, seed: int) -> Probe:
        probe = measured(run, seed)
        return replace(probe, of_limits=probe.of_limits[:known], verdict="undecided") if seed == 2 else probe

    probes, found = search(measure=cut)
    assert probes[3].rate == probes[2].rate
    assert isinstance(found, Found)
    assert found.rate == pytest.approx(LIMIT, rel=0.03)

    first = replace(cut(Run(1.0, "bracket", 3000, may_end=True, why=""), 2), rate=1.0)
    again = decide([first], SETTINGS)
    assert isinstance(again, Run)
    assert again.rate == 1.0


def test_where_probes_say_nothing_the_search_ends_and_says_so() -> None:
    def cut(run: Run, seed: int) -> Probe:
        probe = measured(run, seed)
        return replace(probe, of_limits=probe.of_limits[:19], verdict="undecided") if seed > 1 else probe

    probes, end = search(measure=cut)
    assert isinstance(end, Stopped)
    assert (end.because, end.low, end.high) == ("undecided", 2.0, None)
    assert len(probes) == 4
    assert "fewer than 100 requests" in end.why


def test_few_requests_of_which_most_are_over_show_a_rate_far_too_high() -> None:
    first = Probe(50.0, "bracket", 1.0, np.full((19, 2), 3.0))
    step = decide([first], SETTINGS)
    assert isinstance(step, Run)
    assert step.rate == 25.0


@pytest.mark.parametrize("most", range(1, 9))
def test_no_more_probes_than_allowed(most: int) -> None:
    probes, end = search(replace(SETTINGS, probes=most))
    assert len(probes) <= most
    if most >= 6:
        assert probes[-1].role == "confirm"
        assert isinstance(end, Found)
        assert end.low <= LIMIT <= end.high
    else:
        assert isinstance(end, Stopped)
        assert end.because == "budget"


@pytest.mark.parametrize("budget_s", [60.0, 80.0])
def test_where_time_for_no_probe_more_is_left_a_run_at_the_highest_rate_that_kept_the_limits_takes_the_rest(
    budget_s: float,
) -> None:
    """It is too short to show anything, and is no confirmation."""
    settings = replace(SETTINGS, first_rate=10.0, budget_s=budget_s, confirm_requests=0, confirm_s=1.0)
    probes, end = search(settings)
    assert all(len(probe.of_limits) >= 100 for probe in probes), "a shorter probe would say nothing"
    assert (probes[-1].role, probes[-1].rate) == ("confirm", 10.0)
    assert sum(probe.seconds for probe in probes) == pytest.approx(budget_s, abs=1)
    assert isinstance(end, Found)
    assert (end.confirmed, end.rate, end.enough, end.bound_by) == (False, 10.0, 6945, "TTFT")
    few = f"a run of {len(probes[-1].of_limits)} requests at 10/s kept the limits"
    assert end.why == f"{few}, and 6,945 would show that it holds"
    assert end.low <= LIMIT <= end.high


@pytest.mark.parametrize("budget_s", [300.0, 1200.0])
def test_a_budget_is_kept_with_time_for_a_confirming_run(budget_s: float) -> None:
    settings = replace(SETTINGS, first_rate=10.0, budget_s=budget_s, confirm_requests=0, confirm_s=0.1 * budget_s)
    probes, end = search(settings)
    assert sum(probe.seconds for probe in probes) <= 1.05 * budget_s
    assert [probe.role for probe in probes].count("confirm") >= 1
    assert isinstance(end, Found)
    assert end.low <= LIMIT <= end.high


def test_a_budget_too_short_for_an_answer_says_between_which_rates_it_lies() -> None:
    _, end = search(replace(SETTINGS, first_rate=10.0, budget_s=15.0, confirm_requests=0, confirm_s=1.0))
    assert isinstance(end, Stopped)
    assert end.because == "budget"
