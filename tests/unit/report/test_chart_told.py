"""A picture that would show no more than a sentence gives way to that sentence."""

from __future__ import annotations

import math
from dataclasses import replace

from assay.report.chart import PALETTE, Chart, Mark, Panel, Series
from assay.report.page import Page, Section, Text
from assay.report.png import draw_png


def test_what_nothing_is_known_of_is_left_out() -> None:
    flat = Panel("Flat", "s", "n", [Series("", "line", [0.0, 1.0], [0.0, 0.0], PALETTE[0])])
    gaps = Panel("Gaps", "s", "n", [Series("", "line", [0.0, 1.0], [None, math.nan], PALETTE[0])])
    empty = Panel("Empty", "s", "n", [Series("", "bars", [], [], PALETTE[0])])
    half = Panel("Half", "s", "n", [*flat.series, *gaps.series])
    chart = Chart("c", "t", [flat, gaps, empty, half], "", "")
    assert [(panel.title, len(panel.series)) for panel in chart.panels] == [("Flat", 1), ("Half", 1)]
    assert chart.panels[0] is flat  # a panel that several charts show stays the same one
    assert draw_png(chart)
    nothing = Chart("n", "t", [gaps, empty], "", "")
    assert Section("s", "Section", [nothing, chart]).blocks == [chart]


def told(*panels: Panel, text: str = "Text.") -> Chart:
    return Chart("c", "t", panels, text, "", columns=2)


def test_a_bar_alone_is_told() -> None:
    one = Series("", "bars", ["both"], [99.5], PALETTE[0], [98.7], [100.3])
    alone = Panel("Efficiency", "", "% of the sum alone", [one])
    assert told(alone).panels == []
    assert told(alone).text == "Text. Efficiency, both: 99.50 % of the sum alone (95 %: 98.70 to 100.3)."
    (sentence,) = Section("s", "Section", [told(alone)]).blocks
    assert sentence == Text("Efficiency, both: 99.50 % of the sum alone (95 %: 98.70 to 100.3).")
    bare = replace(alone, series=[replace(one, low=[None], high=[None])])
    assert told(bare).said == ["Efficiency, both: 99.50 % of the sum alone."]
    pair = replace(alone, series=[replace(one, x=["both", "more"], y=[1.0, 2.0], low=[1, 1], high=[2, 2])])
    assert told(pair).panels == [pair]
    beside = told(alone, pair)
    assert (beside.panels, beside.columns) == ([pair], 1)
    assert beside.text.endswith("Error bars are 95 % intervals. " + sentence.text)


def test_values_that_are_all_the_same_are_told() -> None:
    lengths = Panel(
        "Output length", "tokens", "share of samples (%)", [Series("", "steps", [128.0], [100.0], "#0072B2")]
    )
    shares = [0.0, 0.5, 0.999]
    steady = Panel("TPOT", "TPOT (ms)", "share", [Series("all", "line", [12.5] * 3, shares, "#0072B2")], y_share=True)
    assert told(lengths, steady).said == [
        "Output length: 128 tokens, all the same.",
        "TPOT: 12.50 ms, all the same.",
    ]
    other = replace(steady, series=[*steady.series, Series("b", "line", [13.0] * 3, shares, "#D55E00")])
    assert told(other).panels == [other]


def test_a_line_of_one_point_is_told() -> None:
    lines = [Series(name, "line", [3.0, 9.0], [value, None], "#0072B2") for name, value in (("a", 40.0), ("b", 41.0))]
    assert told(Panel("GPU power", "s", "W", lines)).said == ["GPU power: a 40 W, b 41 W."]
    assert told(Panel("Few", "s", "ms", [replace(line, kind="points") for line in lines])).panels == []


def test_what_stays_the_same_all_the_time_is_told() -> None:
    flat = Series("", "line", [0.0, 10.0, 20.0], [70.0, None, 70.0], "#0072B2")
    memory = Panel("GPU memory used", "s", "GiB", [flat, flat], over_time=True)
    assert told(memory).said == ["GPU memory used: 70 GiB all the time."]
    assert told(replace(memory, over_time=False)).said == []
    grows = replace(memory, series=[flat, replace(flat, y=[70.0, 70.0, 71.0])])
    assert told(grows).panels == [grows]


def test_one_place_is_told_of_and_several_values_of_it_are_compared() -> None:
    rates = [Series(name, "bars", ["39 to 114"], [y], "#0072B2") for name, y in (("median", 90.0), ("p99", 137.0))]
    panel = Panel("Latency by length", "output tokens", "latency (ms)", rates)
    assert told(panel).said == ["Latency by length, 39 to 114 output tokens: median 90 ms, p99 137 ms."]
    runs = replace(panel, series=[*rates, Series("reference", "bars", ["39 to 114"], [100.0], "#0072B2")])
    assert told(runs).panels == [runs]


def test_a_moment_is_not_drawn_over_time() -> None:
    def over(seconds: float, title: str) -> Panel:
        return Panel(title, "s", "n", [Series("", "line", [1.0, 1.0 + seconds], [1.0, 2.0], "#0072B2")], over_time=True)

    moment = told(over(1.9, "Rate"), over(0.0, "In flight"))
    assert moment.panels == []
    assert moment.said == ["Less than 5 s are too short to be drawn over time: Rate, In flight."]
    assert len(told(over(5.0, "Rate")).panels) == 1
    assert len(told(replace(over(1.9, "Load"), over_time=False)).panels) == 1
    rate = over(1.9, "Samples")
    assert len(told(replace(rate, series=[replace(rate.series[0], kind="points")])).panels) == 1


def test_lines_and_spans_are_spoken_of_where_they_are_drawn() -> None:
    line = Panel("Line", "s", "n", [Series("", "line", [0.0, 9.0], [1.0, 2.0], "#0072B2")])
    assert told(line).text == "Text."
    marks = [
        Mark("x", 1.0, "steady", 8.0, "the steady window"),
        Mark("y", 1.5, "", meaning="no change"),
        Mark("x", 1, ""),
    ]
    marked = replace(line, marks=marks)
    assert told(marked, marked).text == "Text. The shaded span is the steady window. The dotted line is no change."
    assert told(replace(marked, series=[])).text == "Text."


def test_pictures_of_nothing_are_not_made() -> None:
    empty = told(Panel("Efficiency", "", "%", [Series("", "bars", ["one"], [1.0], "#0072B2")]))
    page = Page("t", "w", [], "", "none", [], [], [], [], pictures=[empty])
    assert list(page.pictures) == []


def test_a_point_that_a_line_joins_to_nothing_is_told_once() -> None:
    line = Series("", "line", [25.7], [0.0], PALETTE[0])
    points = Series("", "points", [25.7], [0.0], PALETTE[0], [0.0], [3.3])
    alone = told(Panel("Over the limit", "requests/s", "% of the requests", [line, points]))
    assert alone.said == ["Over the limit: 0 % of the requests (95 %: 0 to 3.300)."]
