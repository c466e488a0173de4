"""Which runs a search for a rate has: each follows from those before, and the same from the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.campaigns import config
from tests.rate_probes import CAPACITY, begun, carry_on, over_share, queue, search_config

from assay.analysis.rate_search import Searched, rate_of, searched
from assay.campaign.kinds import plan_runs
from assay.errors import UserError
from assay.runs import read_campaign, read_result
from assay.runs.shapes import ConcurrencyShape, RateShape
from assay.search import Found, Stopped, came


def found(folder: Path, *, most: int = 100, run: dict[str, Any] | None = None, **campaign: Any) -> Searched:
    settings = search_config(folder, **campaign)
    where, state = begun(settings)
    carry_on(settings, where, state, most=most, **(run or {}))
    return searched(where, read_campaign(where))


def test_it_finds_the_rate_of_a_queue_within_what_it_is_sure_of(tmp_path: Path) -> None:
    answer = found(tmp_path)
    step, limit = answer.step, answer.search.limits[0]
    assert isinstance(step, Found)
    assert step.confirmed
    assert step.bound_by == "p95 latency ≤ 150 ms"
    assert over_share(step.low / 1.02, limit) <= limit.share <= over_share(step.high * 1.02, limit)
    roles = [one.entry.probe.role for one in answer.runs if one.entry.probe]
    assert roles[-1] == "confirm"
    assert len({one.entry.key for one in answer.runs}) == len(answer.runs)
    last = answer.runs[-1].entry.shape
    assert isinstance(last, RateShape)
    assert not last.until_sure
    for one in answer.runs[-4:]:
        start_ns, _ = queue(rate_of(one.entry), len(one.probe.of_limits), one.record.schedule_seed)
        assert one.probe.came == pytest.approx(came(start_ns / 1e9)), "what came is of the recorded arrivals"


def test_a_search_that_was_cut_short_goes_on_to_the_same_answer(tmp_path: Path) -> None:
    whole, parts = (tmp_path / name for name in ("whole", "parts"))
    for folder in (whole, parts):
        folder.mkdir()
    settings = search_config(parts)
    where, state = begun(settings)
    carry_on(settings, where, state, most=3)
    cut = read_campaign(where)
    carry_on(settings, where, cut)
    again, first = searched(where, cut), found(whole)
    assert again.step == first.step
    assert [rate_of(one.entry) for one in again.runs] == [rate_of(one.entry) for one in first.runs]


def test_it_begins_with_a_fixed_number_in_flight_unless_a_first_rate_is_given(tmp_path: Path) -> None:
    (start,) = plan_runs(search_config(tmp_path), ["n1"])
    assert isinstance(start.shape, ConcurrencyShape)
    (probe,) = plan_runs(search_config(tmp_path, first_rate=12.5), ["n1"])
    assert isinstance(probe.shape, RateShape)
    assert (probe.shape.rate, probe.shape.until_sure) == (12.5, True)
    answer = found(tmp_path, most=2)
    assert rate_of(answer.runs[0].entry) == pytest.approx(0.7 * CAPACITY, rel=0.05)


def test_what_fails_counts_as_over_a_limit(tmp_path: Path) -> None:
    answer = found(tmp_path, most=3, run={"failing": 0.5})
    assert all(one.probe.verdict == "over" for one in answer.runs)
    assert all(0 < one.errors < len(one.probe.of_limits) for one in answer.runs)


def test_a_client_that_is_the_limit_is_never_taken_for_the_server(tmp_path: Path) -> None:
    answer = found(tmp_path, first_rate=20, run={"client_from": 30})
    assert isinstance(answer.step, Stopped)
    assert answer.step.because == "client"
    assert answer.step.high is None


def test_loadgen_confirms_a_rate_of_server(tmp_path: Path) -> None:
    answer = found(tmp_path, scenario="Server", first_rate=80)
    last = answer.runs[-1]
    assert isinstance(answer.step, Found)
    assert answer.step.confirmed
    assert (last.entry.scenario, last.entry.shape, last.record.driver) == ("Server", None, "loadgen")
    assert last.entry.target_qps == answer.step.rate
    assert last.entry.queries == len(last.probe.of_limits)
    confirming = [one.probe.role == "confirm" for one in answer.runs]
    assert confirming == [one.entry.shape is None for one in answer.runs], "the others are the pacer's"


@pytest.mark.parametrize("budget", [{"probes": 6}, {"probes": 7}])
def test_a_short_run_beyond_capacity_confirms_nothing(tmp_path: Path, budget: dict[str, Any]) -> None:
    """Nobody waits for longer than the limit yet, while the queue grows."""
    answer = found(tmp_path, limits=["p80(latency) < 4 s"], first_rate=96.0, **budget)
    beyond = [one.probe for one in answer.runs if one.probe.role == "confirm" and one.probe.rate > CAPACITY]
    assert beyond
    assert not any(probe.held for probe in beyond)
    assert isinstance(answer.step, Found)
    assert answer.step.low < CAPACITY < answer.step.high
    assert not answer.step.confirmed or answer.step.rate < CAPACITY


@pytest.mark.parametrize(("late_ms", "bound"), [(7.0, False), (8.0, True)])
def test_a_client_is_held_against_the_limits(tmp_path: Path, late_ms: float, bound: bool) -> None:
    answer = found(tmp_path, first_rate=60, most=1, run={"late_ms": late_ms})
    assert answer.runs[0].record.client.client_bound, "its median is far below its limit"
    assert answer.runs[0].probe.client_bound == bound, "5 % of 150 ms"


def test_an_engines_own_window_is_the_systems_not_the_clients(tmp_path: Path) -> None:
    (probe,) = found(tmp_path, first_rate=120, most=1, run={"window": 1}).runs
    assert probe.result is not None
    assert any("window" in notice for notice in probe.result.notices), "requests waited at the client"
    assert (probe.probe.verdict, probe.probe.client_bound) == ("over", False)


def test_a_budget_ends_it_with_what_is_known(tmp_path: Path) -> None:
    answer = found(tmp_path, probes=3)
    under, over, confirming = answer.runs
    assert (confirming.probe.role, rate_of(confirming.entry)) == ("confirm", rate_of(under.entry))
    assert isinstance(answer.step, Found)
    assert answer.step.confirmed
    assert answer.step.low <= answer.step.rate == rate_of(under.entry) < answer.step.high < rate_of(over.entry)


def test_a_run_counts_who_broke_its_limits(tmp_path: Path) -> None:
    settings = search_config(tmp_path, first_rate=60)
    where, state = begun(settings)
    carry_on(settings, where, state, most=1, failing=0.02)
    result = read_result(where.run(state.runs[0].run or ""))
    assert result is not None
    (kept,) = result.limits
    assert 0 < kept.over < kept.requests < result.figures["samples_issued"].value
    assert 0.005 < kept.share < 0.1
    assert kept.low <= kept.share <= kept.high


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"campaign": {"kind": "tune-rate", "scenario": "rate"}}, "campaign.limits is needed"),
        ({"campaign": {"kind": "tune-rate"}, "benchmark": "own-prompts"}, "has no such scenario with limits"),
        (
            {"campaign": {"kind": "tune-rate", "limits": ["p99(ttft) < 2 s"]}, "official": True,
             "dataset": {"samples": None}},
            "scenario rate is the pacer's",
        ),
        ({"campaign": {"kind": "tune-rate", "limits": ["ttft < 2 s"]}}, r"write p99\(ttft\) < 2 s"),
        ({"campaign": {"kind": "tune-rate", "precision": "300%"}}, "less than 1"),
        ({"campaign": {"loads": [{"kind": "rate", "rate": 1, "requests": 5, "until_sure": True}]}}, "until_sure"),
    ],
)  # fmt: skip
def test_what_can_not_be_searched_for_is_refused(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        plan_runs(config(tmp_path, **changes), ["n1"])


def test_the_limits_of_a_scenario_are_the_benchmarks(tmp_path: Path) -> None:
    settings = config(tmp_path, campaign={"kind": "tune-rate", "budget": "20m"}, benchmark="llama3.1-8b")
    _, state = begun(settings)
    search = state.rate_search
    assert search is not None
    assert (search.scenario, search.budget_s) == ("Server", 1200)
    assert [limit.title for limit in search.limits] == ["p99 TTFT ≤ 2,000 ms", "p99 TPOT ≤ 100 ms"]
