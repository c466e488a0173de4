"""A search through settings for throughput against pace, with made-up results of known effects."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.campaigns import FAST, config
from tests.results import bench_result, distribution, figure

from assay.analysis.engine_front import Measured, PaceRange, TryPoint, front_of
from assay.analysis.engine_models import Tuned
from assay.analysis.engine_tries import tuned
from assay.analysis.loads import Value
from assay.analysis.statistics import Estimate
from assay.analysis.summary import CLIENT_BOUND
from assay.audit import Judgement
from assay.audit.claimed import ClaimedSettings
from assay.audit.evidence import Evidence
from assay.audit.rules.engine_search import check
from assay.campaign.kinds import kind_of, plan_runs
from assay.config import Config, load_config
from assay.errors import UserError
from assay.report.chart import Chart
from assay.report.engine_tries import tuned_answer, tuned_blocks, tuned_headlines
from assay.report.page import Table
from assay.runs import CampaignFolder, CampaignState, Result, RunEntry, RunStatus
from assay.runs.shapes import ConcurrencyShape

SLOTS, ITL_MS, EACH_MS = 4, 4.0, 0.05
"""Of the default: requests that it works on at once, and the time of a token, more with each of them."""
PLACES = (1, 4, 16)


@pytest.fixture(autouse=True)
def _no_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """These runs have results alone."""
    monkeypatch.setattr("assay.analysis.engine_tries.final_rates", lambda *_: {})
    monkeypatch.setattr("assay.analysis.engine_tries._accelerators", lambda *_: 2)


def pareto_config(folder: Path, settings: dict[str, Any], **tuning: Any) -> Config:
    campaign = {
        "kind": "tune-engine",
        "engine": {"objective": "pareto", "concurrencies": PLACES, "settings": settings, "point_s": 20, **tuning},
    }
    engine = {**FAST, "speeds": {}, "itl_ms": ITL_MS}
    return config(folder, engine=engine, campaign=campaign, cluster={"nodes": [{"name": "node-a"}]})


def made(run: RunEntry, *, client_bound: bool = False) -> Result:
    """What a server with so many slots gives, each start with a noise of its own of 1 %."""
    assert run.run is not None
    assert isinstance(run.shape, ConcurrencyShape)
    working = min(run.shape.concurrency, run.settings.get("max_num_seqs", SLOTS))
    noise = 1 + 0.01 * (2 * (run.start * 0.618 % 1) - 1)  # starts that are equally far apart don't agree
    tpot_ms = (run.settings.get("itl_ms", ITL_MS) + EACH_MS * working) * noise
    result = bench_result(run.run, {"output_tokens_per_s": figure(1000 * working / tpot_ms)}, distribution(10))
    result.latency["tpot_ns"] = distribution(tpot_ms)
    if client_bound:
        result.notices.append(f"{CLIENT_BOUND}: made up")
    return result


def carried_out(of: Config, give: Callable[[RunEntry], Result] = made) -> tuple[CampaignState, list[Result]]:
    runs = plan_runs(of, ["node-a"])
    state = CampaignState(
        id="c", kind="tune-engine", objective="pareto", name="x", started_utc="", config_sha256="", seed=0, runs=runs
    )
    results: list[Result] = []
    while state.todo or (new := kind_of("tune-engine").more(of, state, results, CampaignFolder(Path()))):
        if not state.todo:
            state.runs += new
        run = state.todo[0]
        run.run, run.status = f"run-{len(results)}", RunStatus.COMPLETED
        results.append(give(run))
    return state, results


def found(state: CampaignState, results: list[Result]) -> Tuned:
    return tuned(state.runs, results, objective="pareto")


def files(of: Config, state: CampaignState, results: list[Result]) -> dict[str, str]:
    return kind_of("tune-engine").files(of, state, results, CampaignFolder(Path()))


def test_every_start_measures_each_number_in_flight(tmp_path: Path) -> None:
    state, _ = carried_out(pareto_config(tmp_path, {"max_num_seqs": [16]}))
    starts: dict[int, list[int]] = {}
    for run in state.runs:
        assert isinstance(run.shape, ConcurrencyShape)
        starts.setdefault(run.start, []).append(run.shape.concurrency)
    assert list(starts.values()) == [[1, 4, 16]] * (2 + 6)
    lasts = {run.stage: run.shape.duration_s for run in state.runs if run.shape}
    assert lasts == {"short": 5, "final": 20}
    assert len({run.key for run in state.runs}) == len(state.runs)


def test_more_slots_are_best_for_slow_users_alone(tmp_path: Path) -> None:
    """Where no more are in flight than the default's slots, more slots change nothing."""
    of = pareto_config(tmp_path, {"max_num_seqs": [16]})
    state, results = carried_out(of)
    best = found(state, results)
    assert (best.outcome, best.best) == ("depends on the pace", None)
    assert best.front is not None
    slowest = best.front.ranges[-1]
    assert (slowest.name, slowest.in_flight, slowest.above) == ("max_num_seqs 16", 16, 0)
    assert slowest.up_to == pytest.approx(1000 / (ITL_MS + 16 * EACH_MS), rel=0.02)
    assert slowest.ratio == pytest.approx(3.5, rel=0.03), "16 / 4.8 ms over 4 / 4.2 ms"
    assert slowest.low is not None
    assert slowest.low > 1
    assert best.front.shown == ["max_num_seqs 16"]
    assert not any(one.shown for one in best.front.ranges[:-1])
    words = tuned_answer(best)
    assert words[0].startswith("max_num_seqs 16 gives the most output tokens/s at up to 20")
    assert words[1].startswith("No difference from the default is shown at more than 20")
    text = files(of, state, results)
    assert set(text) == {"best.yaml", "best-1.yaml"}
    (tmp_path / "one.yaml").write_text(text["best-1.yaml"])
    one = load_config(tmp_path / "one.yaml")
    assert one.engine.max_num_seqs == 16  # type: ignore[union-attr]
    assert (one.campaign.kind, one.campaign.curve.least, one.campaign.curve.most) == ("tune-curve", 1, 16)
    assert plan_runs(one, ["node-a"])
    assert "# max_num_seqs 16 gives" in text["best-1.yaml"] or "# max_num_seqs 16 at up to 20" in text["best-1.yaml"]
    (tmp_path / "default.yaml").write_text(text["best.yaml"])
    assert load_config(tmp_path / "default.yaml").engine == of.engine


def test_what_is_better_at_every_pace_is_the_best(tmp_path: Path) -> None:
    of = pareto_config(tmp_path, {"itl_ms": [2]})
    state, results = carried_out(of)
    best = found(state, results)
    assert (best.outcome, best.best) == ("better", "itl_ms 2.0")
    assert best.front is not None
    assert {one.name for one in best.front.ranges} == {"itl_ms 2.0"}
    assert best.front.ranges[0].ratio is None, "the default is never so fast"
    assert tuned_answer(best)[0].startswith("itl_ms 2.0 gives the most output tokens/s at every pace of a user: ")
    text = files(of, state, results)
    assert set(text) == {"best.yaml"}
    (tmp_path / "best.yaml").write_text(text["best.yaml"])
    assert load_config(tmp_path / "best.yaml").engine.itl_ms == 2  # type: ignore[union-attr]


def test_what_differs_by_less_than_starts_do_is_no_difference(tmp_path: Path) -> None:
    of = pareto_config(tmp_path, {"itl_ms": [3.999]})
    state, results = carried_out(of)
    best = found(state, results)
    assert (best.outcome, best.best) == ("no difference shown", None)
    assert tuned_answer(best)[0] == "No difference from the default is shown at any pace of a user."
    (tmp_path / "best.yaml").write_text(files(of, state, results)["best.yaml"])
    assert load_config(tmp_path / "best.yaml").engine == of.engine


def test_a_default_that_is_better_at_every_pace_is_the_best(tmp_path: Path) -> None:
    of = pareto_config(tmp_path, {"itl_ms": [8]})
    state, results = carried_out(of)
    best = found(state, results)
    assert (best.outcome, best.best) == ("default is best", None)
    assert best.front is not None
    assert all(one.default_best and not one.shown for one in best.front.ranges)
    slowest = best.front.ranges[-1]
    assert slowest.ratio == pytest.approx(8.2 / 4.2, rel=0.02)
    words = tuned_answer(best)[0]
    assert words.startswith("The default gives the most output tokens/s at every pace of a user: 1.9")
    assert words.endswith(" the most of any other, and no other is ever as fast as its fastest.")
    (text,) = files(of, state, results).values()
    assert "Every other finalist is shown to be slower than the default, so this is the default." in text
    assert judged(found(state, results), best) == []


def test_a_default_that_is_better_at_some_paces_is_told_there(tmp_path: Path) -> None:
    """More slots whose tokens are half as fast: best where many are in flight, worse where few are."""

    def give(run: RunEntry) -> Result:
        slow = {**run.settings, "itl_ms": 8.0 if run.settings else ITL_MS}
        return made(run.model_copy(update={"settings": slow}))

    state, results = carried_out(pareto_config(tmp_path, {"max_num_seqs": [16]}), give)
    best = found(state, results)
    assert best.outcome == "depends on the pace"
    slow_users, between, fast_users = tuned_answer(best)[:3]
    assert slow_users.startswith("max_num_seqs 16 gives the most output tokens/s at up to 11")
    assert between.startswith("No difference from the default is shown at more than 11"), "where one follows the other"
    assert fast_users.startswith("The default gives the most output tokens/s at more than 23")
    assert fast_users.endswith(": no other is ever as fast.")


def test_finalists_are_those_on_the_front_before_those_of_the_highest_mean(tmp_path: Path) -> None:
    """Few slots with fast tokens are best for fast users, though their mean is the lowest."""

    def give(run: RunEntry) -> Result:
        slots = run.settings.get("max_num_seqs", SLOTS)
        fast = run.model_copy(update={"settings": {**run.settings, "itl_ms": 2.0 if slots == 2 else ITL_MS}})
        return made(fast)

    state, _ = carried_out(pareto_config(tmp_path, {"max_num_seqs": [2, 14, 15, 16]}, finalists=2), give)
    finals = {run.settings.get("max_num_seqs") for run in state.runs if run.stage == "final"}
    assert len(finals) == 3
    assert {None, 2} < finals


def test_a_point_that_the_client_shaped_is_on_no_front(tmp_path: Path) -> None:
    of = pareto_config(tmp_path, {"max_num_seqs": [16]})
    state, results = carried_out(of, lambda run: made(run, client_bound=run.settings.get("max_num_seqs") == 16))
    best = found(state, results)
    assert best.front is not None
    assert {one.name for one in best.front.ranges} == {"as configured"}
    assert best.outcome == "no difference shown"
    words = tuned_answer(best)
    assert words[1].startswith("3 of 6 points of the finalists aren't counted: the load generator could have shaped")
    state, results = carried_out(of, lambda run: made(run, client_bound=True))
    assert tuned_answer(found(state, results))[0].startswith("Which settings are best is not known: the load generator")


def point(in_flight: int, rate: float, pace: float) -> Measured:
    """A point whose pace is known within 5 %, and its rate within a thousandth."""
    of_user = Value(value=pace, low=pace * 0.95, high=pace * 1.05)
    estimate = Estimate(rate, rate / 2000)
    value = Value(value=rate, low=estimate.low, high=estimate.high)
    return Measured(
        TryPoint(in_flight=in_flight, output_tokens_per_s=value, per_user=of_user, client_bound=False), estimate
    )


def test_a_rate_is_held_against_the_most_that_the_default_may_give_at_its_paces() -> None:
    """The default's 790 tokens/s come at a pace of 20 to 21, which reaches into the range that begins at 20.5."""
    default = [point(1, 10, 100), point(16, 790, 20)]
    front = front_of({"as configured": default, "other": [point(16, 800, 50), point(64, 1280, 20.5)]}, "as configured")
    assert [(one.name, one.in_flight, one.above, one.up_to) for one in front.ranges] == [
        ("as configured", 1, 50, 100),
        ("other", 16, 20.5, 50),
        ("other", 64, 0, 20.5),
    ]
    middle, slowest = front.ranges[1:]
    assert middle.ratio == pytest.approx(800 / 790), "not over the 10 tokens/s of the default's faster point"
    assert slowest.ratio == pytest.approx(1280 / 790)
    assert middle.shown
    assert front.dominating is None


def test_a_pace_that_the_default_never_has_is_shown_by_its_interval() -> None:
    def fastest(pace: float, then: float) -> PaceRange:
        tries = {"as configured": [point(1, 10, 100)], "other": [point(1, 9, pace), point(4, 40, then)]}
        return front_of(tries, "as configured").ranges[0]

    clear, near, reached = fastest(120, 110), fastest(107, 106), fastest(120, 99)
    assert (clear.ratio, clear.shown) == (None, True)
    assert (near.ratio, near.shown) == (None, False), "its own pace may be as slow as the default's"
    assert (reached.ratio, reached.shown) == (0.9, False), "users of more than 100 may get 10 of the default"


def judged(stated: Tuned, shown: Tuned) -> list[tuple[Judgement, str]]:
    """What the audit's rule says of a search that isn't as it was stated."""
    checks = check(Evidence(path="", kind="campaign", settings=[ClaimedSettings(stated, shown)]))
    return [(one.verdict, one.statement) for one in checks if one.verdict is not Judgement.SUPPORTED]


def test_the_audit_holds_points_and_ranges_against_the_runs(tmp_path: Path) -> None:
    state, results = carried_out(pareto_config(tmp_path, {"max_num_seqs": [16]}))
    shown, stated = found(state, results), found(state, results)
    assert judged(stated, shown) == []
    assert stated.front is not None
    stated.front.ranges[-1].ratio, stated.front.ranges[-1].low, stated.front.ranges[-1].high = 9.0, 8.0, 10.0
    stated.tries[1].points["final"][0].per_user = Value(value=900, low=890, high=910)
    stated.front.ranges[0].shown = True
    assert [(verdict, words.split(" over the")[0].split(" 900")[0]) for verdict, words in judged(stated, shown)] == [
        (Judgement.CONTRADICTED, "pace of max_num_seqs 16 with 1 in flight (final)"),
        (Judgement.CONTRADICTED, "max_num_seqs 16 with 16 in flight"),
        (Judgement.CONTRADICTED, judged(stated, shown)[-1][1]),
    ]
    assert judged(stated, shown)[-1][1].startswith("depends on the pace: ")


def test_its_page_has_the_front_and_the_ranges(tmp_path: Path) -> None:
    state, results = carried_out(pareto_config(tmp_path, {"max_num_seqs": [16]}))
    best = found(state, results)
    assert best.front is not None
    best.front.accelerators = 2
    blocks = list(tuned_blocks(best, None))
    charts = [block for block in blocks if isinstance(block, Chart)]
    assert charts[0].name == "pareto"
    assert charts[0].panels[0].y_label == "output tokens/s for each accelerator"
    tables = {block.caption: block for block in blocks if isinstance(block, Table)}
    ranges = tables["What gives the most, by the pace of a user"]
    assert [row[-1] for row in ranges.rows][-1] == "yes"
    assert len(tables["Points of the finalists"].rows) == 2 * len(PLACES)
    assert {headline.unit for headline in tuned_headlines(best)} == {"mean output tokens/s"}
    assert Tuned.model_validate(json.loads(best.model_dump_json())) == best


def test_the_same_results_plan_the_same_runs_wherever_it_was_interrupted(tmp_path: Path) -> None:
    of = pareto_config(tmp_path, {"max_num_seqs": [8, 16, 32]}, finalists=1)
    whole, results = carried_out(of)
    short = [run for run in whole.runs if run.stage == "short"]
    for done in (len(PLACES), len(short)):
        part = whole.model_copy(update={"runs": whole.runs[:done]})
        new = kind_of("tune-engine").more(of, part, results[:done], CampaignFolder(Path()))
        assert [run.asked for run in new] == [run.asked for run in whole.runs[done : done + len(new)]]


def test_a_window_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"settings\.window: objective pareto has numbers in flight of its own"):
        plan_runs(pareto_config(tmp_path, {"window": [8]}), ["node-a"])


def test_the_plan_tells_server_starts_and_their_time(tmp_path: Path) -> None:
    of = pareto_config(tmp_path, {"max_num_seqs": [16]})
    # Short ones of 3 x 5 s, six final ones of 3 x 20 s.
    assert kind_of("tune-engine").bound(of) == "up to 8 server starts, with loads of up to 7 min in all"
