"""Compliance runs are held to their own audit.config, which issues samples otherwise than a performance run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from assay.analysis.mlperf_rules import departures
from assay.benchmarks import get_benchmark
from assay.benchmarks.mlperf import COMPLIANCE, seeds
from assay.runs import LoadgenDetail

SPEC = get_benchmark("llama3.1-8b").scenarios["Offline"]


def logged(test: str, **changes: Any) -> LoadgenDetail:
    """What LoadGen logs of a run with a test's audit.config; `changes` replace some of it."""
    effective = {"test_mode": "PerformanceOnly", "scenario": "Offline", "performance_issue_same": False, **seeds()}
    effective["performance_issue_unique"] = bool(COMPLIANCE[test].get("performance_issue_unique"))
    values = {f"effective_{key}": value for key, value in effective.items()}
    values |= {f"requested_{key}": value for key, value in COMPLIANCE[test].items()}
    return LoadgenDetail(Path("log"), values=values | {"requested_use_token_latencies": True} | changes)


@pytest.mark.parametrize("test", COMPLIANCE)
def test_its_own_settings_are_no_departure(test: str) -> None:
    assert departures(logged(test), SPEC, "performance", None, test) == []


@pytest.mark.parametrize(
    ("test", "changes", "words"),
    [
        (
            "TEST06",
            {"effective_performance_issue_unique": True},
            "performance_issue_unique is True, the rules say False",
        ),
        (
            "TEST09",
            {"effective_performance_issue_unique": False},
            "performance_issue_unique is False, the rules say True",
        ),
        ("TEST09", {"requested_min_query_count": 100}, "min_query_count is 100, the rules ask for at least 6396"),
        (
            "TEST09",
            {"requested_accuracy_log_sampling_target": 100},
            "accuracy_log_sampling_target is 100, TEST09 asks for 10000",
        ),
    ],
)
def test_other_settings_are_named(test: str, changes: dict[str, Any], words: str) -> None:
    assert departures(logged(test, **changes), SPEC, "performance", None, test) == [words]
