"""What an INVALID of the real LoadGen asks for, and the setting that gives it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.loadgen_runs import loadgen

from assay.analysis.advice import invalid_words, mends
from assay.analysis.verdict import read_loadgen
from assay.benchmarks import get_benchmark
from assay.runs import RunFolder, RunRecord
from assay.runs.result import LoadgenVerdict
from assay.runs.scenarios import Scenario

BENCHMARK = get_benchmark("llama3.1-8b")


def asked(verdict: LoadgenVerdict, scenario: Scenario, *, official: bool, rate: float | None = None) -> list[str]:
    record = RunRecord(
        id="x", assay_version="0", benchmark=BENCHMARK.name, scenario=scenario, mode="performance", official=official,
        started_utc="", clock_offset_ns=0, dataset_name="x", dataset_sha256="x", dataset_samples=8, samples=8,
        model="m", max_tokens=8, target_qps=rate,
    )  # fmt: skip
    return [f"set {mend.words}" for mend in mends(verdict, record, BENCHMARK.scenarios.get(scenario))]


def test_early_stopping_says_how_many_more_queries_and_where_to_ask_for_them(tmp_path: Path) -> None:
    loadgen(tmp_path, "Server", queries=10)
    verdict, _ = read_loadgen(RunFolder(tmp_path))
    assert verdict.result == "INVALID"
    (told,) = [reason for reason in verdict.reasons if "early stopping" in reason]
    assert told.startswith(
        "TPOT early stopping: Run unsuccessful. Processed 10 queries. Would need to run at least 449"
    )
    assert asked(verdict, "Server", official=False) == ["set queries.Server to 459 or more"]
    assert asked(verdict, "Server", official=True) == [
        "set llama3_1-8b.Server.min_query_count = 459 or more in loadgen.user_conf"
    ]


def test_a_single_stream_that_is_too_short_says_the_whole_number(tmp_path: Path) -> None:
    loadgen(tmp_path, "SingleStream", queries=10)
    verdict, _ = read_loadgen(RunFolder(tmp_path))
    assert asked(verdict, "SingleStream", official=False) == ["set queries.SingleStream to 64 or more"]


def test_a_valid_run_asks_for_nothing(tmp_path: Path) -> None:
    loadgen(tmp_path, "Offline", queries=10)
    verdict, _ = read_loadgen(RunFolder(tmp_path))
    assert verdict.result == "VALID"
    assert asked(verdict, "Offline", official=True) == []


@pytest.mark.parametrize(
    ("scenario", "failed", "rate", "words"),
    [
        ("Offline", "Min duration satisfied", None, "set target_qps.Offline to 24.7 or more"),
        ("SingleStream", "Min duration satisfied", None, "a lower *.SingleStream.target_latency (ms)"),
        ("Server", "Performance constraints satisfied", 50.0, "set target_qps.Server below 50"),
    ],
)
def test_each_objection_has_its_setting(scenario: Scenario, failed: str, rate: float | None, words: str) -> None:
    verdict = LoadgenVerdict(result="INVALID", reasons=[f"{failed}: no"], metrics={"Samples per second": 24.61})
    (told,) = asked(verdict, scenario, official=True, rate=rate)
    assert words in told


def test_an_invalid_run_is_told_in_a_few_words(tmp_path: Path) -> None:
    (tmp_path / "server").mkdir()
    loadgen(tmp_path / "server", "Server", queries=10)
    verdict, _ = read_loadgen(RunFolder(tmp_path / "server"))
    assert invalid_words(verdict) == "early stopping not met: 449 more queries (TPOT)"
    short = LoadgenVerdict(result="INVALID", reasons=["Min duration satisfied: no", "Min queries satisfied: no"])
    assert invalid_words(short) == "shorter than its least duration; fewer queries than its least number"
    other = LoadgenVerdict(result="INVALID", reasons=["Something new satisfied: no", "a remark"])
    assert invalid_words(other) == "Something new satisfied"
