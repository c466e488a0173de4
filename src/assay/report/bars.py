"""Values by name: as bars with their values written at them, or, where there are many, as points in order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from assay.report import format as fmt
from assay.report.chart import NEUTRAL, PALETTE, Panel, Series
from assay.report.many import MOST_ROWS, far_out

Values = list[float | None]
_APART = 0.05  # of the range, between two labels that don't touch


def value_panel(
    title: str,
    label: str,
    names: list[str],
    y: Values,
    colors: list[str],
    low: Values | None = None,
    high: Values | None = None,
) -> Panel:
    """A bar a name; for many names a strip of all in the order of their values, with those that stand apart named."""
    if len(names) <= MOST_ROWS:
        return Panel(title, "", label, [value_bars(names, y, colors, low, high)])
    return _strip(title, label, names, y, low, high)


def value_bars(
    names: list[str], y: Values, colors: list[str], low: Values | None = None, high: Values | None = None
) -> Series:
    """One bar a name, each with its value written at it."""
    labels = [fmt.number(value, 3) for value in y]
    return Series("", "bars", names, y, colors[0] if colors else NEUTRAL, low, high, labels=labels, colors=colors)


def _strip(title: str, label: str, names: list[str], y: Values, low: Values | None, high: Values | None) -> Panel:
    order = sorted((i for i, v in enumerate(y) if v is not None and np.isfinite(v)), key=lambda i: (y[i], names[i]))
    values = [y[i] or 0.0 for i in order]
    ranks = [float(rank) for rank in range(1, len(order) + 1)]
    low, high = None if low is None else [low[i] for i in order], None if high is None else [high[i] for i in order]
    named = [names[i] for i in order]
    everyone = Series("", "line", ranks, values, PALETTE[0], low, high, names=named)
    apart = far_out(values)
    middle = len(values) / 2
    sides = [[place for place in apart if place < middle], [place for place in apart if place >= middle]]
    marked = [
        Series(
            "", "points", [ranks[p] for p in places], [values[p] for p in places], PALETTE[1],
            labels=_labels(places, named, values), names=[named[p] for p in places],
            label_side="right" if places is sides[0] else "left",
        )
        for places in sides
        if places
    ]  # fmt: skip
    return Panel(title, f"{len(order):,} in the order of this value", label, [everyone, *marked], y_zero=False)


def _labels(places: Sequence[int], names: Sequence[str], values: Sequence[float]) -> list[str]:
    """Names at their marks; of marks too close for two lines of text, all names at the first."""
    room = _APART * (max(values) - min(values))
    labels = [""] * len(places)
    first = 0
    for number, place in enumerate(places):
        if values[place] - values[places[first]] >= room:
            first = number
        labels[first] = f"{labels[first]}, {names[place]}".removeprefix(", ")
    return labels
