"""One description, two painters: the same numbers in both, and valid Plotly."""

from __future__ import annotations

import io

import numpy as np
import plotly.graph_objects as go
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from assay.report.chart import NEUTRAL, PALETTE, Chart, Colors, Mark, Panel, Series, text_color
from assay.report.interactive import plotly_figure
from assay.report.png import Pictures, draw_png
from assay.report.png.encode import encode_png
from assay.report.png.legend import draw_legend
from assay.report.png.scales import draw_scales
from assay.report.png.sheet import Sheet

BARS = Panel(
    "Bars", "", "tokens/s",
    [
        Series(
            "", "bars", ["a", "b"], [2.0, 3.0], PALETTE[0], [1.5, None], [2.5, None], labels=["2", "3"],
            colors=PALETTE[:2],
        )
    ],
    [Mark("y", 2.5, "limit")],
)  # fmt: skip
LINES = Panel(
    "Lines", "ms", "share",
    [
        Series("one", "line", [1.0, 10.0, 100.0], [0.1, None, 0.9], PALETTE[2], [0.0, None, 0.8], [0.2, None, 1.0]),
        Series("two", "steps", [1.0, 10.0], [0.3, 0.4], PALETTE[3], dashed=True),
    ],
    [Mark("x", 10.0, "from", 50.0), Mark("x", 5.0, "at")], x_log=True, y_share=True,
)  # fmt: skip
POINTS = Panel("Points", "", "ratio", [Series("p", "points", ["x"], [1.1], NEUTRAL, [1.0], [1.2])], y_zero=False)


def test_sideways_points_exchange_the_axes() -> None:
    panel = Panel(
        "Ratios", "", "ratio", [Series("", "points", ["a", "b"], [1.1, 0.9], NEUTRAL, [1.0, 0.8], [1.2, 1.0])],
        [Mark("y", 1.0, "")], y_zero=False, sideways=True,
    )  # fmt: skip
    figure = plotly_figure(panel)
    go.Figure(figure)
    trace, (shape,) = figure["data"][0], figure["layout"]["shapes"]
    assert (trace["x"], trace["y"]) == ([1.1, 0.9], ["a", "b"])
    assert trace["error_x"]["array"] == pytest.approx([0.1, 0.1])
    assert (shape["x0"], shape["x1"]) == (1.0, 1.0)
    assert trace["hovertemplate"] == "%{y}<br>%{x:.4~g} (95 %: %{customdata[0]:.4~g} to %{customdata[1]:.4~g})"
    assert draw_png(Chart("c", "t", [panel], "", ""))


@pytest.mark.parametrize("panel", [BARS, LINES, POINTS], ids=["bars", "lines", "points"])
def test_plotly_accepts_every_figure(panel: Panel) -> None:
    figure = plotly_figure(panel)
    go.Figure(figure)  # raises ValueError for any property that Plotly doesn't know
    named = {trace["name"]: trace for trace in figure["data"] if "name" in trace}
    for series in panel.series:
        assert named[series.name]["y"] == list(series.y)
        assert named[series.name]["x"] == list(series.x)


def test_bars_start_at_zero_and_hover_tells_the_interval() -> None:
    figure = plotly_figure(BARS)
    assert figure["layout"]["yaxis"]["rangemode"] == "tozero"
    trace = figure["data"][0]
    assert trace["customdata"][0] == [1.5, 2.5]
    assert "95 %" in trace["hovertemplate"]
    assert trace["error_y"]["array"] == [0.5, 0.0]


def test_axes_have_units() -> None:
    layout = plotly_figure(LINES)["layout"]
    assert layout["xaxis"]["title"]["text"] == "ms"
    assert layout["yaxis"]["title"]["text"] == "share"
    assert layout["xaxis"]["type"] == "log"


def test_png_is_the_same_every_time() -> None:
    chart = Chart("c", "Title", [BARS, LINES, POINTS], "text", "source", columns=2)
    first = draw_png(chart)
    assert first.startswith(b"\x89PNG")
    assert first == draw_png(chart)
    assert b"atplotlib" not in first


def test_a_panel_of_nothing_but_zeros_or_gaps_is_drawn() -> None:
    flat = Panel("Flat", "s", "n", [Series("", "line", [0.0, 1.0], [0.0, 0.0], PALETTE[0])])
    gaps = Panel("Gaps", "s", "n", [Series("", "line", [0.0, 1.0], [None, None], PALETTE[0])])
    empty = Panel("Empty", "s", "n", [Series("", "bars", [], [], PALETTE[0])])
    assert draw_png(Chart("c", "t", [flat, gaps, empty], "", ""))


def test_a_node_keeps_its_colour_and_strangers_are_grey() -> None:
    colors = Colors([f"n{i}" for i in range(8)])
    assert colors["n1"] == PALETTE[1]
    assert colors["n7"] == PALETTE[1]
    assert (colors.dashed("n1"), colors.dashed("n7")) == (False, True)
    assert colors["unknown"] == NEUTRAL


def test_text_on_every_colour_has_enough_contrast() -> None:
    """WCAG 2: at least 4.5 to 1."""

    def luminance(color: str) -> float:
        parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for color in (*PALETTE, NEUTRAL):
        light, dark = sorted((luminance(color), luminance(text_color(color))), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, color


def test_a_picture_shows_nothing_of_those_drawn_before_it() -> None:
    charts = [Chart(panel.title, "Title", [panel], "", "") for panel in (LINES, BARS, POINTS)]
    empty = Chart("e", "t", [Panel("Empty", "s", "n", [Series("", "line", [], [], PALETTE[0])], y_zero=False)], "", "")
    pictures = Pictures([*charts, empty])
    for chart in (*charts, empty, *reversed(charts)):
        assert pictures.draw(chart) == draw_png(chart)


def test_a_panel_of_two_charts_is_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Panel] = []
    draw = Sheet.draw_panel
    monkeypatch.setattr(Sheet, "draw_panel", lambda sheet, panel: drawn.append(panel) or draw(sheet, panel))
    charts = [Chart("a", "A", [BARS, LINES], "", ""), Chart("b", "B", [LINES, POINTS], "", "", columns=2)]
    pictures = Pictures(charts)
    for chart in charts:
        assert pictures.draw(chart) == draw_png(
            Chart(chart.name, chart.title, list(chart.panels), "", "", chart.columns)
        )
    assert [panel.title for panel in drawn[:2]] == ["Bars", "Lines"]
    assert sum(panel is LINES for panel in drawn) == 3  # once for the page, twice alone
    assert sum(panel is BARS for panel in drawn) == 2


def test_a_png_holds_the_very_pixels() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    image = Image.open(io.BytesIO(encode_png(pixels, 120)))
    assert image.mode == "RGB"
    assert image.info["dpi"] == pytest.approx((120, 120), abs=0.1)
    assert (np.asarray(image) == pixels).all()


@pytest.mark.parametrize(("y", "corner"), [([9.2, 9.2], (0, 0)), ([0.0, 9.0], (0, 1)), ([9.0, 0.0], (1, 1))])
def test_a_legend_stands_where_it_hides_least(y: list[float], corner: tuple[int, int]) -> None:
    axes = Figure(figsize=(6, 4)).add_axes((0, 0, 1, 1))
    axes.plot([0.0, 1.0], y)
    axes.set_ylim(0, 10)
    draw_legend(axes, [Series("one", "line", [], [], NEUTRAL), Series("two", "bars", [], [], NEUTRAL)], (6.0, 4.0))
    first = axes.texts[0].get_position()
    assert (round(first[0]), round(first[1])) == corner
    assert [text.get_text() for text in axes.texts] == ["one", "two"]


def test_scales_have_matplotlibs_own_places_and_texts() -> None:
    ours, theirs = (Figure(figsize=(6, 4)).add_axes((0.1, 0.1, 0.8, 0.8)) for _ in range(2))
    for axes in (ours, theirs):
        axes.set_xlim(1, 400)
        axes.set_xscale("log")
        axes.set_ylim(0, 3.2e-7)
    draw_scales(ours)
    FigureCanvasAgg(theirs.figure).draw()
    level = [tick.get_text() for tick in theirs.get_xticklabels() if 1 <= tick.get_position()[0] <= 400]
    upright = [tick.get_text() for tick in theirs.get_yticklabels() if 0 <= tick.get_position()[1] <= 3.2e-7]
    factor = theirs.yaxis.get_offset_text().get_text()
    assert factor
    assert [text.get_text() for text in ours.texts] == [*level, *upright[:-1], f"{upright[-1]} {factor}"]
