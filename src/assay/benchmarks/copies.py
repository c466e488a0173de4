"""Whether samples are those that a benchmark asks for: by their token ids, whatever a file is called."""

from __future__ import annotations

from typing import Literal

from assay.benchmarks.model import Benchmark, DatasetSpec
from assay.benchmarks.registry import benchmark_names, get_benchmark

Copy = Literal["official", "unverified", "other"]
UNVERIFIED = "unverified copy"


def copy_of(benchmark: Benchmark, tokens_sha256: str) -> Copy | None:
    """By the SHA-256 of all samples' token ids, empty where they have none; None: it asks for no samples in particular.

    Of MLPerf's benchmarks this package's own definitions decide, whatever a recorded one says.
    """
    wanted = _dataset(benchmark).tokens_sha256
    if wanted is None:
        return "unverified" if benchmark.mlperf else None
    if not tokens_sha256:
        return "unverified"
    return "official" if tokens_sha256 == wanted else "other"


def _dataset(benchmark: Benchmark) -> DatasetSpec:
    """The data set that it asks for; of MLPerf's benchmarks this package's."""
    if not benchmark.mlperf or benchmark.name not in benchmark_names():
        return benchmark.dataset
    ours = get_benchmark(benchmark.name)
    others = (ours.in_mode("accuracy").dataset, *ours.compliance_data.values())
    return next((data for data in others if benchmark.dataset.title == data.title), ours.dataset)
