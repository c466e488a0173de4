"""Draws a chart description with matplotlib. The same description gives the same bytes."""

from __future__ import annotations

import io
import math
import textwrap
from typing import TYPE_CHECKING, Any, cast

from assay.report.chart import NEUTRAL, Chart, Mark, Panel, Series, text_color

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PANEL_INCHES = (6.4, 3.5)
_LEFT_INCHES, _RIGHT_INCHES, _TITLE_INCHES, _BOTTOM_INCHES = 0.85, 0.2, 0.35, 0.6
_HEAD_INCHES, _FOOT_INCHES = 0.4, 0.35
_DPI = 120
_MOST_LABELS = 20
_STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.6,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "legend.fontsize": 8,
}


def draw_png(chart: Chart) -> bytes:
    """The chart as a PNG of 120 dots per inch.

    The axes are placed by hand, in inches: matplotlib's own layout engine takes longer than the drawing.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = math.ceil(len(chart.panels) / chart.columns)
    cell_height = _PANEL_INCHES[1] + max(map(_label_inches, chart.panels))
    width, height = _PANEL_INCHES[0] * chart.columns, cell_height * rows + _HEAD_INCHES + _FOOT_INCHES
    with mpl.rc_context(cast(Any, _STYLE)):
        figure = Figure(figsize=(width, height), dpi=_DPI)
        canvas = FigureCanvasAgg(figure)
        figure.text(0.12 / width, 1 - 0.12 / height, chart.title, va="top", fontsize=12, fontweight="bold")
        source = "\n".join(textwrap.wrap(chart.source, int(width * 17)))
        figure.text(0.12 / width, 0.08 / height, source, va="bottom", fontsize=7, color="#555555")
        for place, panel in enumerate(chart.panels):
            names = 0.075 * max(len(str(x)) for s in panel.series for x in s.x) if panel.sideways else 0.0
            left = _PANEL_INCHES[0] * (place % chart.columns) + _LEFT_INCHES + names
            top = height - _HEAD_INCHES - cell_height * (place // chart.columns) - _TITLE_INCHES
            bottom = top + _TITLE_INCHES - cell_height + _BOTTOM_INCHES + _label_inches(panel)
            box = (left, bottom, _PANEL_INCHES[0] - _LEFT_INCHES - _RIGHT_INCHES - names, top - bottom)
            axes = figure.add_axes((box[0] / width, box[1] / height, box[2] / width, box[3] / height))
            _draw_panel(axes, panel)
        buffer = io.BytesIO()
        # Without "Software" the file doesn't name matplotlib's version.
        cast(Any, canvas).print_png(buffer, metadata={"Software": None})
    return buffer.getvalue()


def _label_inches(panel: Panel) -> float:
    """Height of slanted category names beyond that of level ones."""
    return 0.045 * _longest(panel) if _slanted(panel) else 0.0


def _longest(panel: Panel) -> int:
    return max((len(str(x)) for s in panel.series for x in s.x), default=0) if panel.categorical else 0


def _slanted(panel: Panel) -> bool:
    """Whether the category names are too many or too long to stand side by side."""
    count = len({x for s in panel.series for x in s.x})
    return panel.categorical and not panel.sideways and count * _longest(panel) > 72


def _draw_panel(axes: Axes, panel: Panel) -> None:
    if panel.sideways:
        _draw_sideways(axes, panel)
        return
    bars = [s for s in panel.series if s.kind == "bars"]
    categories = list(dict.fromkeys(x for s in panel.series for x in s.x)) if panel.categorical else []
    places = {category: float(i) for i, category in enumerate(categories)}
    for series in panel.series:
        x = [places[v] if panel.categorical else float(v) for v in series.x]
        if series.kind == "bars":
            _draw_bars(axes, series, x, bars.index(series), len(bars))
        elif series.kind == "points":
            _draw_points(axes, series, x)
        else:
            _draw_line(axes, series, x)
    for mark in panel.marks:
        _draw_mark(axes, mark)
    axes.set_title(panel.title)
    axes.set_xlabel(panel.x_label)
    axes.set_ylabel(panel.y_label)
    if panel.x_log:
        axes.set_xscale("log")
    if panel.categorical:
        slanted: dict[str, Any] = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"} if _slanted(panel) else {}
        axes.set_xticks(list(places.values()), [str(c) for c in categories], **slanted)
        axes.set_xlim(-0.6, len(categories) - 0.4)
    if panel.y_share:
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        axes.set_ylim(0, 1.02)
    elif panel.y_zero or bars:
        axes.set_ylim(bottom=0, top=_top(panel))
    named = [s for s in panel.series if s.name]
    if len(named) > 1:
        axes.legend(loc="best", ncols=1 if len(named) <= 6 else 2)


def _draw_sideways(axes: Axes, panel: Panel) -> None:
    """Points with their names at the left, the first on top; the axes' labels change places."""
    for series in panel.series:
        places = [float(-i) for i in range(len(series.x))]
        axes.plot([_nan(v) for v in series.y], places, "o", ms=5, color=series.color)
        for place, value, low, high in zip(places, series.y, series.low or (), series.high or (), strict=False):
            if value is not None and low is not None and high is not None:
                axes.plot([low, high], [place, place], color=series.color, lw=1.5)
        for place, value, label in zip(places, series.y, series.labels or (), strict=False):
            axes.annotate(label, (_nan(value), place), (0, 5), textcoords="offset points", ha="center", fontsize=8)
        axes.set_yticks(places, [str(x) for x in series.x])
        axes.set_ylim(places[-1] - 0.6, 0.8)
    for mark in panel.marks:
        axes.axvline(mark.at, color="#444444", lw=1, ls=":")
    axes.set_title(panel.title)
    axes.set_xlabel(panel.y_label)


def _top(panel: Panel) -> float:
    """Room for the highest value, its error bar and its label; 1 where all is 0."""
    values = [v for s in panel.series for v in (*s.y, *(s.high or ())) if v is not None and math.isfinite(v)]
    values += [m.at for m in panel.marks if m.axis == "y"]
    return max(values) * 1.12 if values and max(values) > 0 else 1.0


def _draw_bars(axes: Axes, series: Series, x: list[float], number: int, count: int) -> None:
    width = 0.72 / count
    places = [v - 0.36 + width * (number + 0.5) for v in x]
    heights = [v or 0.0 for v in series.y]
    axes.bar(places, heights, width * 0.94, color=series.colors or series.color, label=series.name)
    _error_bars(axes, series, places, "#222222")
    if len(places) * count > _MOST_LABELS:
        return
    highest = max(_tops(series), default=0.0)
    colors = series.colors or [series.color] * len(places)
    for place, height, top, label, color in zip(
        places, heights, _tops(series), series.labels or [], colors, strict=False
    ):
        # At the bar's foot nothing else is drawn; a bar too low for its label has it on top.
        inside = height > 0.15 * highest
        axes.annotate(
            label, (place, 0 if inside else top), (0, 4), textcoords="offset points", ha="center", fontsize=8,
            color=text_color(color) if inside else "black",
        )  # fmt: skip


def _draw_points(axes: Axes, series: Series, x: list[float]) -> None:
    axes.plot(x, [_nan(v) for v in series.y], "o", ms=5, color=series.color, label=series.name)
    _error_bars(axes, series, x, series.color)
    for place, height, label in zip(x, _tops(series), series.labels or [], strict=False):
        axes.annotate(label, (place, height), (0, 4), textcoords="offset points", ha="center", fontsize=8)


def _draw_line(axes: Axes, series: Series, x: list[float]) -> None:
    style = "--" if series.dashed else "-"
    drawstyle = "steps-mid" if series.kind == "steps" else "default"
    y = [_nan(v) for v in series.y]
    axes.plot(x, y, style, drawstyle=drawstyle, color=series.color, lw=1.5, label=series.name)
    if series.low is not None and series.high is not None:
        low, high = [_nan(v) for v in series.low], [_nan(v) for v in series.high]
        axes.fill_between(x, low, high, color=series.color, alpha=0.2, lw=0)


def _error_bars(axes: Axes, series: Series, x: list[float], color: str) -> None:
    if series.low is None or series.high is None:
        return
    known = [
        (place, y, max(0.0, y - low), max(0.0, high - y))
        for place, y, low, high in zip(x, series.y, series.low, series.high, strict=True)
        if y is not None and low is not None and high is not None
    ]
    if known:
        places, y_known, below, above = zip(*known, strict=True)
        axes.errorbar(places, y_known, [below, above], fmt="none", ecolor=color, capsize=3, elinewidth=1.2)


def _draw_mark(axes: Axes, mark: Mark) -> None:
    if mark.axis == "y":
        axes.axhline(mark.at, color="#444444", lw=1, ls=":")
        axes.annotate(
            mark.label, (0.99, mark.at), (0, 2), xycoords=("axes fraction", "data"), textcoords="offset points",
            ha="right", fontsize=8, color="#444444",
        )  # fmt: skip
        return
    if mark.until is None:
        axes.axvline(mark.at, color="#444444", lw=1, ls=":")
    else:
        axes.axvspan(mark.at, mark.until, color=NEUTRAL, alpha=0.12, lw=0)
    axes.annotate(
        mark.label, (mark.at, 0.98), (3, 0), xycoords=("data", "axes fraction"), textcoords="offset points",
        va="top", fontsize=8, color="#444444",
    )  # fmt: skip


def _tops(series: Series) -> list[float]:
    highs = series.high or [None] * len(series.y)
    return [max(v or 0.0, h or 0.0) for v, h in zip(series.y, highs, strict=True)]


def _nan(value: float | None) -> float:
    return math.nan if value is None else float(value)
