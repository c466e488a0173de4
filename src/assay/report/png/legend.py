"""Writes a panel's legend in rows below its axes: over the data it would hide some of them.

matplotlib's own lays out a tree of boxes; this takes a fraction of the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from assay.report.chart import Edge, Panel
from assay.report.png.words import Words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROW, _SWATCH, _GAP, _BETWEEN = 0.19, 0.25, 0.08, 0.2
_LINES = ("-", "--", ":")
_EDGES: dict[Edge, str] = {"left": "<", "right": ">", "above": "^"}
_CHARACTER = 0.068  # mean width of one, of 8 points


class _Entry(NamedTuple):
    name: str
    style: str
    color: str
    width: float
    hollow: bool = False

    @property
    def inches(self) -> float:
        return _SWATCH + _GAP + _CHARACTER * len(self.name) + _BETWEEN


def legend_inches(panel: Panel, across: float) -> float:
    """The height of a panel's legend, of its axes' width; 0 where it needs none."""
    return _ROW * len(_rows(panel, across))


def draw_legend(figure: Figure, axes: Axes, panel: Panel, left: float, across: float) -> list[Words]:
    """Draw the swatches of series and level lines at the figure's foot, `across` inches wide from `left` on.

    Returns their names.
    """
    rows = _rows(panel, across)
    words = []
    for number, row in enumerate(rows):
        x, y = left, _ROW * (len(rows) - number - 0.25)
        for entry in row:
            ends = [x, x + _SWATCH] if entry.style in _LINES else [x + _SWATCH / 2]
            axes.plot(
                ends, [y] * len(ends), entry.style, color=entry.color, ms=5, lw=entry.width,
                markerfacecolor="#FFFFFF" if entry.hollow else entry.color,
                transform=figure.dpi_scale_trans, solid_capstyle="butt", scalex=False, scaley=False, clip_on=False,
            )  # fmt: skip
            words.append(Words(entry.name, x + _SWATCH + _GAP, y, figure.dpi_scale_trans, size=8, up="center"))
            x += entry.inches
    return words


def _rows(panel: Panel, across: float) -> list[list[_Entry]]:
    rows: list[list[_Entry]] = []
    room = 0.0
    for entry in _entries(panel):
        if not rows or entry.inches - _BETWEEN > room:
            rows.append([])
            room = across
        rows[-1].append(entry)
        room -= entry.inches
    return rows


def _entries(panel: Panel) -> Sequence[_Entry]:
    """The series' names where there are several to be told apart, those of lines across, and of limits beyond."""
    found = []
    for one in [one for one in panel.series if one.name] if panel.several else []:
        style = "o" if one.kind == "points" else "--" if one.dashed else "-"
        found.append(_Entry(one.name, style, one.color, 6 if one.kind == "bars" else 1.5, one.hollow))
    for mark in panel.marks:
        edge = panel.edge(mark)
        if mark.label and (mark.axis == "y" or edge is not None):
            found.append(_Entry(panel.label(mark), ":" if edge is None else _EDGES[edge], "#444444", 1.0))
    return found
