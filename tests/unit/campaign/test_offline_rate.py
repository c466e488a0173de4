"""Offline's expected rate: from short runs that come before the official ones, and are no results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.campaigns import config
from tests.synthetic import Node, Plan, write_run

from assay.benchmarks import get_benchmark
from assay.campaign.kinds import kind_of, plan_runs
from assay.campaign.loadgen_settings import loadgen_settings
from assay.config import Config
from assay.runs import CampaignFolder, CampaignState, RunStatus, read_record, write_json
from assay.runs.campaign import CampaignKind

OFFICIAL: dict[str, Any] = {
    "benchmark": "llama3.1-8b", "scenarios": ["Offline", "Server"], "target_qps": {"Server": 5}, "dataset": {},
    "official": True, "modes": ["performance", "accuracy"],
}  # fmt: skip
WINDOW = 4


def begun(folder: Path, kind: CampaignKind = "official", **changes: Any) -> tuple[Config, CampaignState]:
    settings = config(folder, **{**OFFICIAL, "campaign": {"kind": kind}, **changes})
    state = CampaignState(
        id="x", kind=kind, name="x", started_utc="", config_sha256="", seed=0, runs=plan_runs(settings, ["node-a"])
    )  # fmt: skip
    return settings, state


def carried_out(
    folder: Path, state: CampaignState, samples: int, drawn_from: int, status: RunStatus = RunStatus.COMPLETED
) -> None:
    """The first run that is left, as one of `samples` samples on a server with a few places."""
    entry = state.todo[0]
    run = write_run(
        folder / "runs",
        Plan(nodes=(Node("node-a", slots=WINDOW),), samples=samples, run_id=entry.key, telemetry=False, drift=0.0),
    )
    write_json(run.record, read_record(run).model_copy(update={"samples": drawn_from, "status": status}))
    entry.run, entry.status = entry.key, status


def fit(folder: Path, settings: Config, state: CampaignState) -> str:
    return kind_of(state.kind).fit(settings, state, CampaignFolder(folder))


@pytest.mark.parametrize("kind", ["official", "single"])
def test_a_short_run_comes_first_and_is_short_though_the_campaign_is_official(
    tmp_path: Path, kind: CampaignKind
) -> None:
    settings, state = begun(tmp_path, kind)
    first, *others = state.runs
    assert first.planning
    assert not first.measures
    assert not any(entry.planning for entry in others)
    benchmark = get_benchmark(settings.benchmark)
    assert not loadgen_settings(settings, benchmark, first).official
    assert all(loadgen_settings(settings, benchmark, entry).official for entry in others)


@pytest.mark.parametrize(
    "changes",
    [
        {"target_qps": {"Server": 5, "Offline": 30}},
        {"official": False, "dataset": {"samples": 8}},
        {"campaign": {"kind": "single"}, "modes": ["accuracy"]},
        {"campaign": {"kind": "single"}, "scenarios": ["Server"]},
    ],
)
def test_where_no_rate_is_missing_there_is_none(tmp_path: Path, changes: dict[str, Any]) -> None:
    settings = config(tmp_path, **{**OFFICIAL, "campaign": {"kind": "official"}, **changes})
    assert not any(entry.planning for entry in plan_runs(settings, ["node-a"]))


def test_the_rate_of_full_places_goes_to_the_offline_runs_that_are_left(tmp_path: Path) -> None:
    settings, state = begun(tmp_path)
    assert fit(tmp_path, settings, state) == "", "nothing was measured yet"
    carried_out(tmp_path, state, samples=200, drawn_from=13_368)
    assert "expected" in fit(tmp_path, settings, state)
    offline = [entry for entry in state.todo if entry.scenario == "Offline"]
    (rate,) = {entry.target_qps for entry in offline}
    assert rate is not None
    # Four places, answers of 72 tokens on average at 32 a second, and a prefill of 0.1 ms a token of 700.
    assert rate == pytest.approx(WINDOW / (71 / 32 + 0.07), rel=0.15)
    assert {entry.target_qps for entry in state.todo if entry.scenario == "Server"} == {5}
    assert fit(tmp_path, settings, state) == "", "what is set stays"
    assert sum(entry.planning for entry in state.runs) == 1


def test_a_campaign_that_was_killed_after_planning_has_the_rate_when_it_goes_on(tmp_path: Path) -> None:
    settings, state = begun(tmp_path)
    carried_out(tmp_path, state, samples=200, drawn_from=13_368)
    killed = CampaignState.model_validate_json(state.model_dump_json())
    assert fit(tmp_path, settings, killed) == fit(tmp_path, settings, state) != ""
    assert killed.runs == state.runs


def test_a_run_that_did_not_fill_its_places_is_followed_by_a_longer_one(tmp_path: Path) -> None:
    settings, state = begun(tmp_path)
    carried_out(tmp_path, state, samples=2 * WINDOW, drawn_from=13_368)
    assert "32 samples" in fit(tmp_path, settings, state)
    longer = state.todo[0]
    assert longer.planning
    assert longer.queries == 32
    assert len({entry.key for entry in state.runs}) == len(state.runs)
    assert all(entry.target_qps is None for entry in state.todo if entry.scenario == "Offline")
    carried_out(tmp_path, state, samples=32, drawn_from=13_368)
    assert "expected" in fit(tmp_path, settings, state)


def test_a_run_of_the_whole_data_set_says_enough_however_short(tmp_path: Path) -> None:
    settings, state = begun(tmp_path)
    carried_out(tmp_path, state, samples=2 * WINDOW, drawn_from=2 * WINDOW)
    assert "expected" in fit(tmp_path, settings, state)


def test_a_planning_run_that_failed_says_nothing(tmp_path: Path) -> None:
    settings, state = begun(tmp_path)
    carried_out(tmp_path, state, samples=200, drawn_from=13_368, status=RunStatus.FAILED)
    assert fit(tmp_path, settings, state) == ""
    assert all(entry.target_qps is None for entry in state.todo if entry.scenario == "Offline")
