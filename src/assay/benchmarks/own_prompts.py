"""Prompts of the user's own on a model of the user's own: loads that the pacer drives, speed alone."""

from __future__ import annotations

from assay.benchmarks.model import Benchmark, DatasetSpec

BENCHMARK = Benchmark(
    name="own-prompts",
    title="Own prompts",
    dataset=DatasetSpec(title="Prompts of the user's own"),
    scorer=None,
)
