"""Tokens in and out: lengths, how answers ended, and output length against the reference's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field

from assay.analysis.samples import Samples
from assay.analysis.statistics import Ints, mean
from assay.benchmarks import Benchmark
from assay.runs.requests import answered, read_requests
from assay.runs.result import AccuracyResult


class Lengths(BaseModel):
    """One side's token counts over completed samples."""

    model_config = ConfigDict(extra="forbid")

    total: int
    mean: float
    mean_low: float | None
    mean_high: float | None
    min: int
    p50: int
    p99: int
    max: int
    unknown: int = Field(description="samples whose count isn't known")


_SOURCES = {"ids": "token ids", "usage": "the server's usage", "tokenizer": "the tokenizer"}


def sources_in_words(sources: Mapping[str, int]) -> str:
    """What counted the tokens of how many answers."""
    return ", ".join(f"{_SOURCES.get(source, source)} ({count:,})" for source, count in sources.items())


class TokenAnalysis(BaseModel):
    model_config = ConfigDict(extra="forbid")

    input: Lengths | None
    output: Lengths | None
    at_limit: int = Field(description="answers as long as max_tokens allows")
    finish_reasons: dict[str, int]
    token_sources: dict[str, int] = Field(description="how the counts are known: ids, usage or tokenizer")
    characters_ratio: float | None = Field(
        description="mean characters of an answer over the reference's (accuracy runs with a reference)"
    )


def analyse_tokens(
    path: Path, samples: Samples, max_tokens: int, benchmark: Benchmark, accuracy: AccuracyResult | None
) -> TokenAnalysis:
    """Token counts of a run's completed samples, from `requests.parquet`."""
    columns = ["final", "status", "finish_reason", "token_source", "max_tokens", "output_tokens"]
    table = answered(read_requests(path, columns))
    return TokenAnalysis(
        input=_lengths(samples.input_tokens),
        output=_lengths(samples.output_tokens),
        at_limit=_at_limit(table, max_tokens),
        finish_reasons=_counts(table["finish_reason"]),
        token_sources=_counts(table["token_source"]),
        characters_ratio=_characters_ratio(benchmark, accuracy),
    )


def _at_limit(table: pa.Table, max_tokens: int) -> int:
    own = pc.fill_null(table["max_tokens"], max_tokens)
    return int(pc.sum(pc.greater_equal(table["output_tokens"], own)).as_py() or 0)


def _lengths(counts: Ints) -> Lengths | None:
    known = counts[counts >= 0]
    if len(known) == 0:
        return None
    ordered, average = np.sort(known), mean(known.astype(np.float64))
    return Lengths(
        total=int(known.sum()),
        mean=average.value,
        mean_low=average.low,
        mean_high=average.high,
        min=int(ordered[0]),
        p50=int(ordered[len(ordered) // 2]),
        p99=int(ordered[int(len(ordered) * 0.99)]),
        max=int(ordered[-1]),
        unknown=len(counts) - len(known),
    )


def _counts(column: pa.ChunkedArray) -> dict[str, int]:
    found = pc.value_counts(pc.fill_null(column.cast(pa.string()), "not given")).to_pylist()
    return {entry["values"]: entry["counts"] for entry in sorted(found, key=lambda e: (-e["counts"], e["values"]))}


def _characters_ratio(benchmark: Benchmark, accuracy: AccuracyResult | None) -> float | None:
    """Where a metric counts the answers' characters."""
    quality = benchmark.quality
    if accuracy is None or quality is None or not accuracy.samples:
        return None
    counted = (
        (score.value / accuracy.samples) / (quality.reference[metric] / quality.samples)
        for metric, score in accuracy.scores.items()
        if score.total and score.unit == "characters" and quality.reference.get(metric)
    )
    return next(counted, None)
