"""Draws the scales of axes: grid, ticks and their numbers, each kind in one piece.

matplotlib's own are five objects a tick, and making them takes as long as all else in a chart together. Where the
ticks lie and what is written at them is still matplotlib's answer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from assay.report.png.words import Words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

_TICK_POINTS, _MINOR_POINTS, _GAP_POINTS = 3.5, 2.0, 3.5
_GRID = "#DDDDDD"
_UNITS = ("", "k", "M", "B")


class Tick(NamedTuple):
    """A place on an axis and what is written there."""

    at: float
    text: str


def draw_scales(
    axes: Axes, level: Sequence[Tick] = (), upright: Sequence[Tick] = (), *, slanted: bool = False, shares: bool = False
) -> list[Words]:
    """Draw both axes' scales; the limits must be final. Returns what is written at their ticks.

    Args:
        axes: where everything else is drawn already.
        level: the level axis' ticks; none: those that its numbers ask for.
        upright: the same of the upright axis.
        slanted: write the level axis' texts slanted.
        shares: the upright axis is shown in per cent.
    """
    numbers = list(upright) or _numbers(axes.yaxis)
    if shares:
        numbers = [Tick(tick.at, f"{tick.at:.0%}") for tick in numbers]
    level = list(level) or _numbers(axes.xaxis)
    _draw_scale(axes, axes.xaxis, level)
    _draw_scale(axes, axes.yaxis, numbers)
    below, beside = axes.get_xaxis_transform(), axes.get_yaxis_transform()
    away = _TICK_POINTS + _GAP_POINTS
    return [
        *(
            Words(t.text, t.at, 0.0, below, (0.0, -away), across="center", up="top", turn=30 if slanted else 0)
            for t in level
        ),
        *(Words(t.text, 0.0, t.at, beside, (-away, 0.0), across="right", up="center") for t in numbers),
    ]


def _numbers(axis: Axis) -> list[Tick]:
    """The ticks that suit the axis' limits."""
    low, high = sorted(axis.get_view_interval())
    places = [float(place) for place in axis.get_majorticklocs() if low <= place <= high]
    # The powers of a log axis are thousands each for itself.
    texts = [number_texts([place])[0] for place in places] if axis.get_scale() == "log" else number_texts(places)
    return [Tick(place, text) for place, text in zip(places, texts, strict=True)]


def number_texts(places: Sequence[float]) -> list[str]:
    """What is written at an axis' places: from 10,000 on as thousands, as Plotly writes it on pages."""
    highest = max((abs(place) for place in places), default=0.0)
    size = math.floor(math.log10(highest) + 0.01) if highest else 0
    thousands = min(round((size - 1) / 3), len(_UNITS) - 1) if size > 3 else 0
    return [f"{place / 1000**thousands + 0.0:,.10g}{_UNITS[thousands] if place else ''}" for place in places]


def _draw_scale(axes: Axes, axis: Axis, ticks: Sequence[Tick]) -> None:
    from matplotlib.collections import LineCollection
    from matplotlib.ticker import NullLocator

    level = axis is axes.xaxis
    across = axes.get_xaxis_transform() if level else axes.get_yaxis_transform()
    low, high = sorted(axis.get_view_interval())
    minor = [float(place) for place in axis.get_minorticklocs() if low <= place <= high]
    axis.set_major_locator(NullLocator())
    axis.set_minor_locator(NullLocator())
    lines = [[(t.at, 0.0), (t.at, 1.0)] if level else [(0.0, t.at), (1.0, t.at)] for t in ticks]
    grid = LineCollection(lines, colors=_GRID, linewidths=0.6, transform=across, zorder=0.5)
    axes.add_collection(grid, autolim=False)
    for places, size in (([tick.at for tick in ticks], _TICK_POINTS), (minor, _MINOR_POINTS)):
        edge = [0.0] * len(places)
        xs, ys, marker = (places, edge, 3) if level else (edge, places, 0)  # down, left
        style: dict[str, Any] = {"marker": marker, "ms": size, "mew": 0.8, "color": "black", "ls": "none"}
        axes.plot(xs, ys, transform=across, clip_on=False, scalex=False, scaley=False, **style)
