"""What pages call a benchmark."""

from __future__ import annotations

from collections.abc import Iterable

from assay.benchmarks import Benchmark
from assay.benchmarks.own_prompts import BENCHMARK as OWN
from assay.runs import RunRecord

SYNTHETIC = "Synthetic prompts"


def benchmark_title(benchmark: Benchmark, records: Iterable[RunRecord]) -> str:
    """The benchmark's title; prompts are only called the user's own where Assay didn't generate them."""
    if benchmark.name == OWN.name and any(record.dataset_generated for record in records):
        return SYNTHETIC
    return benchmark.title
