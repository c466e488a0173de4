"""`--fail-if`: what a condition says, and what it makes of a result."""

from __future__ import annotations

from typing import Any

import pytest
from tests.results import bench_result, distribution, figure

from assay.commands.bench.limits import check_known, parse_condition
from assay.errors import UserError
from assay.runs import Result


def result(p99_ms: float = 400, issued: int = 100, completed: int = 100) -> Result:
    figures = {
        "samples_issued": figure(issued),
        "samples_completed": figure(completed),
        "samples_per_s": figure(12),
        "output_tokens_per_s": figure(900),
    }
    return bench_result("run", figures, distribution(100, p99=p99_ms, p99_9=900, max=900))


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("ttft p99 > 500ms", False),
        ("ttft p99 > 300ms", True),
        ("TTFT p99>0.3s", True),
        ("ttft > 300ms", True),  # p99 where none is named
        ("ttft p50 > 99ms", True),
        ("requests < 10", False),
        ("requests < 13", True),
        ("tokens < 1000", True),
        ("unanswered > 0%", False),
    ],
)
def test_a_condition_that_holds_fails_the_command(text: str, broken: bool) -> None:
    assert (parse_condition(text).broken_by(result()) is not None) is broken


def test_failed_counts_every_sample_without_an_answer() -> None:
    words = parse_condition("unanswered > 1%").broken_by(result(issued=100, completed=98))
    assert words is not None
    assert "2.00 %" in words
    assert parse_condition("unanswered > 2%").broken_by(result(issued=100, completed=98)) is None


def test_what_was_not_measured_does_not_pass() -> None:
    assert "not measured" in (parse_condition("tpot p99 > 1s").broken_by(result()) or "")
    assert "not measured" in (parse_condition("goodput < 1").broken_by(result()) or "")


@pytest.mark.parametrize(
    "text",
    [
        "ttft",
        "ttft p99 > 500",
        "speed < 3",
        "requests p99 < 3",
        "unanswered > 3",
        "tokens < x",
        "unanswered > nan%",
        "tokens < nan",
    ],
)
def test_other_words_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(UserError, match="ttft p99 > 500ms"):
        parse_condition(text)


MADE = {"dataset": {"synthetic": {"input": 8, "output": 4}}}
ONE_TOKEN = {"dataset": {"path": "p.jsonl", "max_tokens": 1}}


@pytest.mark.parametrize(
    ("text", "settings", "words"),
    [
        ("goodput < 5", MADE, "give --slo"),
        ("tpot > 5ms", ONE_TOKEN, "raise --output"),
        ("itl p50 > 5ms", {"dataset": {"synthetic": {"input": 8, "output": {"low": 1, "high": 1}}}}, "raise --output"),
    ],
)
def test_a_condition_on_what_no_run_will_have_is_refused_before_any(
    text: str, settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(UserError, match=words):
        check_known([parse_condition(text)], settings)


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("goodput < 5", MADE | {"slo": {"ttft": "1s"}}),
        ("tpot > 5ms", MADE),
        ("ttft > 5ms", ONE_TOKEN),
        ("tpot > 5ms", {"dataset": {"path": "p.jsonl"}}),
        ("tpot > 5ms", {"dataset": {"synthetic": {"input": 8, "output": {"mean": 1.0, "std": 1.0}}}}),
    ],
)
def test_a_condition_that_a_run_may_judge_is_taken(text: str, settings: dict[str, Any]) -> None:
    check_known([parse_condition(text)], settings)
