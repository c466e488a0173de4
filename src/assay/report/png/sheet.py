"""The paper that panels are drawn on: one matplotlib figure with one pair of axes, wiped and used again.

Making axes takes matplotlib longer than drawing on them.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from assay.report.chart import Chart, Panel
from assay.report.png.encode import Pixels
from assay.report.png.panel import PANEL_INCHES, draw_panel, panel_inches

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 120
_HEAD_INCHES, _LINE_INCHES, _FOOT_INCHES = 0.4, 0.14, 0.35
_STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titley": 1.0,  # else matplotlib measures all tick labels to find the place of a title that isn't there
}


class Sheet:
    """Draws panels and charts' frames, one after another; what was drawn before doesn't show."""

    def __init__(self) -> None:
        import matplotlib as mpl
        from matplotlib.figure import Figure

        with mpl.rc_context(_STYLE):
            self._figure = Figure(dpi=DPI)
            self._axes = self._figure.add_axes((0.0, 0.0, 1.0, 1.0))

    def draw_panel(self, panel: Panel) -> Pixels:
        import matplotlib as mpl

        self._wipe()
        self._figure.set_size_inches(PANEL_INCHES[0], panel_inches(panel))
        with mpl.rc_context(_STYLE):
            draw_panel(self._figure, self._axes, panel)
            return _pixels(self._figure)

    def draw_frame(self, chart: Chart, stamp: str) -> tuple[Pixels, Pixels]:
        """What stands above and below the panels: title and stamp, and where the figures come from."""
        import matplotlib as mpl
        from matplotlib.figure import Figure

        width = PANEL_INCHES[0] * chart.columns
        lines = textwrap.wrap(stamp, int(width * 14.5))
        head_inches = _HEAD_INCHES + _LINE_INCHES * len(lines)
        height = head_inches + _FOOT_INCHES
        with mpl.rc_context(_STYLE):
            figure = Figure(figsize=(width, height), dpi=DPI)
            figure.text(0.12 / width, 1 - 0.12 / height, chart.title, va="top", fontsize=12, fontweight="bold")
            figure.text(0.12 / width, 1 - 0.36 / height, "\n".join(lines), va="top", fontsize=8, color="#333333")
            source = "\n".join(textwrap.wrap(chart.source, int(width * 17)))
            figure.text(0.12 / width, 0.08 / height, source, va="bottom", fontsize=7, color="#555555")
            drawn = _pixels(figure)
        head = round(head_inches * DPI)
        return drawn[:head], drawn[head:]

    def _wipe(self) -> None:
        axes = self._axes
        for artist in (*self._figure.texts, *axes.lines, *axes.patches, *axes.collections, *axes.texts):
            artist.remove()
        axes.containers.clear()
        axes.set_xscale("linear")  # with the ticks' places and texts that belong to it
        axes.set_yscale("linear")
        axes.relim()
        axes.set_xlim(0, 1, auto=True)
        axes.set_ylim(0, 1, auto=True)


def _pixels(figure: Figure) -> Pixels:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = cast(Any, FigureCanvasAgg(figure))
    canvas.draw()
    return np.array(canvas.buffer_rgba()).view("<u4")[:, :, 0]
