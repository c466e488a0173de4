"""The paper that panels are drawn on: one matplotlib figure with one pair of axes, wiped and used again.

Making axes takes matplotlib longer than drawing on them.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from assay.report.chart import Chart, Panel
from assay.report.png.encode import WHITE, Pixels
from assay.report.png.panel import PANEL_INCHES, draw_panel, panel_inches
from assay.report.png.words import DPI, Words, write_words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_HEAD_INCHES, _LINE_INCHES, _FOOT_INCHES, _FOOT_EDGE, _EDGE = 0.4, 0.14, 0.35, 0.08, 0.12
_STYLE: Any = {
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
        self._axes.tick_params(labelsize=Words.size)  # by which matplotlib says how many ticks there is room for

    def draw_panel(self, panel: Panel) -> Pixels:
        self._wipe()
        self._figure.set_size_inches(PANEL_INCHES[0], panel_inches(panel))
        words = draw_panel(self._figure, self._axes, panel)
        drawn = _pixels(self._figure)
        write_words(drawn, words)
        return drawn

    def draw_frame(self, chart: Chart, stamp: str) -> tuple[Pixels, Pixels]:
        """What stands above and below the panels: title and stamp, and what is drawn and where it comes from."""
        from matplotlib.transforms import Affine2D

        width = PANEL_INCHES[0] * chart.columns
        stamps = _lines(stamp, width * 14.5)
        sources = [*_lines(" ".join(chart.legend), width * 17), *_lines(chart.source, width * 17)]
        head = _HEAD_INCHES + _LINE_INCHES * len(stamps)
        foot = max(_FOOT_INCHES, 2 * _FOOT_EDGE + _LINE_INCHES * len(sources))
        inches, top = Affine2D().scale(DPI), head + foot
        words = [Words(chart.title, _EDGE, top - _EDGE, inches, size=12, bold=True, up="top")]
        words += [
            Words(line, _EDGE, top - 0.36 - _LINE_INCHES * number, inches, size=8, color="#333333", up="top")
            for number, line in enumerate(stamps)
        ]
        words += [
            Words(line, _EDGE, _FOOT_EDGE + _LINE_INCHES * number, inches, size=7, color="#555555", up="bottom")
            for number, line in enumerate(reversed(sources))
        ]
        drawn = np.full((round(top * DPI), round(width * DPI)), WHITE)
        write_words(drawn, words)
        return drawn[: round(head * DPI)], drawn[round(head * DPI) :]

    def _wipe(self) -> None:
        axes = self._axes
        for artist in (*axes.lines, *axes.patches, *axes.collections):
            artist.remove()
        axes.containers.clear()
        axes.set_xscale("linear")  # with the ticks' places and texts that belong to it
        axes.set_yscale("linear")
        axes.relim()
        axes.set_xlim(0, 1, auto=True)
        axes.set_ylim(0, 1, auto=True)


def _lines(text: str, most: float) -> list[str]:
    """Of at most so many characters; a run's name is one word, though there are hyphens in it."""
    return textwrap.wrap(text, int(most), break_on_hyphens=False)


def _pixels(figure: Figure) -> Pixels:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = cast(Any, FigureCanvasAgg(figure))
    canvas.draw()
    return np.array(canvas.buffer_rgba()).view("<u4")[:, :, 0]
