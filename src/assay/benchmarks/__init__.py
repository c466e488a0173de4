"""What is measured: one file a benchmark, with its model, prompt, dataset, latency limits and quality targets."""

from assay.benchmarks.copies import UNVERIFIED, Copy, copy_of
from assay.benchmarks.model import AccuracySpec, Benchmark, DatasetSpec, QualityTargets, Sampling, ScenarioSpec
from assay.benchmarks.recorded import benchmark_json_schema, campaign_benchmark, run_benchmark, write_benchmark
from assay.benchmarks.registry import benchmark_names, get_benchmark, is_benchmark_file

__all__ = [
    "UNVERIFIED",
    "AccuracySpec",
    "Benchmark",
    "Copy",
    "DatasetSpec",
    "QualityTargets",
    "Sampling",
    "ScenarioSpec",
    "benchmark_json_schema",
    "benchmark_names",
    "campaign_benchmark",
    "copy_of",
    "get_benchmark",
    "is_benchmark_file",
    "run_benchmark",
    "write_benchmark",
]
