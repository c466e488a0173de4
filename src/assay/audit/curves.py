"""What a tree of MLPerf Endpoints holds: submissions, their curves, and the points of each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.audit.submitters import JsonFile
from assay.benchmarks.mlperf import LlmFacts
from assay.benchmarks.mlperf.endpoints import ULTRA_LOW, Region, regions

AGENTIC = "agentic_inference"
"""The load pattern by which a curve is known as an agentic benchmark's."""

NOT_JUDGED = (
    "whether the client was MLCommons' own and unmodified, as is asked for on premises",
    "whether each request had its salt, and the steady windows: event logs aren't part of the tree",
    "drafters of speculative decoding: no list of approved ones is published",
    "an agentic curve's accuracy and interactivity",
    "how long a dedicated Offline run must last beyond 600 s: the rules leave it open",
    "what the documents say, and whether published figures stand behind the power",
)
"""Of every submission to MLPerf Endpoints."""


def whole(value: object) -> int | None:
    """A count of requests or samples; None for what is none, or more than anything has."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 53 else None


def figure(value: object) -> float | None:
    """A finite number; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) >= 1e300:
        return None
    return float(value) if math.isfinite(value) else None


def inner(data: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    """The object below these names; empty where there is none."""
    for name in names:
        value = data.get(name)
        data = value if isinstance(value, dict) else {}
    return data


@dataclass(frozen=True)
class Point:
    """What lies in results/SYSTEM/MODEL/rN."""

    name: str
    """ORG/ID/results/SYSTEM/MODEL/rN, as far as the tree has it."""
    where: str
    config: JsonFile
    """point.yaml."""
    system: JsonFile
    """system_desc.json."""
    summary: JsonFile
    """result_summary.json."""
    scored: bool
    """accuracy_results.json states scores."""
    shared: Mapping[str, str]
    """By shared_src and shared_docs, where they are stated: why that is no folder of the submission; empty: it is."""

    @property
    def number(self) -> str:
        """Its folder's, as rN."""
        return self.name.rpartition("/")[2]

    @property
    def concurrency(self) -> int | None:
        return whole(self.config.data.get("concurrency")) or None

    @property
    def dedicated(self) -> bool:
        """It is a run for Offline alone, which is in no region."""
        return self.config.data.get("offline") == "dedicated"

    @property
    def settings(self) -> Mapping[str, Any]:
        return inner(self.config.data, "runtime_settings")

    @property
    def seconds(self) -> float | None:
        """How long its run took."""
        duration = figure(self.summary.data.get("duration_ns"))
        return duration / 1e9 if duration is not None and duration > 0 else None

    @property
    def tokens_per_s(self) -> float | None:
        """Output tokens a second over the whole run."""
        tokens = figure(inner(self.summary.data, "output_sequence_lengths").get("total"))
        return tokens / self.seconds if tokens is not None and self.seconds is not None else None

    @property
    def tpot_p90_ms(self) -> float | None:
        """None where it isn't stated, or isn't a number."""
        stated = inner(self.summary.data, "tpot", "percentiles")
        found = figure(stated.get("90.0", stated.get("90")))
        return None if found is None else found / 1e6


@dataclass(frozen=True)
class Curve:
    """One system's points with one model."""

    name: str
    where: str
    model: str
    rules: LlmFacts | None
    """Samples and targets of the model; None where they aren't known here."""
    power: JsonFile
    """The system's system_power.json."""
    points: Sequence[Point]

    @property
    def agentic(self) -> bool:
        return bool(self.points) and all(point.settings.get("load_pattern") == AGENTIC for point in self.points)

    @property
    def fixed(self) -> list[Point]:
        """Its points at a fixed number in flight that is known."""
        return [point for point in self.points if point.concurrency is not None and not point.dedicated]

    @property
    def least(self) -> int | None:
        """C_min: the lowest concurrency of its points."""
        return min((point.concurrency or 0 for point in self.fixed), default=None)

    @property
    def most(self) -> int | None:
        """C_max, where its points state one and the same."""
        stated = {whole(point.config.data.get("max_supported_concurrency")) for point in self.points}
        return stated.pop() if len(stated) == 1 else None

    @property
    def regions(self) -> tuple[Region, ...]:
        """The four regions in which there is to be a point; none where they can't be computed."""
        if self.least is None or self.most is None or self.least > ULTRA_LOW or self.most <= ULTRA_LOW:
            return ()
        return (Region("low_latency", 1, ULTRA_LOW), *regions(self.least, self.most))


@dataclass(frozen=True)
class EndpointsSubmission:
    """One submission to MLPerf Endpoints: the folder that holds results/."""

    name: str
    where: str
    files: Mapping[str, str]
    """By file or folder that is asked for: why it isn't one; empty: it is there."""
    curves: Sequence[Curve]
