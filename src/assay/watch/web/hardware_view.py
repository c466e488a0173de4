"""The hardware of nodes as parts of a page: what it does now, and over the whole run on the load's axis of time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assay.report.chart import NEUTRAL
from assay.report.colors import Colors
from assay.report.hardware_charts import QUANTITIES
from assay.report.many import MOST_LINES, MOST_ROWS, bands, far_out
from assay.serving.words import harmless
from assay.watch.bins import Bins
from assay.watch.hardware import rank, words_of
from assay.watch.history import History, NodeMetric
from assay.watch.nodes import Node
from assay.watch.web.parts import Columns, Line, Panel, Part, Row

_GPU = re.compile(r"gpu([0-9]+)_")
DRAWN = "|".join(f"(?:{pattern})" for pattern, *_ in QUANTITIES)
"""Metrics of the charts."""


@dataclass(frozen=True)
class _Quantity:
    """One chart's."""

    title: str
    unit: str
    factor: float
    pattern: re.Pattern[str]


_QUANTITIES = [_Quantity(title, unit, factor, re.compile(pattern)) for pattern, title, unit, factor in QUANTITIES]


def node_parts(nodes: Sequence[Node]) -> dict[str, Part]:
    """Each node now; of many first those that are silent, then those that are slowed down, then the idle."""
    many = len(nodes) > MOST_ROWS
    shown = sorted(nodes, key=rank)[:MOST_ROWS] if many else nodes
    words = f"{MOST_ROWS} of {len(nodes):,}: silent ones first, then slowed ones, then the idle." if many else ""
    return {"nodes": [_row(node) for node in shown], "nodes_words": words}


def _row(node: Node) -> Row:
    words = words_of(node)
    name = harmless(words.name)
    now = [
        words.gpus,
        words.busy,
        words.gpu_memory,
        words.power,
        words.clock,
        words.temperature,
        words.cpu,
        words.memory,
    ]
    return Row(node.name, [name, words.state, *now], "bad" if words.state else "")


class HardwareCharts:
    """Columns and panels of a history; of many series a band, which is worked out once for each bin."""

    def __init__(self) -> None:
        self._spreads: dict[str, _Spread] = {}

    def of(self, history: History, clock_offset_ns: int) -> tuple[dict[str, Columns], list[Panel]]:
        """What is known by now; times become UTC by `clock_offset_ns`."""
        bins = history.bins
        series: dict[str, Columns] = {}
        panels: list[Panel] = []
        nodes = sorted({node for node, _ in bins.names})
        for quantity in _QUANTITIES:
            names = sorted(name for name in bins.names if quantity.pattern.search(name[1]))
            if not names or not bins.closed:
                continue
            if len(names) > MOST_LINES:
                columns, lines = self._many(bins, names, quantity)
            else:
                columns, lines = _few(bins, names, quantity, nodes)
            times = bins.means([]).time_ns
            series[quantity.title] = Columns([round((t + clock_offset_ns) / 1e6) for t in times], columns)
            panels.append(Panel(quantity.title, quantity.unit, lines))
        return series, panels

    def _many(
        self, bins: Bins[NodeMetric], names: list[NodeMetric], quantity: _Quantity
    ) -> tuple[dict[str, list[float | None]], list[Line]]:
        spread = self._spreads.setdefault(quantity.title, _Spread())
        spread.extend(bins, names)
        apart = [names[place] for place in far_out(_all_means(bins, names))]
        columns, lines = _few(bins, apart, quantity, sorted({node for node, _ in apart}))
        scaled = {
            name: [None if value is None else _plain(value * quantity.factor) for value in values]
            for name, values in zip(("5 %", "50 %", "95 %"), spread.values, strict=True)
        }
        middle = f"median, middle 90 % of {len(names):,}"
        return scaled | columns, [Line(middle, quantity.title, "50 %", NEUTRAL, band=("5 %", "95 %")), *lines]


class _Spread:
    """5th percentile, median and 95th percentile of some series in each bin."""

    def __init__(self) -> None:
        self.values: tuple[list[float | None], ...] = ([], [], [])
        self._of: tuple[int, int] = (0, 0)

    def extend(self, bins: Bins[NodeMetric], names: Sequence[NodeMetric]) -> None:
        if self._of != (bins.width_ns, len(names)):
            self.values, self._of = ([], [], []), (bins.width_ns, len(names))
        if len(self.values[0]) < bins.closed:
            for known, more in zip(self.values, bands(bins.means(names, len(self.values[0])).values), strict=True):
                known += more


def _few(
    bins: Bins[NodeMetric], names: Sequence[NodeMetric], quantity: _Quantity, nodes: Sequence[str]
) -> tuple[dict[str, list[float | None]], list[Line]]:
    """A line for each; each of `nodes` has a colour, or, where there is but one, each of its accelerators."""
    columns: dict[str, list[float | None]] = {}
    lines = []
    alone = len(nodes) == 1
    colors = Colors([metric for _, metric in names] if alone else nodes)
    for (node, metric), values in zip(names, bins.means(names).values, strict=True):
        gpu, color = _GPU.match(metric), metric if alone else node
        name = harmless(f"{node} gpu{gpu[1]}" if gpu else metric.partition("/")[0] if "/" in metric else node)
        columns[name] = [None if np.isnan(value) else _plain(value * quantity.factor) for value in values]
        odd = gpu is not None and not alone and int(gpu[1]) % 2 == 1
        lines.append(Line(name, quantity.title, name, colors[color], colors.dashed(color) or odd))
    return columns, lines


def _all_means(bins: Bins[NodeMetric], names: Sequence[NodeMetric]) -> list[float | None]:
    values = bins.means(names).values
    known = ~np.isnan(values)
    sums, counts = np.where(known, values, 0).sum(axis=1), known.sum(axis=1)
    return [float(total / count) if count else None for total, count in zip(sums, counts, strict=True)]


def _plain(value: float) -> float:
    return float(f"{value:.4g}")
