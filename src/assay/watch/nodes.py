"""What the hardware of each node does while a run lasts: its newest readings and a short history of each."""

from __future__ import annotations

import re
from bisect import insort
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from assay.runs.metric_names import SLOWDOWNS
from assay.runs.system import SystemRecord

_POINTS = 240
_SILENT_NS = 10_000_000_000
"""Probes tell every second; a node that others outlast by so long tells no more."""
_ENGINE = "/"  # in the names of metrics that an engine tells of itself
_GPU = re.compile(r"gpu([0-9]{1,4})_(.+)")
_UNITS = {"percent": "%", "bytes": "B", "c": "°C", "w": "W", "mhz": "MHz", "j": "J"}


class Reading(NamedTuple):
    """A value and when it was heard, CLOCK_MONOTONIC of the controller."""

    time_ns: int
    value: float


@dataclass
class Series:
    """The readings of one metric, the newest last; never empty."""

    unit: str
    """Such as % or W; empty: a plain number, or a set of bits."""
    readings: deque[Reading] = field(default_factory=lambda: deque(maxlen=_POINTS))

    @property
    def newest(self) -> Reading:
        return self.readings[-1]


@dataclass
class Node:
    """One machine. Names of metrics are those of `telemetry.parquet`: the host's, and gpu<i>_… of accelerators."""

    name: str
    metrics: dict[str, Series] = field(default_factory=dict)
    memory_bytes: int | None = None
    """All that the host has; None where it isn't known."""
    gpu_memory_bytes: dict[int, int] = field(default_factory=dict)
    """All that each accelerator has, by its index, where it is known."""
    silent: bool = False
    """It has told nothing of late, though others have: its readings are old."""
    newest_ns: int = 0
    """When it told something last."""
    gpus: list[int] = field(default_factory=list)
    """The indices of its accelerators, in their order."""

    def take(self, metric: str, reading: Reading) -> None:
        series = self.metrics.get(metric)
        if series is None:
            series = self.metrics[metric] = Series(_unit(metric))
            if (match := _GPU.fullmatch(metric)) and (gpu := int(match[1])) not in self.gpus:
                insort(self.gpus, gpu)
        series.readings.append(reading)
        self.newest_ns = max(self.newest_ns, reading.time_ns)

    def value(self, metric: str, gpu: int | None = None) -> float | None:
        """The newest reading of a metric of the host, or of an accelerator; None where there is none."""
        series = self.series(metric, gpu)
        return None if series is None else series.newest.value

    def series(self, metric: str, gpu: int | None = None) -> Series | None:
        return self.metrics.get(metric if gpu is None else f"gpu{gpu}_{metric}")

    def slowed_by(self, gpu: int) -> list[str]:
        """Why the accelerator's own driver slows it down now; empty where it doesn't."""
        mask = int(self.value("throttle_reasons", gpu) or 0)
        return [name for bit, name in SLOWDOWNS.items() if mask & bit]


class Nodes:
    """Takes in what a run's samplers wrote, the oldest first."""

    def __init__(self) -> None:
        self._nodes: dict[str, Node] = {}

    def take(self, batch: pa.RecordBatch) -> None:
        """Readings of hosts and accelerators, in the schema of the telemetry's journal."""
        of_engine = pc.match_substring(batch["metric"], _ENGINE)
        batch = batch.filter(pc.and_not(pc.is_finite(batch["value"]), of_engine))
        columns = (batch[name].to_pylist() for name in ("node", "metric", "time_ns", "value"))
        for name, metric, time_ns, value in zip(*columns, strict=True):
            node = self._nodes.get(name)
            if node is None:
                node = self._nodes[name] = Node(name)
            node.take(metric, Reading(time_ns, value))

    def seen(self, system: SystemRecord | None) -> Sequence[Node]:
        """Those that told of themselves, by name, with what `system` knows of their memory."""
        newest_ns = max((node.newest_ns for node in self._nodes.values()), default=0)
        for node in self._nodes.values():
            node.silent = newest_ns - node.newest_ns > _SILENT_NS
        for facts in [] if system is None else [system.controller, *system.nodes]:
            if (known := self._nodes.get(facts.name)) is not None:
                known.memory_bytes = facts.memory_total_bytes or None
                sizes = ((item.index, item.memory_total_bytes) for item in facts.accelerators)
                known.gpu_memory_bytes = {index: size for index, size in sizes if size is not None}
        return [self._nodes[name] for name in sorted(self._nodes)]


def _unit(metric: str) -> str:
    return _UNITS.get(metric.removesuffix("_total").rpartition("_")[2], "")
