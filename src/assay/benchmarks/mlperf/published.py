"""Published results of MLPerf Inference: other people's systems, to hold one's own figures beside."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from assay.safe_yaml import read_yaml

PUBLISHED_SOURCE = "MLPerf Inference, closed division, results as published by MLCommons"


@dataclass(frozen=True)
class PublishedResult:
    """One result. `rate` is in output tokens/s an accelerator; `latency_ms` the 90th percentile of SingleStream."""

    accelerator: str
    scenario: str
    round: str
    submitter: str = ""
    rate: float | None = None
    latency_ms: float | None = None


def published_results(benchmark: str, scenario: str | None = None) -> tuple[PublishedResult, ...]:
    """Results of a benchmark, of one scenario or of all; none where none are known."""
    found = (PublishedResult(**entry) for entry in _table().get(benchmark, ()))
    return tuple(result for result in found if scenario in (None, result.scenario))


@cache
def _table() -> dict[str, Any]:
    data: dict[str, Any] = read_yaml(Path(__file__).with_name("published.yaml")).data["results"]
    return data
