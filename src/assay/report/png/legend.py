"""Draws a legend in the corner of a panel where it hides least.

matplotlib's own lays out a tree of boxes and tries nine places against every mark; this takes a fraction of the time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from assay.report.chart import Series

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROW, _SWATCH, _GAP, _EDGE = 0.16, 0.25, 0.08, 0.08
_CHARACTER = 0.067  # mean width of one, of 8 points
_MOST_IN_A_COLUMN = 6
_SAMPLES = 64  # points that stand for a line
_CORNERS = ((1, 1), (0, 1), (0, 0), (1, 0))  # right and top are 1; the first is taken where several are empty


def draw_legend(axes: Axes, series: Sequence[Series], inches: tuple[float, float]) -> None:
    """Draw the names of the series that have one; the marks and the limits must be final.

    Args:
        axes: the panel's.
        series: the panel's series.
        inches: width and height of the axes.
    """
    named = [one for one in series if one.name]
    if len(named) < 2:
        return
    columns = 1 if len(named) <= _MOST_IN_A_COLUMN else 2
    rows = math.ceil(len(named) / columns)
    across = _SWATCH + 2 * _GAP + _CHARACTER * max(len(one.name) for one in named)
    size = np.array([across * columns, _ROW * rows])
    edge, room = np.array([_EDGE, _EDGE]), np.array(inches)
    taken = _taken(axes) * room
    lows = [np.where(corner, room - size - edge, edge) for corner in _CORNERS]
    low = min(lows, key=lambda at: int(((taken >= at) & (taken <= at + size)).all(axis=1).sum()))
    for place, one in enumerate(named):
        column, row = divmod(place, rows)
        x, y = low[0] + across * column, low[1] + size[1] - _ROW * (row + 0.5)
        _draw_name(axes, one, (x / room[0], (x + _SWATCH) / room[0], (x + _SWATCH + _GAP) / room[0]), y / room[1])


def _draw_name(axes: Axes, one: Series, x: tuple[float, float, float], y: float) -> None:
    begin, end, text = x
    ends = ([begin, end], [y, y]) if one.kind != "points" else ([(begin + end) / 2], [y])
    style = "o" if one.kind == "points" else "--" if one.dashed else "-"
    axes.plot(
        *ends, style, transform=axes.transAxes, color=one.color, ms=5, lw=6 if one.kind == "bars" else 1.5,
        solid_capstyle="butt", scalex=False, scaley=False,
    )  # fmt: skip
    axes.text(text, y, one.name, transform=axes.transAxes, va="center", fontsize=8)


def _taken(axes: Axes) -> NDArray[np.float64]:
    """Points on the marks, in shares of the axes."""
    found = [np.empty((0, 2))]
    for line in axes.lines:
        points = np.asarray(line.get_xydata(), dtype=np.float64)
        if len(points) > 1:
            at = np.linspace(0, len(points) - 1, _SAMPLES)
            points = np.stack([np.interp(at, np.arange(len(points)), axis) for axis in points.T], axis=1)
        found.append(points)
    for bar in axes.patches:
        box = bar.get_path().get_extents(bar.get_patch_transform())
        up = np.linspace(box.y0, box.y1, _SAMPLES)
        found.append(np.stack([np.full(_SAMPLES, (box.x0 + box.x1) / 2), up], axis=1))
    shares = axes.transAxes.inverted().transform(axes.transData.transform(np.concatenate(found)))
    return np.asarray(shares[np.isfinite(shares).all(axis=1)], dtype=np.float64)
