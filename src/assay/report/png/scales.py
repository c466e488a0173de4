"""Draws the scales of axes: grid, ticks and their numbers, each kind in one piece.

matplotlib's own are five objects a tick, and making them takes as long as all else in a chart together. Where the
ticks lie and what is written at them is still matplotlib's answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

_TICK_POINTS, _MINOR_POINTS, _GAP_POINTS = 3.5, 2.0, 3.5
_GRID = "#DDDDDD"


class Tick(NamedTuple):
    """A place on an axis and what is written there."""

    at: float
    text: str


def draw_scales(
    axes: Axes, level: Sequence[Tick] = (), upright: Sequence[Tick] = (), *, slanted: bool = False, shares: bool = False
) -> None:
    """Draw both axes' scales; the limits must be final.

    Args:
        axes: where everything else is drawn already.
        level: the level axis' ticks; none: those that its numbers ask for.
        upright: the same of the upright axis.
        slanted: write the level axis' texts slanted.
        shares: the upright axis is shown in per cent.
    """
    words: dict[str, Any] = {"ha": "center", "va": "top"}
    if slanted:
        words |= {"rotation": 30, "ha": "right", "rotation_mode": "anchor"}
    _draw_scale(axes, axes.xaxis, list(level) or _numbers(axes.xaxis), words)
    numbers = list(upright) or _numbers(axes.yaxis)
    if shares:
        numbers = [Tick(tick.at, f"{tick.at:.0%}") for tick in numbers]
    _draw_scale(axes, axes.yaxis, numbers, {"ha": "right", "va": "center"})


def _numbers(axis: Axis) -> list[Tick]:
    """The ticks that suit the axis' limits; a factor common to all, such as 1e6, is written at the last."""
    low, high = sorted(axis.get_view_interval())
    places = [float(place) for place in axis.get_majorticklocs() if low <= place <= high]
    texts = axis.get_major_formatter().format_ticks(places)
    factor = axis.get_major_formatter().get_offset()
    if factor and texts:
        texts[-1] = f"{texts[-1]} {factor}"
    return [Tick(place, text) for place, text in zip(places, texts, strict=True)]


def _draw_scale(axes: Axes, axis: Axis, ticks: Sequence[Tick], words: dict[str, Any]) -> None:
    from matplotlib.collections import LineCollection
    from matplotlib.ticker import NullLocator
    from matplotlib.transforms import ScaledTranslation

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
    away = -(_TICK_POINTS + _GAP_POINTS) / 72
    right, up = (0.0, away) if level else (away, 0.0)
    beside = across + ScaledTranslation(right, up, axes.figure.dpi_scale_trans)
    for tick in ticks:
        x, y = (tick.at, 0.0) if level else (0.0, tick.at)
        axes.text(x, y, tick.text, transform=beside, **words)
