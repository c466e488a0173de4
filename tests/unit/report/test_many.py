"""What a page shows of many: both ends, how all spread, and by name what stands apart."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import pytest

from assay.analysis.finding import Citation, Finding
from assay.analysis.hardware import MetricSummary
from assay.analysis.listing import names
from assay.report.bars import value_panel
from assay.report.chart import PALETTE, Chart
from assay.report.findings import shown_findings
from assay.report.interactive import plotly_figure
from assay.report.many import ENDS, MOST_ROWS, bands, ends, far_out, quantiles
from assay.report.page import Table
from assay.report.png import draw_png
from assay.report.telemetry_table import telemetry_tables


def alike(count: int) -> list[float | None]:
    """Values of 100 to 110 in an order that isn't theirs."""
    return [100.0 + (37 * place % 101) / 10 for place in range(count)]


def test_far_out_are_the_outermost_of_those_beyond_three_interquartile_ranges() -> None:
    values = alike(200)
    assert far_out(values) == []
    assert far_out([None, float("nan")]) == []
    for place, value in ((7, 50.0), (3, 40.0), (90, 130.0), (9, 60.0), (8, 61.0)):
        values[place] = value
    values[20] = None
    assert far_out(values) == [3, 7, 9, 90]


def test_a_short_table_stays_as_it_is() -> None:
    table = Table("Nodes", ("Node",), [(str(place),) for place in range(MOST_ROWS)])
    assert ends(table, {"speed": list(range(MOST_ROWS))}, "report.json") == [table]


def test_of_a_long_table_both_ends_stay_and_how_all_spread() -> None:
    speeds: list[float | None] = [37 * place % 1001 for place in range(1001)]
    speeds.append(None)
    rows = [("all", "0"), *((f"n{place}", str(speed)) for place, speed in enumerate(speeds))]
    table = Table("Nodes", ("Node", "Speed"), rows, frozenset({1}), "requests.parquet")
    spread, shown = ends(table, {"speed": speeds, "samples": [1] * 1002}, "report.json", first=1)
    order = sorted((speed, place) for place, speed in enumerate(speeds) if speed is not None)
    lowest, highest = [place for _, place in order[: ENDS - 1]], [place for _, place in order[-ENDS:]]
    assert [row[0] for row in shown.rows] == ["all", "n1001", *(f"n{place}" for place in (*lowest, *highest))]
    assert shown.caption == "Nodes: of 1,002, the 10 with the lowest and the 10 with the highest speed"
    assert shown.source == "requests.parquet; all are in report.json"
    assert spread.caption == "Nodes: how all 1,002 spread"
    assert [tuple(row) for row in spread.rows] == [
        ("speed", "0", "50", "500", "950", "1,000"),
        ("samples", "1", "1", "1", "1", "1"),
    ]


def test_what_isnt_known_has_no_spread() -> None:
    assert quantiles([None, None]) == [None] * 5
    assert quantiles([None, 3.0]) == [3.0] * 5


def test_names_are_few() -> None:
    assert names(["a", "b", "c", "d"]) == "a, b, c, d"
    assert names([*"abcde"]) == "a, b, c and 2 more"
    assert names([str(n) for n in range(1003)]) == "0, 1, 2 and 1,000 more"


def test_bands_have_gaps_where_nothing_is_known() -> None:
    values = np.array([[0.0, np.nan, np.nan], [10.0, np.nan, 4.0]])
    low, middle, high = bands(values)
    assert (low[0], middle[0], high[0]) == (0.5, 5.0, 9.5)
    assert (low[1], middle[1], high[1]) == (None, None, None)
    assert (low[2], middle[2], high[2]) == (4.0, 4.0, 4.0)


def test_many_values_are_a_strip_in_their_order_with_the_outermost_named() -> None:
    values = alike(1000)
    values[400], values[733], values[17] = 50.0, 50.5, 190.0
    named = [f"node-{place}" for place in range(1000)]
    low = [None if value is None else value - 1 for value in values]
    panel = value_panel("Rate", "tokens/s", named, values, [PALETTE[0]] * 1000, low, [None] * 1000)
    everyone, slow, fast = panel.series
    assert list(everyone.y) == sorted(v for v in values if v is not None)
    assert next(iter(everyone.low or ())) == 49.0
    assert (everyone.names or [])[-1] == "node-17"
    assert (slow.labels, slow.label_side) == (["node-400, node-733", ""], "right")  # they would overwrite each other
    assert (fast.labels, fast.label_side) == (["node-17"], "left")
    assert (list(slow.x), list(fast.x)) == ([1.0, 2.0], [1000.0])
    figure = plotly_figure(panel)
    go.Figure(figure)
    points = next(trace for trace in figure["data"] if trace.get("mode") == "markers+text")
    assert points["hovertext"] == ["node-400", "node-733"]
    assert points["hovertemplate"].startswith("%{hovertext}: ")
    assert points["textposition"] == "middle right"
    assert draw_png(Chart("c", "t", [panel], "", ""))


def test_few_values_stay_bars() -> None:
    panel = value_panel("Rate", "tokens/s", [str(n) for n in range(MOST_ROWS)], alike(MOST_ROWS), [])
    assert [series.kind for series in panel.series] == ["bars"]


def finding(rule: str, subject: str, run: str = "run") -> Finding:
    evidence = [Citation(run=run, file="requests.parquet", figure="x")]
    return Finding(rule=rule, severity="warning", title=f"{subject} is {rule}.", evidence=evidence, subject=subject)


def test_findings_that_are_alike_are_told_once() -> None:
    few = [finding("hot", name) for name in "abc"]
    whole = [finding("cold-start", "") for _ in range(5)]
    assert shown_findings([*few, *whole]) == [*few, *whole]
    many = [finding("slow", f"n{place}") for place in range(300)]
    first, *rest = shown_findings([*many, *few, finding("slow", "n1", "other run")])
    assert first.title == "n0 is slow. The same goes for 299 others: n1, n2, n3 and 296 more."
    assert first.evidence == many[0].evidence
    assert [one.subject for one in rest] == ["a", "b", "c", "n1"]


def summary(node: str, metric: str, mean: float, last: float = 0.0) -> MetricSummary:
    return MetricSummary(node=node, metric=metric, n=9, mean=mean, min=mean - 1, max=mean + 1, first=0.0, last=last)


def test_what_was_read_during_the_run_is_not_said_to_be_from_before_it() -> None:
    (table,) = telemetry_tables([summary("n0", "load_1m", 2.0)])
    assert table.rows[0][1] == "Load, mean of a minute"


@pytest.mark.parametrize("nodes", [MOST_ROWS, MOST_ROWS + 1])
def test_telemetry_of_many_nodes_has_a_row_a_quantity(nodes: int) -> None:
    found = []
    for place in range(nodes):
        node = f"n{place}"
        found += [
            summary(node, "gpu0_power_w", 500.0 + place), summary(node, "gpu1_power_w", 400.0),
            summary(node, f"e{place}/vllm:num_preemptions_total", 7.0, last=float(place)),
            summary(node, "gpu0_throttle_reasons", 63.0), summary(node, f"e{place}/http_requests_sum", 1.0),
        ]  # fmt: skip
    (table,) = telemetry_tables(found)
    if nodes == MOST_ROWS:
        assert len(table.rows) == 4 * nodes
        return
    assert [tuple(row) for row in table.rows] == [
        ("GPU power", "mean", "50", "400 W (n0 gpu1)", "450 W", "524 W (n24 gpu0)"),
        ("vllm:num_preemptions_total", "increase", "25", "0 (e0)", "12", "24 (e24)"),
        ("GPU throttle reasons", "highest", "25", "64 (n0 gpu0)", "64", "64 (n24 gpu0)"),
    ]
