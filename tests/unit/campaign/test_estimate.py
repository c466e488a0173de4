"""Estimates: from measured runs, from settings, or unknown; never a guess without its basis."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.campaigns import config

from assay.benchmarks import get_benchmark
from assay.campaign.estimate import Estimator, TimeEstimate, duration, together
from assay.campaign.kinds import plan_runs
from assay.campaign.plan_text import plan_text
from assay.config import Config
from assay.engines import build_engine
from assay.runs import CampaignFolder, EndpointFacts, RunRecord, RunStatus, write_json

BENCHMARK = get_benchmark("smollm2-135m")
START = datetime(2026, 1, 1, tzinfo=UTC)


def measured(
    folder: CampaignFolder, settings: Config, name: str, nodes: list[str], seconds: float, **changes: Any
) -> None:
    """A completed Offline run of 8 samples."""
    engine = build_engine(settings.engine)
    endpoints = [
        EndpointFacts(
            name=node, url="http://x", node=node, engine="simulated", model="simulated", window=4,
            settings=engine.settings(node),
        )
        for node in nodes
    ]  # fmt: skip
    facts = {
        "id": name, "assay_version": "0", "benchmark": BENCHMARK.name, "scenario": "Offline", "mode": "performance",
        "official": False, "status": RunStatus.COMPLETED, "started_utc": START.isoformat(),
        "ended_utc": (START + timedelta(seconds=seconds)).isoformat(), "clock_offset_ns": 0, "dataset_name": "x",
        "dataset_sha256": "abc", "dataset_samples": 8, "samples": 8, "model": "m", "max_tokens": 128, "issued": 8,
        "endpoints": endpoints,
    }  # fmt: skip
    run = folder.run(name)
    run.path.mkdir(parents=True)
    write_json(run.record, RunRecord.model_validate({**facts, **changes}))


def make(settings: Config, folder: CampaignFolder, sha256: str = "abc") -> Estimator:
    estimator = Estimator(settings, BENCHMARK, 8, sha256)
    estimator.learn_from([folder])
    return estimator


def test_unknown_where_nothing_was_measured(tmp_path: Path) -> None:
    settings = config(tmp_path)
    (entry,) = plan_runs(settings, ["node-a", "node-b"])
    estimate = make(settings, CampaignFolder(tmp_path)).estimate(entry)
    assert estimate.seconds is None
    assert "unknown" in str(estimate)
    assert together([estimate]).startswith("unknown")


def test_measured_runs_of_the_same_work_count_and_no_others(tmp_path: Path) -> None:
    settings, folder = config(tmp_path), CampaignFolder(tmp_path)
    (entry,) = plan_runs(settings, ["node-a", "node-b"])
    both = ["node-a", "node-b"]
    measured(folder, settings, "1-other-data", both, 1, dataset_sha256="other")
    measured(folder, settings, "2-failed", both, 2, status=RunStatus.FAILED)
    measured(folder, settings, "3-accuracy", both, 3, mode="accuracy")
    measured(folder, settings, "4-official", both, 4, official=True)
    faster = config(tmp_path, engine={**settings.engine.model_dump(mode="json"), "itl_ms": 0.5})
    measured(folder, faster, "5-other-engine", both, 5)
    assert make(settings, folder).estimate(entry).seconds is None
    measured(folder, settings, "6-same", both, 12)
    estimate = make(settings, folder).estimate(entry)
    assert estimate.seconds == 12
    assert "6-same" in estimate.basis
    entry.queries = 16
    assert make(settings, folder).estimate(entry).seconds == 24


def test_rates_of_single_nodes_are_added_and_the_assumption_is_said(tmp_path: Path) -> None:
    settings, folder = config(tmp_path), CampaignFolder(tmp_path)
    (entry,) = plan_runs(settings, ["node-a", "node-b"])
    measured(folder, settings, "a", ["node-a"], 8)
    assert make(settings, folder).estimate(entry).seconds is None
    measured(folder, settings, "b", ["node-b"], 4)
    estimate = make(settings, folder).estimate(entry)
    assert estimate.seconds == 8 / (1 + 2)
    assert "assuming" in estimate.basis


def official(folder: Path, nodes: Sequence[str] = ("node-a",), **changes: Any) -> tuple[str, Estimator, Config]:
    """The plan of official runs in words; no data are read."""
    settings = config(folder, official=True, dataset={}, **changes)
    estimator = Estimator(settings, get_benchmark(settings.benchmark), 13_368, "abc")
    return plan_text(settings, plan_runs(settings, nodes), estimator), estimator, settings


def test_arrivals_give_a_least(tmp_path: Path) -> None:
    settings = config(tmp_path, scenarios=["Server"], target_qps={"Server": 0.5})
    (entry,) = plan_runs(settings, ["node-a"])
    estimate = make(settings, CampaignFolder(tmp_path)).estimate(entry)
    assert estimate.seconds == pytest.approx(16, abs=1)  # the last of LoadGen's own arrivals
    assert estimate.at_least


def test_runs_of_which_nothing_is_known_say_so_once(tmp_path: Path) -> None:
    settings = config(tmp_path, campaign={"repeats": 2})
    runs = plan_runs(settings, ["node-a"])
    text = plan_text(settings, runs, make(settings, CampaignFolder(tmp_path)))
    assert len(runs) == 2
    assert [line for line in text.splitlines() if "unknown" in line] == [
        "time: unknown: no earlier run of this work on these nodes"
    ]


def test_official_counts_are_whole_epochs_at_the_rate_that_is_set(tmp_path: Path) -> None:
    changes: dict[str, Any] = {"benchmark": "llama3.1-8b", "scenarios": ["Offline", "Server"]}
    text, estimator, settings = official(tmp_path, target_qps={"Server": 50, "Offline": 100}, **changes)
    offline, server = plan_runs(settings, ["node-a"])
    assert estimator.samples(offline) == 5 * 13_368  # 1.1 x 600 s x 100 a second, and up to a whole epoch
    assert estimator.samples(server) == 3 * 13_368
    assert (seconds := estimator.estimate(server).seconds) is not None
    assert 600 < seconds < 900
    assert str(estimator.estimate(offline)).startswith("about 11 min")
    assert "isn't set" not in text


def test_official_offline_without_a_rate_says_what_it_issues_and_for_whom_that_is_enough(tmp_path: Path) -> None:
    changes = {"benchmark": "llama3.1-8b", "campaign": {"kind": "scaling", "repeats": 1}}
    text, estimator, settings = official(tmp_path, nodes=["node-a", "node-b"], **changes)
    offline, *_ = plan_runs(settings, ["node-a", "node-b"])
    assert "  13,368 samples\n" in text
    assert "only a system of at most 22.28 samples/s reaches it: set target_qps.Offline" in text
    assert estimator.estimate(offline).seconds is None  # a fast system ends long before 600 s


def test_official_offline_that_plans_says_so_and_how_long_it_takes_by_an_earlier_planning_run(tmp_path: Path) -> None:
    text, _, settings = official(tmp_path, benchmark="smollm2-135m", modes=["performance", "accuracy"])
    assert "a planning run measures it; the official run has 13,368 samples, or as many more as take 600 s" in text
    folder = CampaignFolder(tmp_path)
    planning, performance, accuracy = plan_runs(settings, ["node-a"])
    facts = {"official": False, "planning": True, "samples": 8, "issued": 400}
    measured(folder, settings, "1-planning", ["node-a"], 20, **facts)
    known = make(settings, folder)
    assert known.estimate(planning).seconds == 20
    assert known.estimate(accuracy).seconds == 8 * 20 / 400
    assert "at the rate of Offline run 1-planning" in known.estimate(accuracy).basis
    assert known.estimate(performance).seconds is None, "its count is LoadGen's, from a rate that nobody said"


def test_official_single_stream_says_what_loadgen_expects_of_a_sample(tmp_path: Path) -> None:
    conf = tmp_path / "user.conf"
    conf.write_text("llama3_1-8b-edge.SingleStream.target_latency = 1000\n")
    changes: dict[str, Any] = {"benchmark": "llama3.1-8b-edge", "scenarios": ["SingleStream"]}
    settings = config(tmp_path, official=True, dataset={}, **changes)
    text = plan_text(
        settings, plan_runs(settings, ["a"]), Estimator(settings, get_benchmark("llama3.1-8b-edge"), 5000, "")
    )
    assert "at least 125,000 samples  at least 10 min" in text
    assert "expects one to take 10 ms" in text
    changes["loadgen"] = {"user_conf": str(conf)}
    settings = config(tmp_path, official=True, dataset={}, **changes)
    text = plan_text(
        settings, plan_runs(settings, ["a"]), Estimator(settings, get_benchmark("llama3.1-8b-edge"), 5000, "")
    )
    assert "at least 5,000 samples  at least 10 min" in text


def test_the_plan_shows_what_a_user_conf_changes_and_what_it_cannot(tmp_path: Path) -> None:
    conf = tmp_path / "user.conf"
    conf.write_text("llama3_1-8b.Server.target_qps = 3\n*.*.min_duration = 60000\nbert.Offline.min_query_count = 9\n")
    settings = config(
        tmp_path, scenarios=["Server"], target_qps={"Server": 50}, loadgen={"user_conf": str(conf)}
    )  # fmt: skip
    runs = plan_runs(settings, ["node-a"])
    text = plan_text(settings, runs, make(settings, CampaignFolder(tmp_path)))
    assert [entry.target_qps for entry in runs] == [3]
    assert "8 samples, 3 a second  at least 3 s" in text
    assert "llama3_1-8b.Server.target_qps = 3 (instead of target_qps.Server, 50)" in text
    assert "*.*.min_duration = 60000 (without effect: Assay sets 0)" in text
    assert "bert" not in text
    conf.write_text("llama2-70b.Server.min_query_count = 9\n")
    text = plan_text(settings, runs, make(settings, CampaignFolder(tmp_path)))
    assert "nothing in it is for llama3_1-8b" in text


@pytest.mark.parametrize(
    ("load", "samples", "time"),
    [
        ({"kind": "concurrency", "concurrency": 2, "requests": 40}, "  40 samples", "unknown"),
        ({"kind": "rate", "rate": 4, "requests": 40}, "  40 samples", "about 10 s"),
        ({"kind": "rate", "rate": 4, "requests": 40, "arrivals": "constant"}, "  40 samples", "at least 10 s"),
        ({"kind": "rate", "rate": 4, "duration_s": 10}, "  about 40 samples", "at least 10 s"),
        ({"kind": "rate", "rate": 4, "requests": 20, "duration_s": 10}, "  about 20 samples", "about 5 s"),
        ({"kind": "concurrency", "concurrency": 2, "requests": 4, "duration_s": 60}, "  about 4 samples", "unknown"),
        ({"kind": "ramp", "of": "rate", "from": 2, "to": 6, "over_s": 10}, "  about 40 samples", "at least 10 s"),
    ],
)
def test_a_plan_says_about_where_a_number_is_not_exact(
    tmp_path: Path, load: dict[str, Any], samples: str, time: str
) -> None:
    settings = config(tmp_path, campaign={"kind": "bench", "loads": [load]})
    runs = plan_runs(settings, ["node-a"])
    text = plan_text(settings, runs, make(settings, CampaignFolder(tmp_path)))
    assert samples in text
    assert f"time: {time}" in text


def test_the_sum_says_what_it_leaves_out() -> None:
    known, least, unknown = TimeEstimate(30, "x"), TimeEstimate(40, "x", at_least=True), TimeEstimate(None, "x")
    assert together([known, known]) == "about 60 s"
    assert together([known, least]) == "at least 70 s"
    assert together([known, unknown]) == "at least 30 s, and 1 of 2 runs unknown"
    assert [duration(s) for s in (5, 600, 20_000)] == ["5 s", "10 min", "5.6 h"]
