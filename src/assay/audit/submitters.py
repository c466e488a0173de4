"""What a submission's tree holds beside its logs, by submitter: for rules on trees that are said to be whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from assay.benchmarks.mlperf import LlmFacts


@dataclass(frozen=True)
class JsonFile:
    """An object in a file of JSON or YAML, or why there is none."""

    name: str
    """DIVISION/ORG/…, with the path below it."""
    where: str
    data: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True)
class AccuracyFiles:
    """A result's accuracy log and the hash beside its scores. None: there is none that can be read."""

    log_bytes: int | None
    digest: str
    """Of the log as it lies there."""
    cut: bool
    """The log says of itself that it was cut."""
    stated: str | None
    """The hash that accuracy.txt states, as it is written there."""


@dataclass(frozen=True)
class ResultFolder:
    """What lies in a scenario's folder: results/SYSTEM/BENCHMARK/SCENARIO."""

    name: str
    """DIVISION/ORG/SYSTEM/BENCHMARK/SCENARIO, as runs are called."""
    where: str
    system: str
    benchmark: str
    scenario: str
    rules: LlmFacts | None
    by_loadgen: bool
    """LoadGen's logs are asked for; else the MLPerf Endpoints client's results."""
    files: Mapping[str, str]
    """By file that is asked for: why it isn't one; empty: it is there."""
    measurements: JsonFile
    accuracy: AccuracyFiles | None
    """None where LoadGen didn't drive."""
    test06: tuple[str, ...] | None
    """TEST06's checks that the answers in its log fail; None where there is nothing to judge."""


@dataclass(frozen=True)
class Submitter:
    """One submitter's folder in a division."""

    name: str
    where: str
    division: str
    organisation: str
    files: Mapping[str, str]
    """As a result's."""
    systems: Mapping[str, JsonFile]
    """By the names of folders in results/, and of files in systems/."""
    mapping: JsonFile | None
    """model_mapping.json, which the open division asks for."""
    results: tuple[ResultFolder, ...]
