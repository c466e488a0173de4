"""What telemetry says of each node: clocks, throttling, temperature, power, memory, cache pressure, preemptions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from assay.analysis.statistics import Floats, Ints
from assay.runs.metric_names import SLOWDOWNS
from assay.runs.telemetry import read_telemetry

_GPU = re.compile(r"^gpu(\d+)_")


@dataclass(frozen=True, eq=False)
class Metric:
    """One node's series of one metric."""

    node: str
    name: str
    time_ns: Ints
    value: Floats

    @cached_property
    def mean(self) -> float:
        return float(self.value.mean())


class MetricSummary(BaseModel):
    """One metric over the run's measured time."""

    model_config = ConfigDict(extra="forbid")

    node: str
    metric: str
    n: int
    mean: float
    min: float
    max: float
    first: float
    last: float


class Slowdown(BaseModel):
    """A GPU whose own driver says that it ran slower than it could."""

    model_config = ConfigDict(extra="forbid")

    node: str
    gpu: str
    reasons: list[str]
    share: float = Field(description="of the run's telemetry samples")
    from_s: float = Field(description="first seen, seconds since the first start")
    to_s: float
    clock_during_mhz: float | None
    clock_otherwise_mhz: float | None


class Telemetry:
    """The telemetry between a run's first start and its end."""

    def __init__(self, path: Path, begin_ns: int, end_ns: int) -> None:
        self.begin_ns, self.end_ns = begin_ns, end_ns
        table = read_telemetry(path)
        inside = pc.and_(pc.greater_equal(table["time_ns"], begin_ns), pc.less_equal(table["time_ns"], end_ns))
        table = table.filter(inside)
        self._metrics = {(m.node, m.name): m for m in series(table)}
        self._by_node: dict[str, list[str]] = {}
        for node, name in self._metrics:
            self._by_node.setdefault(node, []).append(name)

    def __iter__(self) -> Iterator[Metric]:
        return iter(self._metrics.values())

    def __len__(self) -> int:
        return len(self._metrics)

    def get(self, node: str, name: str) -> Metric | None:
        return self._metrics.get((node, name))

    def matching(self, pattern: re.Pattern[str]) -> list[Metric]:
        return [metric for metric in self if pattern.search(metric.name)]

    def of_node(self, node: str, pattern: re.Pattern[str]) -> list[Metric]:
        return [self._metrics[node, name] for name in self._by_node.get(node, []) if pattern.search(name)]

    def gpus(self, node: str) -> list[str]:
        """Prefixes such as "gpu0_" of the node's GPUs."""
        found = {match[0] for name in self._by_node.get(node, []) if (match := _GPU.match(name))}
        return sorted(found, key=lambda prefix: int(prefix[3:-1]))

    def summaries(self) -> list[MetricSummary]:
        return [
            MetricSummary(
                node=m.node,
                metric=m.name,
                n=len(m.value),
                mean=m.mean,
                min=float(m.value.min()),
                max=float(m.value.max()),
                first=float(m.value[0]),
                last=float(m.value[-1]),
            )
            for m in self
        ]

    def slowdowns(self) -> list[Slowdown]:
        """Throttling that the GPUs themselves report."""
        found = []
        for metric in self.matching(re.compile(r"^gpu\d+_throttle_reasons$")):
            masks = metric.value.astype(np.int64)
            bad = (masks & sum(SLOWDOWNS)) != 0
            if bad.any():
                found.append(self._slowdown(metric, masks, bad))
        return found

    def _slowdown(self, metric: Metric, masks: Ints, bad: NDArray[np.bool_]) -> Slowdown:
        gpu = metric.name.split("_")[0]
        seen = int(np.bitwise_or.reduce(masks[bad]))
        times = (metric.time_ns[bad] - self.begin_ns) / 1e9
        clock = self.get(metric.node, f"{gpu}_sm_clock_mhz")
        during = otherwise = None
        if clock is not None and len(clock.value) == len(bad):
            during = float(clock.value[bad].mean())
            otherwise = float(clock.value[~bad].mean()) if (~bad).any() else None
        return Slowdown(
            node=metric.node,
            gpu=gpu,
            reasons=[name for bit, name in SLOWDOWNS.items() if seen & bit],
            share=float(bad.mean()),
            from_s=float(times[0]),
            to_s=float(times[-1]),
            clock_during_mhz=during,
            clock_otherwise_mhz=otherwise,
        )


def series(table: pa.Table) -> Iterator[Metric]:
    """The table's series in the order of node and name, each in the order of time."""
    if table.num_rows == 0:
        return
    nodes, metrics = table["node"].cast(pa.string()), table["metric"].cast(pa.string())
    keys = pc.binary_join_element_wise(nodes, metrics, "\x00").combine_chunks().dictionary_encode()
    codes = keys.indices.to_numpy(zero_copy_only=False)
    times = table["time_ns"].to_numpy()
    values = table["value"].to_numpy()
    order = np.lexsort((times, codes))
    bounds = np.concatenate([[0], np.nonzero(np.diff(codes[order]))[0] + 1, [len(order)]])
    found = []
    for begin, end in pairwise(bounds):
        rows = order[begin:end]
        node, name = keys.dictionary[int(codes[rows[0]])].as_py().split("\x00")
        found.append(Metric(node, name, times[rows], values[rows]))
    yield from sorted(found, key=lambda m: (m.node, m.name))
