"""Charts of telemetry: one panel a quantity, one line a node, or how many nodes spread."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from assay.analysis.hardware import Metric, Telemetry
from assay.analysis.statistics import Floats
from assay.report.chart import NEUTRAL, Chart, Panel, Series
from assay.report.colors import Colors
from assay.report.many import MOST_LINES, bands, far_out
from assay.runs.metric_names import KV_CACHE

_POINTS = 300
QUANTITIES: Sequence[tuple[str, str, str, float]] = (
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
"""Metrics by pattern: what they are of, the unit that is shown, and what makes it of the metric's own."""


def hardware_chart(telemetry: Telemetry, nodes: Sequence[str]) -> Chart | None:
    """All known quantities that the run's telemetry has; None where it has none of them."""
    found = [(quantity, telemetry.matching(re.compile(quantity[0]))) for quantity in QUANTITIES]
    seen = [(quantity, metrics) for quantity, metrics in found if any(metric.value.any() for metric in metrics)]
    drawn = [_Drawn(*quantity[1:], metrics, telemetry) for quantity, metrics in seen]
    zero = ", ".join(quantity[1] for quantity, metrics in found if metrics and (quantity, metrics) not in seen)
    if not drawn:
        return None
    apart = sorted({metric.node for one in drawn for metric in one.apart})
    named = nodes if len(nodes) <= MOST_LINES else apart
    # More names than can be told apart have colours of their own in each panel, which has few of them.
    colors = Colors(named) if len(named) <= MOST_LINES else None
    spread = " Of many, the median and the band of the middle 90 % are drawn, and by name those that stand apart."
    return Chart(
        name="hardware_timeline",
        title="Hardware over time",
        panels=[one.panel(colors) for one in drawn],
        columns=2,
        text="What the nodes' own sensors and engines reported during the run."
        + spread * any(one.many for one in drawn)
        + f" Zero all the time: {zero}." * bool(zero),
        source="telemetry.parquet",
    )


class _Drawn:
    """One quantity: a line for each of its series, or how they spread where they are many."""

    def __init__(self, title: str, unit: str, factor: float, metrics: list[Metric], telemetry: Telemetry) -> None:
        self._title, self._unit, self._factor, self._metrics = title, unit, factor, metrics
        self._begin_ns, self._end_ns = telemetry.begin_ns, telemetry.end_ns
        self.many = len(metrics) > MOST_LINES
        self.apart = [metrics[place] for place in far_out([metric.mean for metric in metrics])] * self.many

    def panel(self, shared: Colors | None) -> Panel:
        chosen = self.apart if self.many else self._metrics
        colors = shared or Colors(sorted({metric.node for metric in chosen}))
        lines = [_line(metric, self._begin_ns, self._factor, colors) for metric in chosen]
        if self.many:
            lines.insert(0, self._spread())
        return Panel(self._title, "time since the first start (s)", self._unit, lines, over_time=True)

    def _spread(self) -> Series:
        """Every series is brought to the same times first: those of the one that was read most seldom."""
        bins = max(1, min(_POINTS, *(len(metric.value) for metric in self._metrics)))
        edges = np.linspace(self._begin_ns, self._end_ns, bins + 1)
        means = np.array([_means(metric, edges) for metric in self._metrics]) * self._factor
        low, middle, high = bands(means)
        x = [float(v) for v in ((edges[1:] + edges[:-1]) / 2 - self._begin_ns) / 1e9]
        name = f"median, middle 90 % of {len(self._metrics):,}"
        return Series(name, "line", x, middle, NEUTRAL, low, high, bounds="the middle 90 %")


def _means(metric: Metric, edges_ns: Floats) -> Floats:
    """The mean of a series in each bin; not a number where it has no value there."""
    bins = len(edges_ns) - 1
    place = np.clip(np.searchsorted(edges_ns, metric.time_ns, "right") - 1, 0, bins - 1)
    counts = np.bincount(place, minlength=bins)
    sums = np.bincount(place, metric.value, minlength=bins)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


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
