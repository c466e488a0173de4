"""One description, two painters: the same numbers in both, and valid Plotly."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import pytest
from matplotlib.figure import Figure
from PIL import Image

from assay.report.chart import MOST_LABELLED, NEUTRAL, PALETTE, Chart, Mark, Panel, Series
from assay.report.colors import Colors, text_color
from assay.report.interactive import plotly_figure
from assay.report.png import Pictures, draw_png
from assay.report.png.encode import encode_png
from assay.report.png.marks import draw_marks
from assay.report.png.panel import PANEL_INCHES, draw_panel, panel_inches
from assay.report.png.scales import draw_scales
from assay.report.png.sheet import Sheet
from assay.report.spots import Spot, spots

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
POINTS = Panel(
    "Points",
    "",
    "ratio",
    [Series("p", "points", ["x", "y"], [1.1, 1.0], NEUTRAL, [1.0, 0.9], [1.2, 1.1])],
    y_zero=False,
)


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
    assert trace["hovertemplate"] == "%{y}<br>%{x:.4~g}%{customdata}"
    assert trace["customdata"] == [" (95 %: 1 to 1.2)", " (95 %: 0.8 to 1)"]
    assert draw_png(Chart("c", "t", [panel], "", ""))


@pytest.mark.parametrize(("names", "told"), [(["final", "short"], True), (["final"], False)])
def test_sideways_series_are_told_apart_as_in_the_png(names: list[str], told: bool) -> None:
    series = [Series(name, "points", ["a", "b"], [1.1, 0.9], NEUTRAL, [1.0, 0.8], [1.2, 1.0]) for name in names]
    figure = plotly_figure(Panel("Rates", "", "tokens/s", series, sideways=True))
    assert figure["layout"]["showlegend"] is told


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
    assert figure["layout"]["yaxis"]["range"] == [0, pytest.approx(BARS.top)]
    trace = figure["data"][0]
    assert trace["customdata"] == [" (95 %: 1.5 to 2.5)", ""]
    assert trace["hovertemplate"].endswith("%{customdata}")
    assert trace["error_y"]["array"] == [0.5, 0.0]


RISING = Panel("Rising", "s", "n", [Series("", "line", [0.0, 1.0], [3.0, 4.0], NEUTRAL)], [Mark("y", 5.0, "limit")])


@pytest.mark.parametrize("panel", [BARS, LINES, RISING], ids=["bars", "shares", "rising"])
def test_axes_from_zero_are_the_same_in_both(panel: Panel) -> None:
    figure = Figure(figsize=PANEL_INCHES)
    axes = figure.add_axes((0, 0, 1, 1))
    draw_panel(figure, axes, panel)
    assert plotly_figure(panel)["layout"]["yaxis"]["range"] == pytest.approx(axes.get_ylim())


def test_a_legend_shows_bars_of_several_colours_in_that_of_none() -> None:
    bars = Series("measured", "bars", ["a", "b"], [2.0, 3.0], NEUTRAL, colors=PALETTE[:2])
    sums = Series("sum", "points", ["b"], [3.5], PALETTE[2])
    figure = plotly_figure(Panel("Rates", "", "n", [bars, sums]))
    go.Figure(figure)
    listed = {trace["name"]: trace["marker"]["color"] for trace in figure["data"] if trace.get("showlegend", True)}
    assert listed == {"measured": NEUTRAL, "sum": PALETTE[2]}
    (swatch,) = [trace for trace in figure["data"] if trace.get("hoverinfo") == "skip"]
    assert (swatch["type"], swatch["y"]) == ("scatter", [None])  # no bar: it would push the others aside


def test_axes_have_units() -> None:
    layout = plotly_figure(LINES)["layout"]
    assert layout["xaxis"]["title"]["text"] == "ms"
    assert layout["yaxis"]["title"]["text"] == "share"
    assert layout["xaxis"]["type"] == "log"


def test_a_title_beside_an_axis_has_lines_that_fit_its_height() -> None:
    panel = Panel(
        "p", "tokens/s for each user (1000 / TPOT p90 in ms)", "EUR/million output tokens", [POINTS.series[0]]
    )
    layout = plotly_figure(panel)["layout"]
    assert layout["yaxis"]["title"]["text"] == "EUR/million output<br>tokens"
    assert layout["xaxis"]["title"]["text"].count("<br>") == 1


def test_png_is_the_same_every_time() -> None:
    chart = Chart("c", "Title", [BARS, LINES, POINTS], "text", "source", columns=2)
    first = draw_png(chart)
    assert first.startswith(b"\x89PNG")
    assert first == draw_png(chart)
    assert b"atplotlib" not in first


OPEN = Panel(
    "Open", "", "ms",
    [Series("", "bars", ["a", "b", "c"], [2.0, 30.0, 40.0], PALETTE[0], [1.5, None, None], [None, 35.0, None],
            labels=["2", "30", "40"])],
)  # fmt: skip


def test_an_open_interval_ends_in_an_arrow_in_both() -> None:
    """It takes no more room than the others, whose axis is scaled by the values."""
    assert OPEN.open_ended
    assert not BARS.open_ended
    figure = plotly_figure(OPEN)
    go.Figure(figure)
    errors = figure["data"][0]["error_y"]
    assert OPEN.top == pytest.approx(1.12 * 40)
    assert (errors["array"], errors["arrayminus"]) == ([0, 5.0, 0], [0.5, 0, 0])
    assert figure["data"][0]["customdata"] == [" (95 %: 1.5 or more)", " (95 %: 35 or less)", ""]
    ends = [(2.0, 2.0 + OPEN.arrow), (30.0, 30.0 - OPEN.arrow)]
    arrows = [note for note in figure["layout"]["annotations"] if note["showarrow"]]
    assert [(note["ax"], note["x"]) for note in arrows] == [(0, 0), (1, 1)]
    assert [(note["ay"], note["y"]) for note in arrows] == [pytest.approx(end) for end in ends]
    chart = Chart("c", "t", [OPEN], "Bars.", "")
    assert (
        chart.text == "Bars. Error bars are 95 % intervals. "
        "An error bar that ends in an arrow has no bound there: the samples are too few for one."
    )
    assert replace(chart).text == chart.text
    axes = Figure(figsize=(6, 4)).add_axes((0, 0, 1, 1))
    draw_marks(axes, OPEN, {"a": 0.0, "b": 1.0, "c": 2.0})
    (bars,) = [found for found in axes.collections if hasattr(found, "get_segments")]
    assert [(float(line[0][1]), float(line[1][1])) for line in bars.get_segments()] == [(1.5, 2.0), (30.0, 35.0)]
    drawn = [line for line in axes.lines if line.get_marker() in ("^", "v")]
    assert [tuple(map(float, line.get_ydata())) for line in drawn] == [pytest.approx(end) for end in ends]


def test_an_error_bar_far_beyond_the_values_ends_in_an_arrow_and_leaves_them_room() -> None:
    """Of two repeats that differ, say: up to 8 million, where the values are 100,000 and 120,000."""
    wide = Series("", "bars", ["a", "b"], [100.0, 120.0], PALETTE[0], [1.0, 110.0], [8000.0, 130.0])
    panel = Panel("Wide", "", "ms", [wide])
    assert panel.top == pytest.approx(1.12 * 130)
    assert wide.reaches == [(99.0, 0.0), (10.0, 10.0)]
    assert wide.open_sides == [(0, True)]
    assert plotly_figure(panel)["data"][0]["customdata"] == [" (95 %: 1 to 8000)", " (95 %: 110 to 130)"]
    chart = Chart("c", "t", [panel], "Bars.", "")
    assert chart.text.endswith("reaches further than it is drawn: its end is in the table.")
    assert "no bound" not in chart.text


def test_arrows_of_bars_side_by_side_stand_on_their_own_bar() -> None:
    pair = [Series(name, "bars", ["a", "b"], [2.0, 3.0], NEUTRAL, [1.0, 1.0], [None, 4.0]) for name in "pq"]
    panel = Panel("Pairs", "", "ms", pair)
    html = [note["x"] for note in plotly_figure(panel)["layout"]["annotations"]]
    axes = Figure(figsize=(6, 4)).add_axes((0, 0, 1, 1))
    draw_marks(axes, panel, {"a": 0.0, "b": 1.0})
    png = [float(line.get_xdata()[0]) for line in axes.lines if line.get_marker() == "^"]
    assert html == pytest.approx(png)
    assert html == pytest.approx([-0.18, 0.18])


def test_a_band_has_a_gap_in_both_where_a_bound_isnt_known() -> None:
    line = Series("l", "line", [1.0, 2.0, 3.0], [1.0, 2.0, 3.0], PALETTE[0], [0.5, None, 2.5], [1.5, 2.5, None])
    lower, upper, _ = plotly_figure(Panel("Band", "s", "n", [line]))["data"]
    assert (lower["y"], upper["y"]) == ([0.5, None, None], [1.5, None, None])


def test_no_label_stands_on_an_error_bar() -> None:
    figure = plotly_figure(OPEN)
    assert figure["data"][0]["textposition"] == ["none", "none", "inside"]
    beside, above = [note for note in figure["layout"]["annotations"] if not note["showarrow"]]
    assert (beside["text"], beside["x"], beside["y"], beside["xanchor"]) == ("2", "a", 2.0, "right")
    assert (above["text"], above["x"], above["y"], above["yanchor"]) == ("30", "b", 35.0, "bottom")
    assert "xanchor" not in above
    few = Panel(
        "Few", "", "ms", [Series("", "bars", ["a", "b"], [1.0, 30.0], NEUTRAL, [0.5, 29], [4.0, 31], labels="12")]
    )
    (label,) = plotly_figure(few)["layout"]["annotations"]
    assert label["y"] == 4.0  # above its bar's error bar


@pytest.mark.parametrize(
    ("y", "low", "high", "spot"),
    [
        (50.0, None, None, Spot(0, inside=True)),
        (5.0, None, None, Spot(5.0, inside=False)),
        (50.0, 40.0, 60.0, Spot(0, inside=True)),
        (50.0, 40.0, None, Spot(0, inside=True)),
        (50.0, 1.0, 60.0, Spot(60.0, inside=False)),
        (50.0, None, 60.0, Spot(60.0, inside=False)),
        (50.0, 1.0, None, Spot(0, inside=True, beside=True)),
        (5.0, 1.0, None, Spot(5.0, inside=False, beside=True)),
    ],
)
def test_a_label_stands_where_its_error_bar_leaves_room(
    y: float, low: float | None, high: float | None, spot: Spot
) -> None:
    series = Series("", "bars", ["a", "b"], [y, 100.0], NEUTRAL, [low, 90.0], [high, 100.0], labels=["it", "other"])
    assert spots(series)[0] == spot
    panel = Panel("Bars", "", "ms", [series])
    html = [note["text"] for note in plotly_figure(panel)["layout"]["annotations"]]
    assert ("it" in html) == (spot != Spot(0, inside=True))
    figure = Figure(figsize=PANEL_INCHES)
    written = next(one for one in draw_panel(figure, figure.add_axes((0, 0, 1, 1)), panel) if one.text == "it")
    assert (written.y, written.across) == (spot.at, "right" if spot.beside else "center")
    assert (written.color == "#000000") == (not spot.inside or text_color(NEUTRAL) == "#000000")


def test_too_many_bars_have_no_labels_in_either() -> None:
    names = [f"n{number}" for number in range(MOST_LABELLED + 1)]
    panel = Panel(
        "Bars", "", "ms", [Series("", "bars", names, [1.0] * len(names), NEUTRAL, labels=["one"] * len(names))]
    )
    assert "text" not in plotly_figure(panel)["data"][0]
    figure = Figure(figsize=PANEL_INCHES)
    assert "one" not in [word.text for word in draw_panel(figure, figure.add_axes((0, 0, 1, 1)), panel)]


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
    dot = Chart(
        "d",
        "t",
        [Panel("Dots", "s", "n", [Series("", "points", [0.5, 9.5], [0.5, 9.5], PALETTE[0])], y_zero=False)],
        "",
        "",
    )
    pictures = Pictures([*charts, dot])
    for chart in (*charts, dot, *reversed(charts)):
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
    pixels = np.random.default_rng(1).integers(0, 256, (5, 7, 4), dtype=np.uint8)
    image = Image.open(io.BytesIO(encode_png(pixels.view("<u4")[:, :, 0], 120)))
    assert image.mode == "P"
    assert image.info["dpi"] == pytest.approx((120, 120), abs=0.1)
    assert (np.asarray(image.convert("RGB")) == pixels[:, :, :3]).all()


def test_a_legend_stands_below_the_axes_in_rows() -> None:
    names = [f"node-{number:02d}" for number in range(13)]
    series = [Series(name, "line", [0.0, 1.0], [0.0, 1.0], NEUTRAL) for name in names]
    panel = Panel("Lines", "s", "n", series, [Mark("y", 1.0, "limit")])
    figure = Figure(figsize=(PANEL_INCHES[0], panel_inches(panel)))
    axes = figure.add_axes((0, 0, 1, 1))
    words = draw_panel(figure, axes, panel)
    places = {one.text: figure.transFigure.inverted().transform(one.frame.transform((one.x, one.y))) for one in words}
    bottom = axes.get_position().y0
    written = {name: places[name] for name in (*names, "limit")}
    assert all(written[name][1] < bottom for name in (*names, "limit"))
    assert all(written[name][0] < 0.95 for name in names)
    rows = {round(written[name][1], 6) for name in names}
    assert len(rows) > 1
    plain = Panel("Lines", "s", "n", series[:1])
    assert panel_inches(plain) == PANEL_INCHES[1]  # one series needs no legend
    assert panel_inches(panel) > panel_inches(plain)
    assert panel_inches(Panel("Lines", "s", "n", series[:1], panel.marks)) > panel_inches(plain)


@pytest.mark.parametrize(("at", "side"), [(2.0, "left"), (90.0, "right")])
def test_a_limits_name_stands_inwards_at_its_foot_in_both(at: float, side: str) -> None:
    line = Series("", "line", [1.0, 100.0], [0.0, 1.0], NEUTRAL)
    panel = Panel("CDF", "ms", "share", [line], [Mark("x", at, "limit of the p99: 2 ms")], y_share=True)
    (html,) = plotly_figure(panel)["layout"]["annotations"]
    assert (html["xanchor"], html["y"], html["yanchor"]) == (side, 0, "bottom")
    figure = Figure(figsize=PANEL_INCHES)
    axes = figure.add_axes((0, 0, 1, 1))
    label = next(one for one in draw_panel(figure, axes, panel) if one.text == "limit of the p99: 2 ms")
    assert (label.across, label.up) == (side, "bottom")


def test_a_level_line_has_its_name_in_the_legend() -> None:
    layout = plotly_figure(BARS)["layout"]
    (shape,) = layout["shapes"]
    assert (shape["name"], shape["showlegend"], layout["showlegend"]) == ("limit", True, True)
    assert [note["text"] for note in layout["annotations"]] == []


def test_a_picture_says_what_it_is_of() -> None:
    chart = Chart("c", "Title", [LINES], "", "")
    plain, stamped = (Image.open(io.BytesIO(Pictures([chart], stamp).draw(chart))) for stamp in ("", "run x: model y"))
    head, longer = round(0.4 * 120), round(0.54 * 120)
    width, height = plain.width, round(panel_inches(LINES) * 120)
    assert np.asarray(stamped.crop((0, head, width, longer))).min() < 100  # words
    panels = [picture.crop((0, top, width, top + height)) for picture, top in ((plain, head), (stamped, longer))]
    assert panels[0].tobytes() == panels[1].tobytes()


def test_scales_have_matplotlibs_own_places() -> None:
    ours, theirs = (Figure(figsize=(6, 4)).add_axes((0.1, 0.1, 0.8, 0.8)) for _ in range(2))
    for axes in (ours, theirs):
        axes.set_xlim(1, 400)
        axes.set_xscale("log")
        axes.set_ylim(0, 3.2e6)
    words = draw_scales(ours)
    level = [float(at) for at in theirs.xaxis.get_majorticklocs() if 1 <= at <= 400]
    upright = [float(at) for at in theirs.yaxis.get_majorticklocs() if 0 <= at <= 3.2e6]
    assert [one.x for one in words if one.up == "top"] == level
    assert [one.y for one in words if one.across == "right"] == upright
    assert [one.text for one in words] == ["1", "10", "100", "0", "0.5M", "1M", "1.5M", "2M", "2.5M", "3M"]
