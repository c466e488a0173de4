"""What the audit holds evidence against: a benchmark's rules, and what is known of data sets that claims name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from assay.benchmarks import Benchmark, benchmark_names, get_benchmark
from assay.benchmarks.mlperf import LlmFacts, llm_facts
from assay.runs.scenarios import Mode
from assay.safe_yaml import read_yaml


@dataclass(frozen=True)
class DatasetFacts:
    name: str
    samples: int
    mean_input_tokens: float
    mean_output_tokens: float
    least_input_tokens: float
    least_output_tokens: float
    source: str


def facts_named(name: str | None, of_round: str | None = None, scenario: str | None = None) -> LlmFacts | None:
    """The rules of a benchmark by its name or its folder's; None if it isn't known."""
    known = llm_facts(name, of_round, scenario)
    return facts_of(get_benchmark(name)) if known is None and name in benchmark_names() and name else known


def output_limit(rules: LlmFacts | None, division: str | None, mode: Mode) -> int | None:
    """The most tokens of an answer, where a benchmark of this package is measured as the rules say."""
    known = rules is not None and division != "open" and rules.name in benchmark_names()
    return get_benchmark(rules.name).in_mode(mode).max_new_tokens if known and rules is not None else None


def facts_of(benchmark: Benchmark) -> LlmFacts:
    """What a definition says; for one that calls itself MLPerf's, what MLPerf says, whatever stands in it."""
    if benchmark.mlperf and (official := llm_facts(benchmark.name)):
        return official
    quality = benchmark.quality
    return LlmFacts(
        name=benchmark.name,
        samples=benchmark.dataset.total_sample_count,
        scored_samples=quality.samples if quality else None,
        limits_ns={
            scenario: (spec.ttft_limit_ns, spec.tpot_limit_ns)
            for scenario, spec in benchmark.scenarios.items()
            if spec.ttft_limit_ns is not None and spec.tpot_limit_ns is not None
        },
        token_latencies=benchmark.mlperf,
        reference=quality.reference if quality else {},
        targets=quality.targets if quality else {},
    )


def dataset_facts(name: str | None) -> DatasetFacts | None:
    """The data set that a name means; benchmarks' names mean their data sets."""
    if not name:
        return None
    for key, data in _datasets().items():
        if re.search(data["match"], name.lower()):
            return DatasetFacts(name=key, **{k: v for k, v in data.items() if k != "match"})
    return None


@cache
def _datasets() -> dict[str, Any]:
    data: dict[str, Any] = read_yaml(Path(__file__).with_name("datasets.yaml")).data["datasets"]
    return data
