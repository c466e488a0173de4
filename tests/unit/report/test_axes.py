"""What an axis shows: its data, the limits that are near, the loads that were measured; the same in PNG and HTML."""

from __future__ import annotations

import math
from dataclasses import replace

import plotly.graph_objects as go
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from assay.report.chart import NEUTRAL, Chart, Mark, Panel, Series
from assay.report.interactive import plotly_figure
from assay.report.png.encode import WHITE
from assay.report.png.panel import PANEL_INCHES, draw_panel
from assay.report.png.sheet import Sheet
from assay.report.png.words import Words

SHARES = Panel("TTFT", "ms", "share", [Series("", "line", [20.0, 80.0], [0.0, 1.0], NEUTRAL)], y_share=True)


def limited(at: float, panel: Panel = SHARES, axis: str = "x") -> Panel:
    return replace(panel, marks=[Mark("y" if axis == "y" else "x", at, f"limit: {at:g} ms", meaning="it", limit=True)])


def drawn(panel: Panel) -> tuple[Axes, list[Words]]:
    figure = Figure(figsize=PANEL_INCHES)
    axes = figure.add_axes((0, 0, 1, 1))
    return axes, draw_panel(figure, axes, panel)


@pytest.mark.parametrize(
    ("at", "says"),
    [(2000.0, "limit: 2000 ms, beyond this axis"), (-900.0, "limit: -900 ms, before this axis")],
)
def test_a_limit_far_from_the_data_is_told_at_the_edge_in_both(at: float, says: str) -> None:
    panel = limited(at)
    figure = plotly_figure(panel)
    go.Figure(figure)
    assert figure["layout"]["shapes"] == []
    assert figure["layout"]["annotations"] == []
    (listed,) = [trace["name"] for trace in figure["data"] if trace["name"]]
    assert (listed, figure["layout"]["showlegend"]) == (says, True)
    axes, words = drawn(panel)
    assert says in [one.text for one in words]
    assert figure["layout"]["xaxis"]["range"] == pytest.approx(axes.get_xlim())
    assert axes.get_xlim() == pytest.approx((17, 83))  # as without it
    assert Chart("c", "t", [panel], "Text.", "").text == "Text."  # there is no line to explain


def test_a_line_alone_needs_no_name_in_the_legend_of_either() -> None:
    panel = limited(2000.0, replace(SHARES, series=[replace(SHARES.series[0], name="all")]))
    listed = [trace["name"] for trace in plotly_figure(panel)["data"] if trace.get("showlegend", True)]
    assert listed == ["limit: 2000 ms, beyond this axis"]
    assert "all" not in [one.text for one in drawn(panel)[1]]


def test_a_limit_near_the_data_is_a_line_in_both() -> None:
    panel = limited(100.0)
    figure = plotly_figure(panel)
    (shape,), (note,) = figure["layout"]["shapes"], figure["layout"]["annotations"]
    assert (shape["x0"], note["text"]) == (100.0, "limit: 100 ms")
    axes, words = drawn(panel)
    assert axes.get_xlim()[1] > 100
    assert "limit: 100 ms" in [one.text for one in words]


def test_on_a_log_axis_near_is_by_factors() -> None:
    wide = replace(SHARES, series=[replace(SHARES.series[0], x=[1.0, 900.0])], x_log=True)
    assert limited(5000.0, wide).edge(limited(5000.0, wide).marks[0]) is None
    far = limited(5e6, wide)
    assert far.edge(far.marks[0]) == "right"


def test_a_level_limit_far_above_the_points_is_told_and_leaves_them_the_axis() -> None:
    points = Panel("TPOT p99", "load", "ms", [Series("", "points", [1.0, 2.0], [4.0, 5.0], NEUTRAL)])
    far, near = limited(100.0, points, "y"), limited(9.0, points, "y")
    assert (far.top, near.top) == (pytest.approx(5 * 1.12), pytest.approx(9 * 1.12))
    figure = plotly_figure(far)
    go.Figure(figure)
    assert figure["layout"]["shapes"] == []
    assert [trace["name"] for trace in figure["data"]][-1] == "limit: 100 ms, above this axis"
    assert "limit: 100 ms, above this axis" in [one.text for one in drawn(far)[1]]
    plain = replace(points, marks=[Mark("y", 100.0, "the sum")])  # what values are read against stays
    assert plain.top == pytest.approx(112)


def test_measured_loads_stand_on_the_axis_in_both() -> None:
    loads = [1.0, 3.0, 9.0, 64.0, 10000.0]
    line = Series("", "line", loads, [1.0, 2.0, 3.0, 4.0, 5.0], NEUTRAL)
    panel = Panel("Rate", "in flight", "n", [line], x_log=True, x_ticks=loads)
    axis = plotly_figure(panel)["layout"]["xaxis"]
    assert (axis["tickvals"], axis["ticktext"]) == (loads, ["1", "3", "9", "64", "10,000"])
    axes, words = drawn(panel)
    assert [one.text for one in words if one.up == "top"] == axis["ticktext"]
    assert [10**end for end in axis["range"]] == pytest.approx(axes.get_xlim(), rel=1e-4)


def test_numbers_on_an_axis_do_not_touch() -> None:
    loads = [1.0, 1.5, 2.0, 60.0, 100.0]
    line = Series("", "line", loads, [1.0] * 5, NEUTRAL)
    assert [text for _, text in Panel("R", "", "n", [line], x_ticks=loads).ticks] == ["1", "60", "100"]
    rates = [69.05, 82.11, 87.85, 97.65, 138.1]
    found = Panel("R", "", "n", [replace(line, x=rates)], x_ticks=rates)
    assert [text for _, text in found.ticks] == ["69.05", "82.11", "97.65", "138.1"]


@pytest.mark.parametrize(("begin", "side"), [(2.0, "left"), (60.0, "right")])
def test_a_spans_name_is_not_cut_by_the_axis_end_in_either(begin: float, side: str) -> None:
    line = Series("", "line", [1.0, 64.0], [1.0, 2.0], NEUTRAL)
    panel = Panel("R", "", "n", [line], [Mark("x", begin, "saturated", math.inf)])
    (note,) = plotly_figure(panel)["layout"]["annotations"]
    axes, words = drawn(panel)
    (word,) = [one for one in words if one.text == "saturated"]
    assert (note["xanchor"], word.across) == (side, side)
    assert note["x"] == pytest.approx(begin if side == "left" else axes.get_xlim()[1])
    assert word.x == pytest.approx(note["x"])


@pytest.mark.parametrize("log", [False, True])
def test_a_span_without_end_goes_to_the_axis_end_in_both(log: bool) -> None:
    line = Series("", "line", [1.0, 64.0], [1.0, 2.0], NEUTRAL)
    panel = Panel("R", "", "n", [line], [Mark("x", 8.0, "saturated", math.inf)], x_log=log)
    (shape,) = plotly_figure(panel)["layout"]["shapes"]
    axes, words = drawn(panel)
    assert shape["x1"] == pytest.approx(axes.get_xlim()[1], rel=1e-4)
    (band,) = axes.patches
    assert band.get_extents().x1 == pytest.approx(axes.transData.transform((axes.get_xlim()[1], 0))[0])
    assert "saturated" in [one.text for one in words]
    assert panel.top > replace(panel, marks=()).top  # room for its name


def test_names_of_neighbouring_lines_stand_above_each_other_in_both() -> None:
    line = Series("", "line", [1.0, 9.0], [1.0, 2.0], NEUTRAL)
    panel = Panel("R", "", "n", [line], [Mark("x", 2.0, "a"), Mark("x", 3.0, "b", row=1)])
    first, second = (note["yshift"] for note in plotly_figure(panel)["layout"]["annotations"])
    assert second - first >= 11
    shifts = {one.text: one.shift[1] for one in drawn(panel)[1]}
    assert shifts["b"] - shifts["a"] >= 8


def test_long_sources_do_not_write_over_what_stands_above() -> None:
    """The foot grows with its lines: what stands above is the same whatever stands below."""
    sheet, stamp = Sheet(), "run x: model y on node-a; short run: not valid for MLPerf"
    chart = Chart("c", "Title", [SHARES], "", "short")
    head, foot = sheet.draw_frame(chart, stamp)
    longer, taller = sheet.draw_frame(
        replace(chart, source="file.json; " + "a reference with a long name, " * 20), stamp
    )
    assert (longer == head).all()
    assert len(taller) > len(foot)


def test_a_picture_that_is_passed_on_says_what_its_error_bars_are() -> None:
    bars = Series("", "bars", ["a", "b"], [2.0, 3.0], NEUTRAL, low=[1.0, 2.0], high=[3.0, 4.0])
    barred, bare = (
        Chart("c", "Title", [Panel("R", "", "n", [one])], "", "f") for one in (bars, replace(bars, low=None))
    )
    assert barred.legend == ("Error bars are 95 % intervals.",)
    assert not bare.legend
    sheet = Sheet()
    foot, source = sheet.draw_frame(barred, "x")[1], sheet.draw_frame(bare, "x")[1]
    assert len(foot) > len(source)
    assert (foot != WHITE).sum() > (source != WHITE).sum()


def test_a_long_title_of_an_axis_has_several_lines() -> None:
    label = "time between chunks of an answer (ms)"
    line = Series("", "line", [0.0, 1.0], [0.0, 1.0], NEUTRAL)
    figure = plotly_figure(Panel("ITL", label, "share of gaps", [line]))
    words = figure["layout"]["xaxis"]["title"]["text"]
    assert words.replace("<br>", " ") == label
    assert max(map(len, words.split("<br>"))) <= 28
    assert figure["layout"]["yaxis"]["title"]["text"] == "share of gaps"
