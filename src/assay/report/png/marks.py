"""A panel's marks: bars, points, lines with their intervals, and what is written at them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from assay.report.chart import NEUTRAL, Mark, Panel, Series, Side
from assay.report.colors import text_color
from assay.report.free_labels import free_labels
from assay.report.png.words import Words
from assay.report.spots import spots

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DARK = "#444444"
_ROW_POINTS = 11
_SIDES: dict[Side, dict[str, Any]] = {
    "above": {"shift": (0, 4), "across": "center"},
    "left": {"shift": (-5, 0), "across": "right", "up": "center"},
    "right": {"shift": (5, 0), "across": "left", "up": "center"},
    "below": {"shift": (0, -4), "across": "center", "up": "top"},
}


def draw_marks(axes: Axes, panel: Panel, places: Mapping[float | str, float]) -> list[Words]:
    """Every series and mark of a panel; `places` says where its categories stand. Returns what is written at them."""
    words = []
    for series in panel.series:
        x = [places[v] if panel.categorical else float(v) for v in series.x]
        if series.kind == "bars":
            words += _draw_bars(axes, panel, series, x)
        elif series.kind == "points":
            words += _draw_points(axes, panel, series, x)
        else:
            _draw_line(axes, series, x)
    for mark in panel.marks:
        if panel.edge(mark) is None:
            _draw_mark(axes, panel, mark)
    words += [Words(own.text, own.x, own.y, axes.transData, size=8, **_SIDES[own.side]) for own in free_labels(panel)]
    return words


def draw_sideways(axes: Axes, panel: Panel) -> list[Words]:
    """Points with their names at the left, the first on top; the axes change places. Returns the points' labels."""
    words = []
    for series in panel.series:
        places = [float(-i) for i in range(len(series.x))]
        axes.plot([_nan(v) for v in series.y], places, "o", ms=5, color=series.color)
        for place, value, low, high in zip(places, series.y, series.low or (), series.high or (), strict=False):
            if value is not None and low is not None and high is not None:
                axes.plot([low, high], [place, place], color=series.color, lw=1.5)
        at_right = axes.get_yaxis_transform()
        words += [
            Words(label, 1, place, at_right, (6, 0), size=8, up="center")
            for place, label in zip(places, series.labels or (), strict=False)
        ]
    for mark in panel.marks:
        axes.axvline(mark.at, color=_DARK, lw=1, ls=":")
    return words


def _draw_bars(axes: Axes, panel: Panel, series: Series, x: list[float]) -> list[Words]:
    bars = [one for one in panel.series if one.kind == "bars"]
    number, count = bars.index(series), len(bars)
    width = 0.72 / count
    places = [v - 0.36 + width * (number + 0.5) for v in x]
    heights = [v or 0.0 for v in series.y]
    axes.bar(places, heights, width * 0.94, color=series.colors or series.color)
    _error_bars(axes, series, places, "#222222", panel.arrow)
    if not panel.labelled:
        return []
    colors = series.colors or [series.color] * len(places)
    words = []
    for place, label, spot, color in zip(places, series.labels or (), spots(series), colors, strict=False):
        ink = text_color(color) if spot.inside else "#000000"
        beside: dict[str, Any] = {"shift": (-5, 4), "across": "right"} if spot.beside else _SIDES["above"]
        words.append(Words(label, place, spot.at, axes.transData, size=8, color=ink, **beside))
    return words


def _draw_points(axes: Axes, panel: Panel, series: Series, x: list[float]) -> list[Words]:
    _error_bars(axes, series, x, series.color, panel.arrow)
    inner = "#FFFFFF" if series.hollow else series.color
    axes.plot(x, [_nan(v) for v in series.y], "o", ms=5, color=series.color, markerfacecolor=inner)
    if series.label_side is None:
        return []
    tops = series.tops if series.label_side == "above" else series.y
    return [
        Words(label, place, _nan(height), axes.transData, size=8, **_SIDES[series.label_side])
        for place, height, label in zip(x, tops, series.labels or [], strict=False)
    ]


def _draw_line(axes: Axes, series: Series, x: list[float]) -> None:
    style = "--" if series.dashed else "-"
    drawstyle = "steps-mid" if series.kind == "steps" else "default"
    y = [_nan(v) for v in series.y]
    axes.plot(x, y, style, drawstyle=drawstyle, color=series.color, lw=1.5)
    if series.low is not None and series.high is not None:
        low, high = [_nan(v) for v, _ in series.band], [_nan(v) for _, v in series.band]
        axes.fill_between(x, low, high, color=series.color, alpha=0.2, lw=0)


def _error_bars(axes: Axes, series: Series, x: list[float], color: str, arrow: float) -> None:
    """Intervals with caps; a side without a bound is an arrow, as long as `arrow` where there is room above 0."""
    known = [
        (place, y, *reach)
        for place, y, reach in zip(x, series.y, series.reaches, strict=True)
        if y is not None and reach is not None
    ]
    if known:
        places, y_known, below, above = zip(*known, strict=True)
        axes.errorbar(places, y_known, [below, above], fmt="none", ecolor=color, capsize=3, elinewidth=1.2)
    for place, upwards in series.open_sides:
        y = series.y[place] or 0.0
        tip = y + arrow if upwards else max(0.0, y - arrow)
        axes.plot([x[place]] * 2, [y, tip], color=color, lw=1.2, marker="^" if upwards else "v", markevery=[1], ms=5)


def _draw_mark(axes: Axes, panel: Panel, mark: Mark) -> None:
    if mark.axis == "y":
        axes.axhline(mark.at, color=_DARK, lw=1, ls=":")
    elif mark.until is None:
        axes.axvline(mark.at, color=_DARK, lw=1, ls=":")
    else:
        axes.axvspan(mark.at, panel.end(mark), color=NEUTRAL, alpha=0.12, lw=0)


def mark_words(axes: Axes, panel: Panel) -> list[Words]:
    """What stands at upright lines and spans, inwards; the limits must be final.

    A line's name stands at its foot: distributions and rates over time are high there.
    """
    words = []
    for mark in panel.marks:
        if mark.axis == "y" or panel.edge(mark) is not None:
            continue  # in the legend
        line, right = mark.until is None, panel.in_right_half(mark)
        at = panel.end(mark) if right else mark.at
        words.append(
            Words(
                mark.label, at, 0.02 if line else 0.98, axes.get_xaxis_transform(),
                (-3 if right else 3, _ROW_POINTS * mark.row), size=8, color=_DARK,
                across="right" if right else "left", up="bottom" if line else "top",
            )
        )  # fmt: skip
    return words


def _nan(value: float | None) -> float:
    return math.nan if value is None else float(value)
