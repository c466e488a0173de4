"""A metric with its values: what both Prometheus and OpenTelemetry are told from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from assay.metrics.buckets import Histogram
from assay.metrics.table import Metric

MOST = 1000
"""Endpoints, nodes, accelerators, alerts: so many of each are told of singly. A monitoring's memory is its series."""

Point = tuple[Metric, tuple[str, ...], float | Histogram | None]
"""A metric, the values of its labels, and its value; None where it has none."""


@dataclass(frozen=True)
class Family:
    """A metric with its values, each under its labels' values."""

    metric: Metric
    points: list[tuple[tuple[str, ...], float | Histogram]]


def grouped(points: Iterable[Point]) -> list[Family]:
    """Points by their metric; a metric without a value is left out."""
    found: dict[str, Family] = {}
    for metric, labels, value in points:
        if value is not None:
            found.setdefault(metric.name, Family(metric, [])).points.append((labels, value))
    return list(found.values())
