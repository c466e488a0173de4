"""`--fail-if`: what a condition says, and what it makes of a result."""

from __future__ import annotations

import pytest

from assay.commands.bench.limits import parse_condition
from assay.errors import UserError
from assay.runs import Distribution, Figure, Result, RunStatus
from assay.runs.result import LoadgenVerdict, Verdict


def figure(value: float, unit: str) -> Figure:
    return Figure(value=value, unit=unit, formula="f", source="s")


def result(p99_ms: float = 400, issued: int = 100, completed: int = 100) -> Result:
    ns = dict.fromkeys(("min", "p50", "p90", "p95", "p97"), 100000000)
    ttft = Distribution(
        n=100, mean=1e8, **ns, p99=int(p99_ms * 1e6), p99_9=900_000_000, max=900_000_000, formula="f", source="s"
    )
    return Result(
        run="run",
        benchmark="own-prompts",
        scenario="Concurrency",
        mode="performance",
        official=False,
        status=RunStatus.COMPLETED,
        reason="",
        verdict=Verdict(valid=False, words=""),
        loadgen=LoadgenVerdict(result=None),
        figures={
            "samples_issued": figure(issued, "samples"),
            "samples_completed": figure(completed, "samples"),
            "samples_per_s": figure(12, "samples/s"),
            "output_tokens_per_s": figure(900, "tokens/s"),
        },
        latency={"ttft_ns": ttft},
        endpoints=[],
    )


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
        ("failed > 0%", False),
    ],
)
def test_a_condition_that_holds_fails_the_command(text: str, broken: bool) -> None:
    assert (parse_condition(text).broken_by(result()) is not None) is broken


def test_failed_counts_every_sample_without_an_answer() -> None:
    words = parse_condition("failed > 1%").broken_by(result(issued=100, completed=98))
    assert words is not None
    assert "2.00%" in words
    assert parse_condition("failed > 2%").broken_by(result(issued=100, completed=98)) is None


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
        "failed > 3",
        "tokens < x",
        "failed > nan%",
        "tokens < nan",
    ],
)
def test_other_words_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(UserError, match="ttft p99 > 500ms"):
        parse_condition(text)
