"""A search through settings for the highest rate within limits, on a queue that is worked out: nothing is started."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.campaigns import config
from tests.rate_probes import begun, carry_on

from assay.analysis.engine_models import Tuned
from assay.analysis.engine_rates import search_in
from assay.analysis.engine_tries import tuned_in
from assay.audit import Judgement, audit_path
from assay.campaign.kinds import kind_of, plan_runs
from assay.config import Config, load_config
from assay.errors import UserError
from assay.report.render import render_campaign
from assay.runs import CampaignFolder, CampaignState, read_campaign
from assay.runs.campaign import BEST
from assay.runs.shapes import ConcurrencyShape

PLACES = 4
"""Requests that the queue works on at once, as configured; with twice as many it takes about twice the rate."""


def search_config(folder: Path, settings: dict[str, Any] | None = None, **changes: Any) -> Config:
    tuning = {"objective": "highest-rate", "settings": settings or {"max_num_seqs": [2 * PLACES]}, "search_s": 120}
    campaign = {"kind": "tune-engine", "limits": ["p95(latency) < 150 ms"], "probes": 5, "first_rate": 60, **changes}
    return config(
        folder,
        campaign={**campaign, "engine": {**tuning, **changes.get("engine", {})}},
        engine={"kind": "simulated", "max_num_seqs": PLACES},
        cluster={"nodes": [{"name": "node-a"}]},
    )


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Config, CampaignFolder, CampaignState]:
    of = search_config(tmp_path_factory.mktemp("search"))
    folder, state = begun(of)
    carry_on(of, folder, state)
    render_campaign(folder)
    return of, folder, state


Searched = tuple[Config, CampaignFolder, CampaignState]


def found_in(searched: Searched) -> Tuned:
    return tuned_in(searched[1], searched[2], [])


def test_what_takes_twice_the_rate_is_best_by_an_interval(searched: Searched) -> None:
    found = found_in(searched)
    assert (found.objective, found.outcome, found.best) == ("highest-rate", "better", "max_num_seqs 8")
    (against,) = found.against
    assert against.low is not None
    assert against.low > 1.5
    assert 1.7 < against.ratio < 2.7
    assert all(one.starts == 3 and one.confirmed is not None for one in found.tries)


def test_each_start_has_a_search_of_its_own_that_ends_before_the_next_begins(searched: Searched) -> None:
    _, _, state = searched
    starts = [run.start for run in state.runs]
    assert starts == sorted(starts, key=starts.index), "all runs of a start follow each other"
    assert len(set(starts)) == len([a for a, b in zip([None, *starts], starts, strict=False) if a != b]) == 2 + 6
    assert all(run.probe is not None for run in state.runs)
    assert len({run.key for run in state.runs}) == len(state.runs)
    assert len({run.repeat for run in state.runs}) == len(state.runs), "each has arrivals of its own"


def test_a_stage_has_its_share_of_a_final_search(searched: Searched) -> None:
    _, _, state = searched
    assert state.rate_search is not None
    budgets = [search_in(state.rate_search, stage).budget_s for stage in ("short", "longer", "final")]
    assert budgets == [30, 60, 120]


def test_the_next_run_is_the_same_wherever_it_was_interrupted(searched: Searched) -> None:
    of, folder, whole = searched
    for done in (1, 3, len(whole.runs) // 2, len(whole.runs) - 1):
        part = whole.model_copy(update={"runs": whole.runs[:done]})
        (following,) = kind_of("tune-engine").more(of, part, [], folder)
        assert following.asked == whole.runs[done].asked
    assert kind_of("tune-engine").more(of, whole, [], folder) == []


def test_every_window_is_searched_on_the_same_start(tmp_path: Path) -> None:
    of = search_config(tmp_path, {"max_num_seqs": [8], "window": [16, 32]}, first_rate=None, engine={"search_s": 240})
    folder, state = begun(of)
    assert [(run.start, run.window) for run in state.runs] == [(0, None), (0, 16), (0, 32)]
    assert all(isinstance(run.shape, ConcurrencyShape) for run in state.runs), "where to begin isn't known"
    lasts_s = [run.shape.duration_s for run in state.runs if run.shape]
    assert lasts_s == [6.0] * 3, "a tenth of the 60 s that a short search has"
    carry_on(of, folder, state, most=24)
    own = [run for run in state.runs if run.start == 0]
    assert {run.window for run in own} == {None, 16, 32}
    assert all(len([run for run in own if run.window == window]) > 2 for window in (None, 16, 32))
    second = [run for run in state.runs if run.start == 1]
    assert second[0].shape is not None
    assert not isinstance(second[0].shape, ConcurrencyShape), "the default's rate says where to begin"


def test_the_page_says_the_rates_and_what_confirmed_them(searched: Searched) -> None:
    text = (searched[1].path / "report.md").read_text()
    assert "the default's highest rate that keeps p95 latency ≤ 150 ms, over 3 server starts of each" in text
    assert "A run at the rate found confirmed" in text
    assert "Requests/s / the default's" in text
    report = orjson.loads(searched[1].report_json.read_bytes())
    assert report["rate"] is None
    assert report["engine"]["objective"] == "highest-rate"


def test_best_yaml_searches_the_rate_of_the_best_settings(searched: Searched, tmp_path: Path) -> None:
    of, folder, state = searched
    text = kind_of("tune-engine").files(of, state, [], folder)[BEST]
    (tmp_path / BEST).write_text(text)
    best = load_config(tmp_path / BEST)
    assert best.engine.max_num_seqs == 2 * PLACES  # type: ignore[union-attr]
    assert best.campaign.kind == "tune-rate"
    assert best.campaign.limits == of.campaign.limits
    assert best.campaign.first_rate is not None
    (first,) = plan_runs(best, ["node-a"])
    assert first.shape is not None
    assert "compared settings by the highest rate that keeps limits" in text


def judged(folder: CampaignFolder, change: Any) -> list[tuple[Judgement, str]]:
    """What the rule says where report.json states other things."""
    whole = folder.report_json.read_bytes()
    report = orjson.loads(whole)
    change(report["engine"])
    folder.report_json.write_bytes(orjson.dumps(report))
    try:
        found = audit_path(folder.path).findings
    finally:
        folder.report_json.write_bytes(whole)
    return [(one.verdict, one.statement) for one in found if one.rule == "engine-search"]


def test_the_audit_works_it_out_again(searched: Searched) -> None:
    as_stated = judged(searched[1], lambda engine: None)
    assert as_stated
    assert {verdict for verdict, _ in as_stated} == {Judgement.SUPPORTED}

    def faster(engine: dict[str, Any]) -> None:
        engine["tries"][1]["rates"]["final"] = {"value": 400, "low": 390, "high": 410}

    def nothing_better(engine: dict[str, Any]) -> None:
        engine |= {"best": None, "outcome": "no difference shown"}

    def of_a_stage_that_was_not(engine: dict[str, Any]) -> None:
        engine["tries"][1]["rates"]["longer"] = {"value": 200, "low": 190, "high": 210}

    for change, verdict, words in (
        (faster, Judgement.CONTRADICTED, "rate of max_num_seqs 8 (final) 400"),
        (nothing_better, Judgement.CONTRADICTED, "no difference shown"),
        (of_a_stage_that_was_not, Judgement.UNSUPPORTED, "rate of max_num_seqs 8 (longer) 200"),
    ):
        (problem,) = [one for one in judged(searched[1], change) if one[0] is not Judgement.SUPPORTED]
        assert problem[0] is verdict
        assert problem[1].startswith(words)


def test_setups_that_keep_no_rate_are_results_with_their_reason(tmp_path: Path) -> None:
    of = search_config(tmp_path, limits=["p95(latency) < 1 ms"], first_rate=0.04)
    folder, state = begun(of)
    carry_on(of, folder, state)
    found = tuned_in(folder, read_campaign(folder), [])
    assert found.outcome == "not compared"
    assert all(one.rate is None and one.reason for one in found.tries)


def test_a_search_that_lacks_time_says_what_may_help(tmp_path: Path) -> None:
    of = search_config(tmp_path, engine={"search_s": 8})
    folder, state = begun(of)
    carry_on(of, folder, state)
    found = tuned_in(folder, read_campaign(folder), [])
    assert found.outcome == "not compared"
    assert found.tries[0].reason.endswith("; more of campaign.engine.search_s may help")


def test_limits_of_the_pacers_rate_are_needed(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="limits is needed with scenario rate"):
        plan_runs(search_config(tmp_path, limits=[], scenario="rate"), ["node-a"])


def test_the_plan_tells_server_starts_and_their_time(tmp_path: Path) -> None:
    of = search_config(tmp_path, {"max_num_seqs": [8, 16, 32]}, engine={"finalists": 1})
    # At most 1 + 3 short of 30 s, 1 + 2 longer of 60 s, 3 x 2 final of 120 s.
    assert kind_of("tune-engine").bound(of) == "up to 13 server starts, with loads of up to 17 min in all"
