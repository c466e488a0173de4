"""Pages of runs on many nodes: nothing on them grows with the nodes, and what stands apart has its name."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from tests.synthetic import Node, Plan, write_campaign, write_run
from tests.synthetic_queue import SECOND

from assay.analysis import summarise
from assay.analysis.campaign import analyse_campaign, run_line
from assay.analysis.compare import compare
from assay.analysis.hardware import Telemetry
from assay.analysis.listing import NAMED
from assay.analysis.run import RunAnalysis, analyse_run
from assay.report import CampaignPages
from assay.report.campaign_page import campaign_page
from assay.report.chart import Chart
from assay.report.compare_page import compare_page
from assay.report.hardware_charts import hardware_chart
from assay.report.many import ENDS, MOST_LINES, MOST_ROWS
from assay.report.page import Page, Quote, Table, Text
from assay.report.plausibility import audit_of, plausibility_blocks
from assay.report.run_page import run_page
from assay.report.run_sections import log_blocks
from assay.report.writer import page_html, page_markdown
from assay.runs import write_json
from assay.runs.telemetry import TelemetryJournal, write_telemetry

MANY = 60
SLOW, THROTTLED, FAST = "node-007", "node-031", "node-044"
PLAN = Plan(samples=60 * MANY, chunks=False, drift=0.01, noise=0.02)


def nodes(count: int) -> tuple[Node, ...]:
    special = {
        SLOW: Node(SLOW, slots=2, speed=0.5),
        THROTTLED: Node(THROTTLED, slots=2, throttle_from=0.3),
        FAST: Node(FAST, slots=2, speed=2.0),
    }
    return tuple(special.get(name) or Node(name, slots=2) for name in (f"node-{n:03d}" for n in range(count)))


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory) -> RunAnalysis:
    return analyse_run(write_run(tmp_path_factory.mktemp("many"), replace(PLAN, nodes=nodes(MANY), failed=3)))


@pytest.fixture(scope="module")
def page(analysis: RunAnalysis) -> Page:
    return run_page(analysis)


def chart(page: Page, name: str) -> Chart:
    return next(chart for chart in (*page.charts, *page.pictures) if chart.name == name)


def tables(page: Page) -> list[Table]:
    return [block for section in page.sections for block in section.blocks if isinstance(block, Table)]


def test_no_table_lists_all_nodes(page: Page) -> None:
    assert max(len(table.rows) for table in tables(page)) <= max(MOST_ROWS, 2 * ENDS + 1)
    ranked = {table.caption: table for table in tables(page) if "of 60" in table.caption}
    assert {caption.partition(":")[0] for caption in ranked} >= {"Attempts by endpoint", "Nodes"}
    rows = next(table for caption, table in ranked.items() if caption.startswith("Nodes")).rows
    assert len(rows) == 2 * ENDS
    assert (rows[0][0], rows[-1][0]) == (SLOW, FAST)


def test_all_nodes_are_in_the_data(analysis: RunAnalysis) -> None:
    assert analysis.nodes is not None
    assert len(analysis.nodes.nodes) == MANY


def test_what_stands_apart_is_named_in_strips_and_timelines(page: Page) -> None:
    strips = chart(page, "node_comparison").panels
    labels = [label for series in strips[0].series for label in series.labels or ()]
    assert any(SLOW in label for label in labels)
    assert FAST in labels
    for panel in chart(page, "throughput_timeline").panels[1::2]:
        band, *alone = panel.series
        assert band.low is not None
        assert SLOW in [series.name for series in alone]
        assert len(alone) <= 3 * NAMED
    clock = next(panel for panel in chart(page, "hardware_timeline").panels if panel.title == "SM clock")
    assert [series.name for series in clock.series][1:] == [f"{THROTTLED} gpu0"]
    medians = [value for value in clock.series[0].y if value is not None]
    assert min(medians) > 1900
    curves = chart(page, "latency_distribution").panels[1].series
    assert {series.name for series in curves} >= {"all", SLOW}


def test_no_picture_has_more_lines_than_can_be_told_apart(page: Page) -> None:
    for drawn in (*page.charts, *page.pictures):
        for panel in drawn.panels:
            assert len(panel.series) <= MOST_LINES + 1, (drawn.name, panel.title)
            bars = [series for series in panel.series if series.kind == "bars"]
            assert all(len(series.x) <= MOST_ROWS for series in bars), (drawn.name, panel.title)


def test_markdown_and_page_hardly_grow_with_the_nodes(page: Page, tmp_path: Path) -> None:
    twice = run_page(analyse_run(write_run(tmp_path, replace(PLAN, nodes=nodes(2 * MANY), samples=120 * MANY))))
    assert len(page_markdown(twice)) < 1.1 * len(page_markdown(page))
    assert len(page_html(twice)) - len(page_html(page)) < 60_000


def test_a_dozen_nodes_are_shown_one_by_one(tmp_path: Path) -> None:
    page = run_page(analyse_run(write_run(tmp_path, replace(PLAN, nodes=nodes(MOST_LINES), samples=400))))
    assert [len(panel.series) for panel in chart(page, "throughput_timeline").panels] == [MOST_LINES + 1] * 2
    assert [series.kind for series in chart(page, "node_comparison").panels[0].series] == ["bars"]
    assert len(next(table for table in tables(page) if table.caption == "Nodes").rows) == MOST_LINES


def test_hardware_that_nobody_named_is_drawn_all_the_same(tmp_path: Path) -> None:
    """Two accelerators a node make more lines than nodes: the last ones were left out without a word."""
    folder = write_run(tmp_path, replace(PLAN, nodes=nodes(MOST_LINES + 1), samples=400))
    clock = chart(run_page(analyse_run(folder)), "hardware_timeline").panels[1]
    assert clock.series[0].name == f"median, middle 90 % of {MOST_LINES + 1}"


def test_findings_of_many_nodes_are_one(tmp_path: Path) -> None:
    throttled = tuple(replace(node, throttle_from=0.2) for node in nodes(MANY))
    page = run_page(analyse_run(write_run(tmp_path, replace(PLAN, nodes=throttled))))
    assert len([problem for problem in page.problems if "throttled" in problem.title]) == 1
    (told,) = [
        row for table in tables(page) if table.caption == "Findings" for row in table.rows if "throttled" in row[1]
    ]
    assert "The same goes for 59 others: " in told[1]


def test_a_campaign_of_many_nodes_alone_and_together_is_short(tmp_path: Path) -> None:
    plan = Plan(samples=24, chunks=False, telemetry=False)
    every = nodes(MOST_ROWS + 2)
    plans = {f"alone-{node.name}-r0": replace(plan, nodes=(node,)) for node in every}
    plans |= {"together-r0": replace(plan, nodes=every, samples=24 * len(every))}
    folder = write_campaign(tmp_path, plans)
    state = orjson.loads(folder.state.read_bytes())
    for entry in state["runs"][: ENDS + 2]:
        entry["status"], entry["reason"] = "failed", "no route to host"
    state["left_out"] = {f"spare-{n}": "no answer" for n in range(ENDS + 1)}
    write_json(folder.state, state)
    report = CampaignPages(folder)
    lines = [run_line(entry, analyse_run(folder.run(str(entry.run)))) for entry in report.started]
    analysis = analyse_campaign(folder, lines)
    assert analysis is not None
    page = campaign_page(analysis)
    assert max(len(table.rows) for table in tables(page)) <= 2 * ENDS + 1
    for drawn in page.charts:
        for panel in drawn.panels:
            assert all(len(s.x) <= MOST_ROWS for s in panel.series if s.kind == "bars"), (drawn.name, panel.title)
    alone = chart(page, "scaling_analysis").panels[0]
    assert [label for series in alone.series for label in series.labels or ()] == [SLOW]
    markdown = page_markdown(page)
    assert "node-000 failed. The same goes for 11 others: " in markdown
    assert "Node spare-0 was left out. The same goes for 10 others: " in markdown
    assert "[together-r0](runs/together-r0/report.html)" in markdown
    assert "Nodes of " in markdown
    assert len(analysis.state.runs) == len(every) + 1


def test_what_differs_at_many_endpoints_is_told_once(tmp_path: Path) -> None:
    plan = replace(PLAN, samples=200, telemetry=False)
    base = analyse_run(write_run(tmp_path, replace(plan, nodes=nodes(MOST_ROWS + 2), run_id="base")))
    *changed, same = nodes(MOST_ROWS + 2)
    wide = (*(replace(node, slots=4) for node in changed), same)
    other = analyse_run(write_run(tmp_path, replace(plan, nodes=wide, run_id="other")))
    page = compare_page([base, other], compare([base, other]), tmp_path)
    told = next(table for table in tables(page) if table.caption == "What differs besides")
    assert [(row[1], row[2], row[3]) for row in told.rows] == [
        ("endpoint node-000-0.settings.max_num_seqs (and 24 others like it)", "2", "4"),
        ("endpoint node-000-0.window (and 24 others like it)", "2", "4"),
    ]


def test_of_many_logs_those_where_most_failed_are_quoted(tmp_path: Path) -> None:
    folder = write_run(tmp_path, replace(PLAN, samples=200, nodes=nodes(MOST_ROWS + 2), failed=5, telemetry=False))
    folder.endpoint_logs.mkdir()
    for number in range(MOST_ROWS + 2):
        (folder.endpoint_logs / f"node-{number:03d}-0.log").write_text("line\n")
    analysis = analyse_run(folder)
    assert analysis.ledger is not None
    failed = {entry.endpoint for entry in analysis.ledger.endpoints if entry.failed}
    quotes = [block for block in log_blocks(analysis) if isinstance(block, Quote)]
    assert len(quotes) == ENDS
    assert all(f"endpoints/{name}.log" in " ".join(quote.label for quote in quotes) for name in failed)
    (told,) = [block.text for block in log_blocks(analysis) if isinstance(block, Text)]
    assert told == "Shown are the logs of the 10 endpoints where most failed, of 26 in endpoints."


def test_an_audit_of_many_endpoints_is_short(tmp_path: Path) -> None:
    folder = write_run(tmp_path, replace(PLAN, samples=300, nodes=nodes(MOST_ROWS + 2)))
    write_json(folder.result, summarise(folder))
    audit = audit_of(folder)
    assert audit is not None
    alike = [finding for finding in audit.findings if finding.rule == "token-rate"]
    assert len(alike) > MOST_ROWS
    told = next(
        block
        for block in plausibility_blocks(audit)
        if isinstance(block, Table) and block.caption.startswith("Every rule")
    )
    (row,) = [row for row in told.rows if row[1] == "token-rate"]
    assert row[2] == f"{alike[0].statement} (and {len(alike) - 1} more such statements, in report.json)"
    assert {row[1] for row in told.rows} == {finding.rule for finding in audit.findings}
    (parts,) = [f.arithmetic for f in audit.findings if f.statement == "300 samples completed in 26 parts"]
    assert re.fullmatch(r"\d+ \+ \d+ \+ \d+ \+ … \(26 parts\) = 300", parts)


def test_lines_that_stand_apart_differ_within_their_panel_however_many_there_are_in_all(tmp_path: Path) -> None:
    """Each quantity of the telemetry has six nodes of its own that stand apart."""
    quantities = ("gpu0_power_w", "gpu0_temperature_c", "gpu0_sm_clock_mhz")
    journal, path = TelemetryJournal(tmp_path / "journal"), tmp_path / "telemetry.parquet"
    for place in range(MANY):
        for number, metric in enumerate(quantities):
            inside = place // 3 if place % 3 == number else MANY
            apart = 500.0 * (1 if inside % 2 else -1) + 20 * inside if inside < 6 else 0.0
            for time_ns in range(4):
                journal.add(f"node-{place:03d}", metric, time_ns, 1000.0 + place / MANY + apart)
    journal.close()
    write_telemetry(tmp_path / "journal", path)
    drawn = hardware_chart(Telemetry(path, 0, 8 * SECOND), [f"node-{place:03d}" for place in range(MANY)])
    assert drawn is not None
    assert len(drawn.panels) == len(quantities)
    for panel in drawn.panels:
        alone = panel.series[1:]
        assert len({series.name for series in alone}) == 6
        assert len({(series.color, series.dashed) for series in alone}) == 6
