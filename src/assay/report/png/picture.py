"""Puts a chart's picture together from those of its panels. The same description gives the same bytes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from assay.report.chart import Chart, Panel
from assay.report.png.encode import WHITE, Pixels, encode_png
from assay.report.png.sheet import Sheet
from assay.report.png.words import DPI


def draw_png(chart: Chart) -> bytes:
    """One chart as a PNG of 120 dots per inch."""
    return Pictures([chart]).draw(chart)


class Pictures:
    """The pictures of a page's charts. A panel that several of them show is drawn once."""

    def __init__(self, charts: Sequence[Chart], stamp: str = "") -> None:
        """`stamp` stands on each picture: what it is of, for pictures travel without their page."""
        shown = Counter(id(panel) for chart in charts for panel in chart.panels)
        self._charts = charts  # held, so that its panels' ids stay theirs
        self._shared = {panel for panel, times in shown.items() if times > 1}
        self._stamp = stamp
        self._drawn: dict[int, Pixels] = {}
        self._sheet = Sheet()

    def draw(self, chart: Chart) -> bytes:
        """The chart as a PNG of 120 dots per inch."""
        cells = [self._cell(panel) for panel in chart.panels]
        rows = [cells[at : at + chart.columns] for at in range(0, len(cells), chart.columns)]
        heights = [max(len(cell) for cell in row) for row in rows]
        across = cells[0].shape[1]
        head, foot = self._sheet.draw_frame(chart, self._stamp)
        picture = np.full((len(head) + sum(heights) + len(foot), across * chart.columns), WHITE)
        picture[: len(head)], picture[-len(foot) :] = head, foot
        top = len(head)
        for row, height in zip(rows, heights, strict=True):
            for place, cell in enumerate(row):
                picture[top : top + len(cell), place * across : (place + 1) * across] = cell
            top += height
        return encode_png(picture, DPI)

    def _cell(self, panel: Panel) -> Pixels:
        if id(panel) in self._drawn:
            return self._drawn[id(panel)]
        cell = self._sheet.draw_panel(panel)
        if id(panel) in self._shared:
            self._drawn[id(panel)] = cell
        return cell
