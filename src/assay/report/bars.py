"""Bars with their values written at them."""

from __future__ import annotations

from assay.report import format as fmt
from assay.report.chart import NEUTRAL, Series

Values = list[float | None]


def value_bars(
    names: list[str], y: Values, colors: list[str], low: Values | None = None, high: Values | None = None
) -> Series:
    """One bar a name, each with its value written at it."""
    labels = [fmt.number(value, 3) for value in y]
    return Series("", "bars", names, y, colors[0] if colors else NEUTRAL, low, high, labels=labels, colors=colors)
