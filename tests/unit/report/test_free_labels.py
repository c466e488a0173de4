"""Labels of points that may stand at any side hide nothing that can be avoided, in both pictures alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import plotly.graph_objects as go
import pytest
from matplotlib.figure import Figure

from assay.report.chart import PALETTE, Panel, Series, Side
from assay.report.free_labels import free_labels
from assay.report.interactive import plotly_figure
from assay.report.png.marks import draw_marks

FAR = Series("", "points", [0.0, 100.0], [1.0, 9.0], PALETTE[1], labels=["a", "b"], label_side=None)
"""Points in two corners, which make the axes 0 to 100 and 0 to 10."""


def points(x: Sequence[float], y: Sequence[float], labels: Sequence[str], reach: float | None = None) -> Series:
    low, high = (None, None) if reach is None else ([v - reach for v in y], [v + reach for v in y])
    return Series("", "points", x, y, PALETTE[0], low, high, labels=labels, label_side=None)


def sides(*series: Series) -> dict[str, Side]:
    return {
        label.text: label.side for label in free_labels(Panel("p", "x", "y", [FAR, *series])) if label.text not in "ab"
    }


def test_a_label_with_room_stands_above_its_interval() -> None:
    panel = Panel("p", "x", "y", [FAR, points([50.0], [5.0], ["8"], reach=2.0)])
    (label,) = [label for label in free_labels(panel) if label.text == "8"]
    assert (label.side, label.x, label.y) == ("above", 50.0, 7.0)


def test_neighbours_make_room_for_each_other() -> None:
    found = sides(points([50.0, 51.0], [5.0, 5.0], ["8", "16"]))
    assert set(found.values()) == {"above", "below"}


def test_words_and_points_are_left_free_before_lines() -> None:
    """A line above both: one label may lie on it, which hides less than two labels on each other."""
    above = Series("", "line", [0.0, 100.0], [5.7, 5.7], PALETTE[2])
    assert sides(points([50.0], [5.0], ["8"]), above) == {"8": "below"}
    both = sides(points([50.0, 51.0], [5.0, 5.0], ["8", "16"]), above)
    assert len(set(both.values())) == 2


@pytest.mark.parametrize(("x", "y", "side"), [(50.0, 9.9, "below"), (50.0, 0.1, "above")])
def test_a_label_stays_in_the_picture(x: float, y: float, side: Side) -> None:
    panel = Panel("p", "x", "y", [replace(FAR, y=[1.0, 9.9]), points([x], [y], ["8"])])
    assert next(label.side for label in free_labels(panel) if label.text == "8") == side


def test_an_open_side_keeps_its_arrow() -> None:
    series = replace(points([50.0], [5.0], ["8"]), low=[4.0], high=[None])
    panel = Panel("p", "x", "y", [FAR, series])
    assert next(label.y for label in free_labels(panel) if label.text == "8") == pytest.approx(5.0 + panel.arrow)


def test_both_pictures_write_them_at_the_same_sides() -> None:
    panel = Panel("p", "x", "y", [FAR, points([50.0, 51.0], [5.0, 5.0], ["8", "16"], reach=0.1)])
    axes = Figure().add_axes((0.0, 0.0, 1.0, 1.0))
    up = {"top": "below", "baseline": "above"}
    written = {words.text: (words.x, words.y, up[words.up]) for words in draw_marks(axes, panel, {})}
    figure = plotly_figure(panel)
    go.Figure(figure)
    up = {"top": "below", "bottom": "above"}
    shown = {one["text"]: (one["x"], one["y"], up[one["yanchor"]]) for one in figure["layout"]["annotations"]}
    assert written == shown
    assert set(written) == {"a", "b", "8", "16"}
    assert not any(trace.get("text") for trace in figure["data"]), "nor are they written twice"


def test_rings_are_rings_in_both() -> None:
    series = replace(points([50.0], [5.0], ["8"]), name="ring", hollow=True)
    panel = Panel("p", "x", "y", [replace(FAR, name="full"), series])
    full, ring = plotly_figure(panel)["data"]
    assert (full["marker"].get("symbol"), ring["marker"]["symbol"]) == (None, "circle-open")
    axes = Figure().add_axes((0.0, 0.0, 1.0, 1.0))
    draw_marks(axes, panel, {})
    inner = {str(line.get_color()): line.get_markerfacecolor() for line in axes.lines}
    assert inner == {PALETTE[1]: PALETTE[1], PALETTE[0]: "#FFFFFF"}
