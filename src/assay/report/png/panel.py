"""Draws one panel: its axes are placed by hand, in inches, for matplotlib's layout takes longer than the drawing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.report.chart import Panel
from assay.report.png.legend import draw_legend, legend_inches
from assay.report.png.marks import draw_marks, draw_sideways, mark_words
from assay.report.png.scales import Tick, draw_scales
from assay.report.png.words import DPI, Words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANEL_INCHES = (6.4, 3.5)
_LEFT, _RIGHT, _TOP, _BOTTOM = 0.85, 0.2, 0.35, 0.6
_EDGE = 0.12
_VALUES = 0.65  # right of points with their values written beside them


def panel_inches(panel: Panel) -> float:
    """A panel's height: slanted category names and a legend need more."""
    return PANEL_INCHES[1] + _slant_inches(panel) + legend_inches(panel, _across(panel))


def _left(panel: Panel) -> float:
    names = 0.075 * max(len(str(x)) for s in panel.series for x in s.x) if panel.sideways else 0.0
    return _LEFT + names


def _across(panel: Panel) -> float:
    return PANEL_INCHES[0] - _left(panel) - (_VALUES if panel.sideways else _RIGHT)


def draw_panel(figure: Figure, axes: Axes, panel: Panel) -> list[Words]:
    """Draw on empty axes, the only ones of a figure of the panel's size. Returns the words to be written over it."""
    from matplotlib.transforms import Affine2D

    width, height = PANEL_INCHES[0], panel_inches(panel)
    left, across = _left(panel), _across(panel)
    foot = legend_inches(panel, across)
    bottom = _BOTTOM + _slant_inches(panel) + foot
    up = height - _TOP - bottom
    axes.set_position((left / width, bottom / height, across / width, up / height))
    categories = list(dict.fromkeys(x for s in panel.series for x in s.x)) if panel.categorical else []
    ticks = [Tick(float(place), str(category)) for place, category in enumerate(categories)]
    if panel.sideways:
        words = draw_sideways(axes, panel)
        ticks = [Tick(-tick.at, tick.text) for tick in ticks]
        axes.set_ylim(0.4 - len(ticks), 0.8)
        words += draw_scales(axes, upright=ticks)
    else:
        _set_limits(panel, axes, len(categories))
        words = draw_marks(axes, panel, {category: tick.at for category, tick in zip(categories, ticks, strict=True)})
        ticks = ticks or [Tick(at, text) for at, text in panel.ticks]
        words += mark_words(axes, panel)
        words += draw_scales(axes, level=ticks, slanted=_slanted(panel), shares=panel.y_share)
    level, upright = (panel.y_label, "") if panel.sideways else (panel.x_label, panel.y_label)
    inches = Affine2D().scale(DPI)
    return [
        *words,
        *draw_legend(figure, axes, panel, left, across),
        Words(panel.title, left, bottom + up + 0.08, inches, size=10, bold=True),
        Words(level, left + across / 2, _EDGE + foot, inches, across="center"),
        Words(upright, _EDGE, bottom + up / 2, inches, turn=90),
    ]


def _set_limits(panel: Panel, axes: Axes, categories: int) -> None:
    from matplotlib.ticker import NullLocator

    if panel.x_log:
        axes.set_xscale("log")
    if panel.categorical:
        axes.set_xlim(-0.6, categories - 0.4)
    elif panel.x_range is not None:
        axes.set_xlim(*(10**end if panel.x_log else end for end in panel.x_range))
    if panel.ticks:
        axes.xaxis.set_minor_locator(NullLocator())
    if panel.y_share:
        axes.set_ylim(0, 1.02)
    elif panel.from_zero:
        axes.set_ylim(bottom=0, top=panel.top)


def _slant_inches(panel: Panel) -> float:
    return 0.045 * _longest(panel) if _slanted(panel) else 0.0


def _longest(panel: Panel) -> int:
    return max((len(str(x)) for s in panel.series for x in s.x), default=0) if panel.categorical else 0


def _slanted(panel: Panel) -> bool:
    """Whether the category names are too many or too long to stand side by side."""
    count = len({x for s in panel.series for x in s.x})
    return panel.categorical and not panel.sideways and count * _longest(panel) > 72
