"""What MLPerf's rules fix: seeds by round, limits and data sets by benchmark."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from assay.errors import UserError

SEED_KEYS = ("qsl_rng_seed", "sample_index_rng_seed", "schedule_rng_seed")


@dataclass(frozen=True)
class BenchmarkFacts:
    """`limits_ns` holds the 99th percentile's limits (TTFT, TPOT), by scenario in lower case."""

    name: str
    samples: int | None
    limits_ns: dict[str, tuple[int, int]]
    token_latencies: bool
    scores: dict[str, float]
    min_ratio: float
    scored_samples: int | None


@dataclass(frozen=True)
class DatasetFacts:
    name: str
    samples: int
    mean_input_tokens: float
    mean_output_tokens: float
    least_input_tokens: float
    least_output_tokens: float
    source: str


def min_duration_ms() -> int:
    """The shortest measured time of an MLPerf run, ms."""
    return int(_facts()["min_duration_ms"])


def round_of_seeds(seeds: tuple[int, ...]) -> str | None:
    """The MLPerf round whose three seeds these are."""
    return next((name for name, known in _facts()["seeds"].items() if tuple(known) == seeds), None)


def dataset_facts(name: str | None) -> DatasetFacts | None:
    """The data set that a name means; benchmarks' names mean their data sets."""
    if not name:
        return None
    for key, data in _facts()["datasets"].items():
        if re.search(data["match"], name.lower()):
            return DatasetFacts(name=key, **{k: v for k, v in data.items() if k != "match"})
    return None


def benchmark_facts(name: str | None) -> BenchmarkFacts | None:
    """The rules for a benchmark, whose folder may be called llama3_1-8b or llama2-70b-99.9; None if it isn't known."""
    if not name:
        return None
    plain = re.sub(r"-99(\.9)?$", "", name.lower().replace("llama3_1", "llama3.1"))
    return _own(plain) or _tabled(plain)


def _own(name: str) -> BenchmarkFacts | None:
    from assay.benchmarks import get_benchmark

    interactive_only = name.endswith("-interactive")
    try:
        benchmark = get_benchmark(name.removesuffix("-interactive"))
    except UserError:
        return None
    limits = {
        scenario.lower(): (spec.ttft_limit_ns, spec.tpot_limit_ns)
        for scenario, spec in benchmark.scenarios.items()
        if spec.ttft_limit_ns is not None and spec.tpot_limit_ns is not None
    }
    if interactive_only and "interactive" in limits:
        limits["server"] = limits["interactive"]
    quality = benchmark.quality
    names = ("rouge1", "rouge2", "rougeL", "rougeLsum")
    return BenchmarkFacts(
        name=name,
        samples=benchmark.dataset.total_sample_count,
        limits_ns=limits,
        token_latencies=benchmark.mlperf,
        scores={score: getattr(quality, score) for score in names} if quality else {},
        min_ratio=quality.min_rouge_ratio if quality else 1.0,
        scored_samples=quality.gen_num if quality else None,
    )


def _tabled(name: str) -> BenchmarkFacts | None:
    data = _facts()["benchmarks"].get(name)
    if data is None:
        return None
    limits = {
        scenario: (data[scenario][0] * 1_000_000, data[scenario][1] * 1_000_000)
        for scenario in ("server", "interactive")
        if scenario in data
    }
    return BenchmarkFacts(name, data["samples"], limits, data["tokens"], {}, 1.0, None)


@cache
def _facts() -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("facts.yaml").read_text())
    return data
