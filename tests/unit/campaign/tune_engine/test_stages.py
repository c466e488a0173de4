"""Which runs a search plans from what was measured, with made-up results: nothing is started here."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.campaigns import FAST, config
from tests.results import figure, offline_result

from assay.analysis.engine_models import Tuned
from assay.analysis.engine_tries import Seen, tuned
from assay.analysis.statistics import Estimate
from assay.campaign.kinds import kind_of, plan_runs
from assay.config import Config, load_config
from assay.errors import UserError
from assay.extras import how_to_add
from assay.report.engine_tries import tuned_answer, tuned_headlines
from assay.runs import CampaignFolder, CampaignState, Result, RunEntry, RunStatus
from assay.runs.result import AccuracyResult, Score

Rates = Callable[[RunEntry], float | None]
"""Output tokens/s of a run; None: its servers don't start."""


def settings(**tuning: Any) -> dict[str, Any]:
    return {"settings": {"max_num_seqs": [2, 4, 8, 16], "window": [4, 8]}, **tuning}


@pytest.fixture(autouse=True)
def _no_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """These runs have results alone."""
    monkeypatch.setattr("assay.analysis.engine_tries.final_rates", lambda *_: {})


def tune_config(folder: Path, engine: dict[str, Any] | None = None, **changes: Any) -> Config:
    campaign = {"kind": "tune-engine", "engine": settings() if engine is None else engine}
    changes = {"queries": {"Offline": 40}, "campaign": campaign, **changes}
    return config(folder, engine={**FAST, "speeds": {}}, cluster={"nodes": [{"name": "node-a"}]}, **changes)


def more(of: Config, state: CampaignState, results: list[Result]) -> list[RunEntry]:
    return kind_of("tune-engine").more(of, state, results, CampaignFolder(Path()))


def carried_out(of: Config, rates: Rates, most: int = 200) -> tuple[CampaignState, list[Result]]:
    """The whole campaign, as far as `most` runs."""
    runs = plan_runs(of, ["node-a"])
    state = CampaignState(id="c", kind="tune-engine", name="x", started_utc="", config_sha256="", seed=0, runs=runs)
    results: list[Result] = []
    while state.todo or (new := more(of, state, results)):
        if not state.todo:
            state.runs += new
        run = state.todo[0]
        rate = rates(run)
        if rate is None:
            run.status, run.reason = RunStatus.FAILED, "out of memory\nlast lines of its log"
        else:
            run.run, run.status = f"run-{len(results)}", RunStatus.COMPLETED
            results.append(offline_result(run.run, {"output_tokens_per_s": figure(rate), "duration_s": figure(10)}))
        if sum(1 for one in state.runs if one.status) >= most:
            break
    return state, results


def by_slots(run: RunEntry) -> float:
    """What is faster by its slots, with a start's own noise of 1 %."""
    slots = min(run.settings.get("max_num_seqs", 4), run.window or 4)
    noise = 2 * (run.start * 0.618 % 1) - 1  # starts that are equally far apart don't agree either
    return 100.0 * slots * (1 + 0.01 * noise)


def found(state: CampaignState, results: list[Result]) -> Tuned:
    return tuned(state.runs, results)


def test_the_default_is_first_and_always_a_finalist(tmp_path: Path) -> None:
    state, results = carried_out(tune_config(tmp_path), by_slots)
    assert state.runs[0].as_configured
    assert state.runs[0].window is None
    finals = [run for run in state.runs if run.stage == "final"]
    assert {(run.as_configured and run.window is None) for run in finals} == {True, False}
    best = found(state, results)
    assert best.outcome == "better"
    assert best.best in ("max_num_seqs 8, window 8", "max_num_seqs 16, window 8")
    top = best.against[0]
    assert top.ratio == pytest.approx(2, rel=0.02)
    assert top.low is not None
    assert top.low > 1


def test_every_window_is_tried_on_one_start_and_each_final_on_a_start_of_its_own(tmp_path: Path) -> None:
    state, _ = carried_out(tune_config(tmp_path), by_slots)
    starts: dict[int, set[tuple[object, ...]]] = {}
    for run in state.runs:
        starts.setdefault(run.start, set()).add((*run.settings.items(), run.stage))
    assert all(len(of) == 1 for of in starts.values()), "one start, one setup"
    short = [run for run in state.runs if run.stage == "short"]
    assert [run.window for run in short] == [None, 8] * 4
    assert len({run.start for run in short}) == 4
    default = [run for run in state.runs if run.stage == "final" and run.as_configured and run.window is None]
    assert [run.repeat for run in default] == [0, 1, 2]
    assert len({run.start for run in default}) == 3
    assert len({run.key for run in state.runs}) == len(state.runs)


def test_stages_are_longer_and_take_fewer(tmp_path: Path) -> None:
    state, _ = carried_out(tune_config(tmp_path), by_slots)
    queries = {run.stage: run.queries for run in state.runs if run.mode == "performance"}
    assert queries == {"short": 10, "longer": 20, "final": 40}
    tries = {stage: {(str(run.settings), run.window) for run in state.runs if run.stage == stage} for stage in queries}
    assert len(tries["short"]) == 8
    assert len(tries["longer"]) == 5, "the better half of seven, and the default"
    assert len(tries["final"]) == 3, "two finalists and the default"
    assert tries["final"] < tries["longer"] | {("{}", None)}


def test_the_same_results_plan_the_same_runs_wherever_it_was_interrupted(tmp_path: Path) -> None:
    of = tune_config(tmp_path)
    whole, results = carried_out(of, by_slots)
    for done in (1, 3, 5, 8):
        part, known = carried_out(of, by_slots, most=done)
        again = CampaignState.model_validate(part.model_dump())
        if not again.todo:
            new = more(of, again, known)
            assert [run.key for run in new] == [run.key for run in whole.runs[done : done + len(new)]]
            assert [run.settings for run in new] == [run.settings for run in whole.runs[done : done + len(new)]]
    assert more(of, whole, results) == []


def test_what_does_not_start_is_a_result_with_its_reason(tmp_path: Path) -> None:
    state, results = carried_out(
        tune_config(tmp_path), lambda run: None if run.settings.get("max_num_seqs") == 16 else by_slots(run)
    )
    best = found(state, results)
    assert best.best == "max_num_seqs 8, window 8"
    (lost,) = [one for one in best.tries if one.name == "max_num_seqs 16"]
    assert (lost.stage, lost.rate, lost.reason) == ("short", None, "out of memory")
    assert not state.runs[0].may_fail
    assert all(run.may_fail for run in state.runs if run.settings)


def test_no_difference_is_said_where_starts_differ_by_more_than_the_settings(tmp_path: Path) -> None:
    state, results = carried_out(
        tune_config(tmp_path),
        lambda run: 400 * (1 + 0.045 * ((run.start * 7) % 3 - 1)) * (1.01 if run.settings else 1),
    )
    best = found(state, results)
    assert best.outcome == "no difference shown"
    assert best.best is None
    assert all(one.low is not None and one.low < 1 for one in best.against)


def test_where_every_other_finalist_is_shown_to_be_slower_the_default_is_best(tmp_path: Path) -> None:
    """Pipeline parallel gave 0.79 times (0.70 to 0.88) what two replicas did: that was "no difference is shown"."""
    of = tune_config(tmp_path)

    def slower(run: RunEntry) -> float:
        return (300 if run.settings or run.window else 400) * (1 + 0.01 * (run.start % 3))

    state, results = carried_out(of, slower)
    best = found(state, results)
    assert (best.outcome, best.best) == ("default is best", None)
    assert all(one.high is not None and one.high < 1 for one in best.against)
    words = tuned_answer(best)[0]
    assert words.startswith(f"The default is faster than every other finalist: {best.against[0].name} gives ")
    assert " against 40" in words
    assert "8 combinations of settings, 5 of them left out after shorter runs on one server start" in " ".join(
        tuned_answer(best)
    )
    (text,) = kind_of("tune-engine").files(of, state, results, CampaignFolder(Path())).values()
    assert "Every other finalist is shown to be slower than the default, so this is the default." in text


def test_one_finalist_that_may_be_as_fast_leaves_no_difference_shown(tmp_path: Path) -> None:
    def one_as_fast(run: RunEntry) -> float:
        if run.window or run.settings.get("max_num_seqs", 8) != 8:
            return 300 * (1 + 0.01 * (run.start % 3))
        return 400 * (1 + 0.04 * ((run.start * 7) % 3 - 1))

    state, results = carried_out(tune_config(tmp_path), one_as_fast)
    best = found(state, results)
    assert best.outcome == "no difference shown"
    assert sorted(one.high is not None and one.high < 1 for one in best.against) == [False, True]


def test_an_error_that_all_starts_share_is_in_the_comparison(tmp_path: Path) -> None:
    """The client's own part in the time is the same on each start, so that their spread doesn't show it."""
    state, results = carried_out(tune_config(tmp_path), by_slots)
    rates = {result.run: result.figures["output_tokens_per_s"].value for result in results}
    sharp = {run: Seen(Estimate(value, 1.0, 10, 100)) for run, value in rates.items()}
    blurred = {run: Seen(Estimate(value, 1.0, 10, 100, shared=value / 2)) for run, value in rates.items()}
    assert tuned(state.runs, results, sharp).outcome == "better"
    assert tuned(state.runs, results, blurred).outcome == "no difference shown"


def test_of_one_server_start_a_final_rate_has_no_interval(tmp_path: Path) -> None:
    """A search that was stopped: the noise within one run says nothing of what another start of the server gives."""
    state, results = carried_out(tune_config(tmp_path), by_slots)
    first = next(run for run in state.runs if run.stage == "final" and run.as_configured and not run.window)
    left = [run for run in state.runs if run.stage != "final" or run is first]
    rates = {result.run: result.figures["output_tokens_per_s"].value for result in results}
    sharp = {run: Seen(Estimate(value, 1.0, 10, 100, shared=0.5), servers=2) for run, value in rates.items()}
    known = tuned(left, results, sharp)
    default = known.default
    assert default is not None
    assert (default.stage, default.starts) == ("final", 1)
    assert default.rate is not None
    assert (default.rate.low, default.rate.high) == (None, None)
    short = next(run for run in state.runs if run.stage == "short" and run.as_configured and not run.window)
    rate = sharp[short.run or ""].rate
    assert rate is not None
    assert (default.rates["short"].low, default.rates["short"].high) == rate.interval, "as the run's own page has it"
    assert {card.name: card.interval for card in tuned_headlines(known)} == {
        "as configured": "no interval: one server start"
    }


def test_where_the_tries_differ_in_servers_the_answer_says_how_many_the_default_has(tmp_path: Path) -> None:
    state, results = carried_out(tune_config(tmp_path), by_slots)
    of = {run.run: 2 if run.as_configured else 1 for run in state.runs}
    seen = {r.run: Seen(Estimate(r.figures["output_tokens_per_s"].value, 1.0), servers=of[r.run]) for r in results}
    words = "left out after shorter runs on one server start; as configured there are 2 servers"
    assert words in " ".join(tuned_answer(tuned(state.runs, results, seen)))
    same = {run: Seen(one.rate, servers=2) for run, one in seen.items()}
    assert words not in " ".join(tuned_answer(tuned(state.runs, results, same)))


def test_nothing_that_lost_answers_is_best(tmp_path: Path) -> None:
    state, results = carried_out(tune_config(tmp_path), by_slots)
    runs = {run.run for run in state.runs if run.settings.get("max_num_seqs", 0) >= 8}
    for result in results:
        if result.run in runs:
            result.figures |= {"samples_issued": figure(40), "samples_failed": figure(1), "samples_lost": figure(0)}
    assert found(state, results).best is None


def test_a_budget_ends_the_first_stage(tmp_path: Path) -> None:
    state, _ = carried_out(tune_config(tmp_path, settings(budget_s=25)), by_slots)
    assert len({run.start for run in state.runs if run.stage == "short"}) == 2, (
        "10 s a run: two after the first, no more"
    )
    assert any(run.stage == "final" for run in state.runs)


def test_accuracy_follows_where_something_is_faster(tmp_path: Path) -> None:
    of = tune_config(tmp_path, modes=["performance", "accuracy"])
    state, _ = carried_out(of, by_slots)
    last = state.runs[-2:]
    assert [run.mode for run in last] == ["accuracy", "accuracy"]
    assert [bool(run.settings) for run in last] == [False, True]
    assert all(run.queries is None for run in last)
    state, _ = carried_out(of, lambda run: 100.0 * (1 + 0.01 * (run.start % 3)))
    assert all(run.mode == "performance" for run in state.runs)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"campaign": {"kind": "tune-engine"}}, "tries only what is allowed: list values in campaign.engine.settings"),
        ({"scenarios": ["Server"], "target_qps": {"Server": 1}}, "add Offline to scenarios"),
        (
            {"campaign": {"kind": "tune-engine", "engine": settings(), "repeats": 2}},
            "repeats: tune-engine needs at least 3",
        ),
        ({"campaign": {"kind": "tune-engine", "engine": settings(), "stop_on_failure": True}}, "stop_on_failure"),
    ],
)
def test_what_cannot_be_searched_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        plan_runs(tune_config(tmp_path, **changes), ["node-a"])


def test_servers_that_run_already_are_not_set_up_anew(tmp_path: Path) -> None:
    external = {"kind": "external", "endpoints": [{"url": "http://127.0.0.1:1"}], "model": "m", "window": 4}
    tuning = {"kind": "tune-engine", "engine": {"settings": {"window": [8]}}}
    with pytest.raises(UserError, match="these run already"):
        plan_runs(config(tmp_path, engine=external, queries={"Offline": 8}, campaign=tuning), ["127.0.0.1"])


def test_without_optuna_it_is_said_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay.extras._installed", lambda module: module != "optuna")
    with pytest.raises(UserError, match=re.escape(f"tune-engine needs optuna: {how_to_add('tune')}")):
        plan_runs(tune_config(tmp_path), ["node-a"])


def test_best_yaml_is_the_configuration_with_the_best_settings(tmp_path: Path) -> None:
    of = tune_config(tmp_path)
    state, results = carried_out(of, by_slots)
    (text,) = kind_of("tune-engine").files(of, state, results, CampaignFolder(Path())).values()
    (tmp_path / "best.yaml").write_text(text)
    best = load_config(tmp_path / "best.yaml")
    assert best.engine.max_num_seqs >= 8  # type: ignore[union-attr]
    assert best.engine.window == 8  # type: ignore[union-attr]
    assert (best.campaign.kind, best.name) == ("single", "test-best")
    assert "the default's rate (95 %: " in text
    assert "its answers were not scored" in text


def scored(of: Config, best: float, interval: tuple[float, float] | None) -> tuple[CampaignState, list[Result]]:
    """The whole campaign, with the best try's score beside the default's, which is 30."""
    state, results = carried_out(of, by_slots)
    for run in state.runs:
        if run.mode == "accuracy":
            low, high = (interval or (None, None)) if run.as_configured else (None, None)
            value = 30.0 if run.as_configured else best
            score = Score(value=value, unit="%", possible=(0, 100), low=low, high=high)
            (result,) = [one for one in results if one.run == run.run]
            result.accuracy = AccuracyResult(scorer="rouge", scores={"rouge1": score}, samples=40, gate="no reference")
    return state, results


@pytest.mark.parametrize(
    ("best", "interval", "outcome", "words"),
    [
        (29.0, (28.5, 31.5), "better", "are not below the interval of the default's: rouge1 29.0000 against 30.0000"),
        (32.0, (28.5, 31.5), "better", "are not below the interval of the default's"),
        (28.0, (28.5, 31.5), "answers worse", "are worse than the default's: rouge1 28.0000 against 30.0000 (95 %: "),
        (29.0, None, "better", "Whether its answers are worse isn't shown, as the default's scores have no interval"),
        (30.0, None, "better", "are not below the interval"),
    ],
)
def test_what_is_faster_with_worse_answers_is_not_better(
    tmp_path: Path, best: float, interval: tuple[float, float] | None, outcome: str, words: str
) -> None:
    of = tune_config(tmp_path, modes=["performance", "accuracy"])
    state, results = scored(of, best, interval)
    known = found(state, results)
    assert known.outcome == outcome
    assert words in " ".join(tuned_answer(known))
    (text,) = kind_of("tune-engine").files(of, state, results, CampaignFolder(Path())).values()
    (tmp_path / "best.yaml").write_text(text)
    is_default = load_config(tmp_path / "best.yaml").engine == of.engine
    assert is_default == (outcome == "answers worse")


def test_best_yaml_is_the_default_where_no_difference_is_shown(tmp_path: Path) -> None:
    of = tune_config(tmp_path)
    state, results = carried_out(of, lambda run: 100.0 * (1 + 0.01 * (run.start % 3)))
    (text,) = kind_of("tune-engine").files(of, state, results, CampaignFolder(Path())).values()
    (tmp_path / "best.yaml").write_text(text)
    assert load_config(tmp_path / "best.yaml").engine == of.engine
    assert "No difference from the default was shown" in text
