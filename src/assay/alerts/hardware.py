"""Rules on telemetry: GPUs, memory, caches, clocks, the disk, and the load's own processes."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from assay.alerts.course import WINDOW_NS, Course
from assay.alerts.options import AmountRule, ShareRule
from assay.alerts.readings import About, Reading, above, below
from assay.runs.metric_names import CLIENT_CPU, CLOCK_OFFSET, CONTROLLER, DISK_FREE, KV_CACHE, PREEMPTIONS, SLOWDOWNS
from assay.runs.system import SystemRecord

_LEAST_READINGS = 10
"""In the last minute: what a share of it is said of."""
_LEAST_PREEMPTIONS = 5
_GIB = 1 << 30
_OF_GPU = re.compile(r"(gpu\d{1,4})_(throttle_reasons|temperature_c|memory_used_bytes)")
_OF_HOST = {"memory_used_bytes", CLOCK_OFFSET, DISK_FREE, CLIENT_CPU}


@dataclass
class Series:
    """The last minute of one metric, the newest last."""

    about: About
    readings: deque[tuple[int, float]] = field(default_factory=deque)
    """CLOCK_MONOTONIC of the controller, ns, and value."""

    def add(self, time_ns: int, value: float) -> None:
        self.readings.append((time_ns, value))
        while time_ns - self.readings[0][0] > WINDOW_NS:
            self.readings.popleft()

    @property
    def time_ns(self) -> int:
        return self.readings[-1][0]

    @property
    def newest(self) -> float:
        return self.readings[-1][1]


class Hardware:
    """Takes a run's telemetry in, the oldest first; keeps what rules ask for."""

    def __init__(self, system: SystemRecord | None) -> None:
        self.memory_bytes: dict[About, int] = dict(_memory(system)) if system is not None else {}
        """All that a host or a GPU has, where it is known."""
        self._series: dict[str, dict[About, Series]] = {}
        self._wanted: dict[str, tuple[str, str, str] | None] = {}

    def take(self, batch: pa.RecordBatch) -> None:
        """Rows in the schema of the telemetry's journal."""
        wanted = [name for name in pc.unique(batch["metric"]).to_pylist() if self._meaning(name) is not None]
        batch = batch.filter(pc.and_(pc.is_in(batch["metric"], pa.array(wanted, pa.string())), _finite(batch)))
        columns = (batch[name].to_pylist() for name in ("node", "metric", "time_ns", "value"))
        for node, metric, time_ns, value in zip(*columns, strict=True):
            meaning = self._meaning(metric)
            assert meaning is not None
            kind, endpoint, device = meaning
            about = About(node, endpoint, device)
            self._series.setdefault(kind, {}).setdefault(about, Series(about)).add(time_ns, value)

    def _meaning(self, metric: str) -> tuple[str, str, str] | None:
        if metric not in self._wanted:
            self._wanted[metric] = _meaning(metric)
        return self._wanted[metric]

    def of(self, kind: str) -> list[Series]:
        return list(self._series.get(kind, {}).values())


def _finite(batch: pa.RecordBatch) -> Any:
    return pc.is_finite(batch["value"])


def _meaning(metric: str) -> tuple[str, str, str] | None:
    """Its kind, endpoint and device; None where no rule asks for it."""
    endpoint, slash, name = metric.partition("/")
    if slash:
        for kind, pattern in (("kv_cache", KV_CACHE), ("preemptions", PREEMPTIONS)):
            if pattern.search(name):
                return kind, endpoint, ""
        return None
    if match := _OF_GPU.fullmatch(metric):
        return match[2], "", match[1]
    return (metric, "", "") if metric in _OF_HOST else None


def _memory(system: SystemRecord) -> Iterator[tuple[About, int]]:
    for facts in (system.controller.model_copy(update={"name": CONTROLLER}), *system.nodes):
        if facts.memory_total_bytes > 0:
            yield About(facts.name), facts.memory_total_bytes
        for device in facts.accelerators:
            if device.memory_total_bytes:
                yield About(facts.name, device=f"gpu{device.index}"), device.memory_total_bytes


def throttling(hardware: Hardware, rule: ShareRule) -> Iterator[Reading]:
    for series in hardware.of("throttle_reasons"):
        masks = [int(value) for _, value in series.readings]
        if len(masks) < _LEAST_READINGS:
            continue
        bits = sum(SLOWDOWNS)
        share, seen = sum(bool(mask & bits) for mask in masks) / len(masks), 0
        for mask in masks:
            seen |= mask

        def words(about: About = series.about, share: float = share, seen: int = seen) -> str:
            why = ", ".join(name for bit, name in SLOWDOWNS.items() if seen & bit)
            because = f": {why}" if why else ""
            return (
                f"{_name(about)} was throttled in {100 * share:.0f} % of the last minute{because} "
                f"(limit {100 * rule.limit:g} %)"
            )

        yield above("throttling", rule, series.about, series.time_ns, share, "", words)


def temperature(hardware: Hardware, rule: AmountRule) -> Iterator[Reading]:
    for series in hardware.of("temperature_c"):

        def words(about: About = series.about, value: float = series.newest) -> str:
            return f"{_name(about)} is at {value:.0f} °C (limit {rule.limit:g} °C)"

        yield above("temperature", rule, series.about, series.time_ns, series.newest, "°C", words)


def memory(hardware: Hardware, rule: ShareRule) -> Iterator[Reading]:
    return _memory_used("memory", hardware, rule, of_gpu=False)


def gpu_memory(hardware: Hardware, rule: ShareRule) -> Iterator[Reading]:
    return _memory_used("gpu_memory", hardware, rule, of_gpu=True)


def _memory_used(name: str, hardware: Hardware, rule: ShareRule, *, of_gpu: bool) -> Iterator[Reading]:
    for series in hardware.of("memory_used_bytes"):
        total = hardware.memory_bytes.get(series.about)
        if total is None or bool(series.about.device) != of_gpu:
            continue

        def words(about: About = series.about, used: float = series.newest, total: int = total) -> str:
            return f"{_name(about)} uses {used / _GIB:.1f} of {total / _GIB:.1f} GiB of memory ({_limit(rule)})"

        yield above(name, rule, series.about, series.time_ns, series.newest / total, "", words)


def kv_cache(hardware: Hardware, rule: ShareRule) -> Iterator[Reading]:
    for series in hardware.of("kv_cache"):

        def words(about: About = series.about, share: float = series.newest) -> str:
            return f"{100 * share:.0f} % of the KV cache of {about.endpoint} is in use ({_limit(rule)})"

        yield above("kv_cache", rule, series.about, series.time_ns, series.newest, "", words)


def preemptions(hardware: Hardware, course: Course, rule: AmountRule) -> Iterator[Reading]:
    for series in hardware.of("preemptions"):
        count = series.newest - series.readings[0][1]
        if count < 0 or len(series.readings) < _LEAST_READINGS:
            continue  # the server began anew
        answered, _ = course.lately(series.about.endpoint)
        ratio = count / max(1, answered) if count >= _LEAST_PREEMPTIONS else 0.0

        def words(about: About = series.about, count: float = count, answered: int = answered) -> str:
            return (
                f"{about.endpoint} preempted {count:.0f} requests in the last minute and answered {answered} "
                f"(limit {rule.limit:g} for each answer)"
            )

        yield above("preemptions", rule, series.about, series.time_ns, ratio, "an answer", words)


def clock_offset(hardware: Hardware, rule: AmountRule) -> Iterator[Reading]:
    """A line is late by its way here, so a node's clock is at least as far ahead as its best line says."""
    for series in hardware.of(CLOCK_OFFSET):
        if len(series.readings) < _LEAST_READINGS:
            continue
        offset_s = max(value for _, value in list(series.readings)[-_LEAST_READINGS:]) / 1e9

        def words(about: About = series.about, offset_s: float = offset_s) -> str:
            side = "ahead of" if offset_s > 0 else "behind"
            return f"the clock of {about.node} is {abs(offset_s):.3f} s {side} this machine's (limit {rule.limit:g} s)"

        yield above("clock_offset", rule, series.about, series.time_ns, abs(offset_s), "s", words)


def disk(hardware: Hardware, rule: AmountRule) -> Iterator[Reading]:
    for series in hardware.of(DISK_FREE):
        free = series.newest / _GIB

        def words(free: float = free) -> str:
            return f"{free:.2f} GiB are free where results are written (limit {rule.limit:g} GiB)"

        yield below("disk", rule, series.about, series.time_ns, free, "GiB", words)


def client_bound(hardware: Hardware, rule: ShareRule) -> Iterator[Reading]:
    for series in hardware.of(CLIENT_CPU):
        share = series.newest / 100

        def words(share: float = share) -> str:
            return f"the busiest process of the load uses {100 * share:.0f} % of a core ({_limit(rule)})"

        yield above("client_bound", rule, About(CONTROLLER), series.time_ns, share, "", words)


def _name(about: About) -> str:
    return f"{about.device} of {about.node}" if about.device else about.node


def _limit(rule: ShareRule) -> str:
    return f"limit {100 * rule.limit:g} %"


OF_TELEMETRY: Mapping[str, Callable[[Hardware, Any], Iterator[Reading]]] = {
    "throttling": throttling,
    "temperature": temperature,
    "gpu_memory": gpu_memory,
    "memory": memory,
    "kv_cache": kv_cache,
    "clock_offset": clock_offset,
    "disk": disk,
    "client_bound": client_bound,
}
"""By the name of their settings."""
