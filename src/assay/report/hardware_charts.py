"""Charts of telemetry: one panel a quantity, one line a node."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from assay.analysis.hardware import KV_CACHE, Metric, Telemetry
from assay.report.chart import Chart, Colors, Panel, Series

_POINTS = 300
_MOST_LINES = 12
_QUANTITIES: Sequence[tuple[str, str, str, float]] = (
    (r"^gpu\d+_utilization_percent$", "GPU utilisation", "%", 1),
    (r"^gpu\d+_sm_clock_mhz$", "SM clock", "MHz", 1),
    (r"^gpu\d+_temperature_c$", "GPU temperature", "degrees C", 1),
    (r"^gpu\d+_power_w$", "GPU power", "W", 1),
    (r"^gpu\d+_memory_used_bytes$", "GPU memory used", "GiB", 1 / (1 << 30)),
    (KV_CACHE.pattern, "KV cache in use", "%", 100),
    (r"(num_requests_running|num_running_reqs|requests_processing)$", "Requests running in the engine", "requests", 1),
    (r"(num_requests_waiting|num_queue_reqs|requests_deferred)$", "Requests waiting in the engine", "requests", 1),
    (r"^cpu_percent$", "Host CPU", "%", 1),
    (r"^memory_used_bytes$", "Host memory used", "GiB", 1 / (1 << 30)),
)


def hardware_chart(telemetry: Telemetry, colors: Colors) -> Chart | None:
    """All known quantities that the run's telemetry has; None where it has none of them."""
    panels = []
    for pattern, title, unit, factor in _QUANTITIES:
        series = telemetry.matching(re.compile(pattern))[:_MOST_LINES]
        if series:
            lines = [_line(metric, telemetry.begin_ns, factor, colors) for metric in series]
            panels.append(Panel(title, "time since the first start (s)", unit, lines))
    if not panels:
        return None
    return Chart(
        name="hardware_timeline",
        title="Hardware over time",
        panels=panels,
        columns=2,
        text="What the nodes' own sensors and engines reported during the run.",
        source="telemetry.parquet",
    )


def _line(metric: Metric, begin_ns: int, factor: float, colors: Colors) -> Series:
    step = -(-len(metric.value) // _POINTS)
    starts = np.arange(0, len(metric.value), step)
    counts = np.diff(np.append(starts, len(metric.value)))
    x = (np.add.reduceat(metric.time_ns - begin_ns, starts) / counts) / 1e9
    y = np.add.reduceat(metric.value, starts) / counts * factor
    match = re.match(r"gpu(\d+)_", metric.name)
    name = metric.name.split("/")[0] if "/" in metric.name else metric.node
    dashed = colors.dashed(metric.node) or bool(match and int(match[1]) % 2)
    return Series(
        f"{name} gpu{match[1]}" if match else name, "line", list(x), list(y), colors[metric.node], dashed=dashed
    )
