"""How long an answer may be, by benchmark, division and mode."""

from __future__ import annotations

import pytest

from assay.audit.facts import output_limit
from assay.benchmarks.mlperf import llm_facts
from assay.runs.scenarios import Mode


@pytest.mark.parametrize(
    ("benchmark", "division", "mode", "limit"),
    [
        ("llama3.1-8b", "closed", "performance", 128),
        ("gpt-oss-120b", "closed", "performance", 10_240),
        ("gpt-oss-120b", "closed", "accuracy", 32_768),
        ("deepseek-r1", "closed", "accuracy", 20_000),
        ("gpt-oss-120b", "open", "accuracy", None),
        ("mixtral-8x7b", "closed", "performance", None),
    ],
)
def test_the_limit_is_the_runs_own(benchmark: str, division: str, mode: Mode, limit: int | None) -> None:
    assert output_limit(llm_facts(benchmark, "v6.0"), division, mode) == limit
