"""Which points a curve has: up through twice as many in flight until what was measured ends it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.campaigns import config
from tests.results import bench_result, distribution, figure

from assay.benchmarks import get_benchmark
from assay.campaign.estimate import Estimator
from assay.campaign.kinds import kind_of, plan_runs
from assay.campaign.plan_text import plan_text
from assay.campaign.state import begin
from assay.config import Config
from assay.errors import UserError
from assay.runs import CampaignFolder, CampaignState, Result, RunEntry, RunStatus, read_campaign
from assay.runs.shapes import ConcurrencyShape

NODES = ["n1"]


def asked(folder: Path, *, benchmark: str = "own-prompts", repeats: int = 1, **curve: Any) -> Config:
    return config(folder, benchmark=benchmark, campaign={"kind": "tune-curve", "repeats": repeats, "curve": curve})


def climb(
    settings: Config, rates: dict[int, float], *, broken: Sequence[int] = (), runs: Sequence[RunEntry] = ()
) -> list[RunEntry]:
    """Carries the campaign out, or on with `runs`, where `rates` are samples/s by the number in flight, within 2 %."""
    kind = kind_of("tune-curve")
    known = {"id": "x", "kind": "tune-curve", "name": "x", "started_utc": "", "config_sha256": "", "seed": 0}
    state = CampaignState(**known, runs=list(runs) or plan_runs(settings, NODES))
    folder = CampaignFolder(settings.output)

    def results() -> list[Result]:
        return [measured(run, rates) for run in state.runs if run.status is RunStatus.COMPLETED]

    while state.todo or (new := kind.more(settings, state, results(), folder)):
        if not state.todo:
            state.runs += new
        entry = state.todo[0]
        entry.run = entry.key
        failed = entry.shape is not None and places([entry])[0] in broken
        entry.status = RunStatus.FAILED if failed else RunStatus.COMPLETED
    return state.runs


def measured(run: RunEntry, rates: dict[int, float]) -> Result:
    at, lasts_s = (places([run])[0], run.shape.duration_s) if run.shape else (0, 10.0)
    figures = {"samples_per_s": figure(rates.get(at, 1.0), 0.02), "duration_s": figure(lasts_s or 0.0)}
    return bench_result(run.key, figures, distribution(1.0))


def places(runs: Sequence[RunEntry]) -> list[int]:
    return [run.shape.concurrency for run in runs if isinstance(run.shape, ConcurrencyShape)]


def test_it_goes_up_until_twice_as_many_in_flight_give_no_more(tmp_path: Path) -> None:
    settings = asked(tmp_path, most=64)
    assert places(climb(settings, {1: 10, 2: 20, 4: 40, 8: 60, 16: 61, 32: 61})) == [1, 2, 4, 8, 16]
    grows = {2**power: 10.0 * 2**power for power in range(7)}
    assert places(climb(settings, grows)) == [1, 2, 4, 8, 16, 32, 64], "no point goes beyond most"
    assert places(climb(asked(tmp_path, least=3, most=64), {3: 9, 6: 18, 12: 19})) == [3, 6, 12]


def test_a_point_that_fails_ends_the_way_up(tmp_path: Path) -> None:
    grows = {2**power: 10.0 * 2**power for power in range(7)}
    assert places(climb(asked(tmp_path, most=64), grows, broken=[4])) == [1, 2, 4]


def test_a_point_that_is_mended_goes_on_upwards_and_its_repeats_follow(tmp_path: Path) -> None:
    rates = {1: 10.0, 2: 20, 4: 40, 8: 41}
    settings = asked(tmp_path, repeats=2)
    runs = climb(settings, rates, broken=[4])
    assert sorted(places(runs)) == [1, 1, 2, 2, 4, 4]
    for run in runs:
        run.status = None if run.status is RunStatus.FAILED else run.status
    assert sorted(places(climb(settings, rates, runs=runs))) == [1, 1, 2, 2, 4, 4, 8, 8]


def test_a_budget_is_for_all_repeats(tmp_path: Path) -> None:
    grows = {2**power: 10.0 * 2**power for power in range(7)}
    assert places(climb(asked(tmp_path, duration_s=10, budget_s=35), grows)) == [1, 2, 4]
    runs = climb(asked(tmp_path, duration_s=10, budget_s=61, repeats=2), grows)
    assert sorted(places(runs)) == [1, 1, 2, 2, 4, 4]


def test_repeats_measure_the_same_points_in_other_orders(tmp_path: Path) -> None:
    rates = {1: 10.0, 2: 20, 4: 40, 8: 60, 16: 61}
    runs = climb(asked(tmp_path, benchmark="smollm2-135m", repeats=4), rates)
    blocks = [[run.key.removesuffix(f"-r{n}") for run in runs if run.repeat == n] for n in range(4)]
    assert blocks[0] == ["offline", *(f"{n}-in-flight" for n in rates)]
    assert all(sorted(block) == sorted(blocks[0]) for block in blocks)
    assert len({tuple(block) for block in blocks}) == 4
    assert len({run.key for run in runs}) == len(runs)


def test_prompts_of_ones_own_have_no_offline(tmp_path: Path) -> None:
    assert [run.scenario for run in plan_runs(asked(tmp_path), NODES)] == ["Concurrency", "Concurrency"]


@pytest.mark.parametrize(
    ("least", "most", "regions"),
    [(32, 8192, [(33, 52), (53, 437), (438, 8192)]), (1, 256, [(2, 7), (8, 41), (42, 256)])],
)
def test_the_shape_of_endpoints_has_two_points_in_each_region(
    least: int, most: int, regions: list[tuple[int, int]], tmp_path: Path
) -> None:
    """The regions are those of the worked examples in MLPerf Endpoints v1.0, rules 5.4."""
    settings = asked(tmp_path, points="mlperf-endpoints", least=least, most=most)
    runs = plan_runs(settings, NODES)
    first, *others = places(runs)
    assert first == least
    assert [[low <= n <= high for n in others].count(True) for low, high in regions] == [2, 2, 2]
    assert others[-1] == most
    lasts = {run.shape.concurrency: run.shape.duration_s for run in runs if isinstance(run.shape, ConcurrencyShape)}
    assert all(seconds == (600 if n <= 32 else 1200) for n, seconds in lasts.items())
    twice = asked(tmp_path, points="mlperf-endpoints", least=least, most=most, repeats=2)
    planned = plan_runs(twice, NODES)
    assert [run.key for run in climb(twice, {})] == [run.key for run in planned], "what was measured changes nothing"
    assert len(planned) == 2 * len(runs)
    assert kind_of("tune-curve").bound(twice) is None


@pytest.mark.parametrize(
    ("curve", "message"),
    [
        ({"least": 8, "most": 15}, "most must be at least twice least"),
        ({"points": "mlperf-endpoints", "most": 32}, "most above 32"),
        ({"points": "mlperf-endpoints", "budget_s": 60}, "budget_s goes with points: log2"),
    ],
)
def test_what_makes_no_curve_is_refused(curve: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message):
        asked(tmp_path, **curve)


def test_why_offline_is_missing_is_said(tmp_path: Path) -> None:
    settings = asked(tmp_path)
    assert not any(run.scenario == "Offline" for run in plan_runs(settings, NODES))
    note = kind_of("tune-curve").note(settings)
    assert note == "without a point for Offline, a scenario of benchmarks: these prompts belong to none"


def test_the_shape_of_endpoints_is_called_no_submission(tmp_path: Path) -> None:
    kind = kind_of("tune-curve")
    shape = {"points": "mlperf-endpoints", "most": 64}
    known_prompts = "smollm2-135m"
    assert kind.note(asked(tmp_path, benchmark=known_prompts)) == ""
    note = kind.note(asked(tmp_path, benchmark=known_prompts, **shape))
    assert note.endswith(" asks for: same shape, not a submission")
    short = asked(tmp_path, **shape, duration_s=5)
    assert ", with durations of the user's own: same shape, not" in kind.note(short)
    folder = begin(short, plan_runs(short, NODES), get_benchmark("own-prompts"), dataset_sha256="", simulated=True)
    assert read_campaign(folder).plan_note == kind.note(short)
    known = Estimator(short, get_benchmark("own-prompts"), 8, "")
    assert kind.note(short) in plan_text(short, plan_runs(short, NODES), known)


def test_official_settings_are_refused(tmp_path: Path) -> None:
    settings = config(tmp_path, official=True, dataset={}, campaign={"kind": "tune-curve"})
    with pytest.raises(UserError, match="official is for MLPerf's scenarios"):
        plan_runs(settings, NODES)
