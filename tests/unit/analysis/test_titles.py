"""What pages call a benchmark."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.synthetic import Plan, write_run

from assay.analysis.titles import benchmark_title
from assay.benchmarks import get_benchmark
from assay.runs import read_record


@pytest.mark.parametrize(
    ("benchmark", "generated", "title"),
    [
        ("own-prompts", [True], "Synthetic prompts"),
        ("own-prompts", [False], "Own prompts"),
        ("own-prompts", [], "Own prompts"),
        ("smollm2-135m", [True], get_benchmark("smollm2-135m").title),
    ],
)
def test_generated_prompts_are_not_called_the_users_own(
    benchmark: str, generated: list[bool], title: str, tmp_path: Path
) -> None:
    record = read_record(write_run(tmp_path, Plan()))
    records = [record.model_copy(update={"dataset_generated": made}) for made in generated]
    assert benchmark_title(get_benchmark(benchmark), records) == title
