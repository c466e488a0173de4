"""What the charts of a run show: nodes apart, the servers' time and not the queue's, whole tokens, nothing twice."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.analysed import analysed
from tests.synthetic import Node, Plan, write_campaign, write_run

from assay.analysis.campaign import analyse_campaign, run_line
from assay.analysis.compare import compare
from assay.analysis.run import RunAnalysis, analyse_run
from assay.report import CampaignPages, render_campaign
from assay.report.campaign_page import campaign_page
from assay.report.chart import Chart
from assay.report.compare_page import compare_page
from assay.report.page import Page, Text
from assay.report.png import picture
from assay.report.run_page import run_page
from assay.report.writer import page_html, write_page
from assay.runs import read_record, write_json
from assay.runs.cost import CostFacts
from assay.runs.record import ClientAudit, RunStatus

PLAN = Plan(samples=900, nodes=(Node("node-a"), Node("node-b", speed=0.4)), chunks=False)


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory) -> RunAnalysis:
    return analyse_run(write_run(tmp_path_factory.mktemp("run"), PLAN))


@pytest.fixture(scope="module")
def page(analysis: RunAnalysis) -> Page:
    return run_page(analysis)


def chart(page: Page, name: str) -> Chart:
    return next(chart for chart in (*page.charts, *page.pictures) if chart.name == name)


def titles(chart: Chart) -> list[str]:
    return [panel.title for panel in chart.panels]


def test_medians_over_time_are_of_one_node_each(page: Page) -> None:
    for panel in chart(page, "latency_over_time").panels:
        assert [series.name for series in panel.series] == ["node-a, median", "node-b, median"]
        fast, slow = ([value for value in series.y if value is not None] for series in panel.series)
        assert len(fast) > 10
        assert len(slow) > 5
        assert max(fast) < min(slow)  # the median of both would be now here, now there


def test_offline_distributions_are_from_sending(page: Page, tmp_path: Path) -> None:
    offline = chart(page, "latency_distribution")
    assert titles(offline) == ["TTFT from sending", "TPOT", "Latency from sending"]
    assert max(float(x) for series in offline.panels[0].series for x in series.x) < 2000  # ms; the queue takes a minute
    server = write_run(tmp_path, replace(PLAN, scenario="Server", qps=8.0))
    shown = chart(run_page(analyse_run(server)), "latency_distribution")
    assert titles(shown) == ["TTFT", "TPOT", "Latency"]
    assert [mark.label for panel in shown.panels for mark in panel.marks] == [
        "p99 limit: 2,000 ms",
        "p99 limit: 100 ms",
    ]


def test_times_of_nothing_have_no_place_on_a_log_axis(analysis: RunAnalysis, tmp_path: Path) -> None:
    """A few answers whose tokens came all at once, among others that differ by two orders of magnitude."""
    samples = analysis.samples
    assert samples is not None
    tokens = samples.output_tokens - 1
    tpot_ns = np.where(np.arange(len(samples)) % 4, 1_000_000, 100_000_000)
    tpot_ns[:18] = 0  # of 900
    odd = replace(analysis, samples=replace(samples, last_ns=samples.first_ns + tokens * tpot_ns))
    page = run_page(odd)
    panel = next(panel for panel in chart(page, "latency_distribution").panels if panel.title == "TPOT")
    assert panel.x_log
    for series in panel.series:
        assert min(map(float, series.x)) > 0
        assert 0 < (series.y[0] or 0.0) < 0.05, "the line begins above the share of those that took nothing"
    write_page(page, tmp_path)


def test_rates_are_drawn_once_and_have_their_picture_all_the_same(page: Page) -> None:
    assert "throughput_comparison" not in [shown.name for shown in page.charts]
    assert "throughput_comparison" in [shown.name for shown in page.pictures]
    assert "node_comparison" in [shown.name for shown in page.charts]


def swept(tmp_path: Path, plans: dict[str, Plan], cost: CostFacts | None = None) -> Page:
    folder = write_campaign(tmp_path, plans, kind="sweep")
    for key in plans:
        record = read_record(folder.run(key))
        write_json(folder.run(key).record, record.model_copy(update={"cost": cost}))
    lines = [run_line(entry, analyse_run(folder.run(str(entry.run)))) for entry in CampaignPages(folder).started]
    analysis = analyse_campaign(folder, lines)
    assert analysis is not None
    return campaign_page(analysis)


def test_a_sweep_shows_its_rates_once_and_nodes_apart(tmp_path: Path) -> None:
    plan = Plan(scenario="Server", samples=60, chunks=False, telemetry=False)
    both = {
        f"{node.name}-{rate:g}-r0": replace(plan, nodes=(node,), qps=rate)
        for node in (Node("node-a"), Node("node-b", speed=0.3))
        for rate in (1.0, 2.0, 4.0)
    }
    page = swept(tmp_path, both)
    assert next(shown.name for shown in page.charts) == "load_sweep"
    assert "throughput_comparison" not in [shown.name for shown in page.charts]
    assert [shown.name for shown in page.pictures] == ["throughput_comparison"]
    sweep = chart(page, "load_sweep")
    assert titles(sweep) == ["Completed samples/s", "Output tokens/s", "TTFT p99", "TPOT p99"]
    for panel in sweep.panels:
        lines = [series for series in panel.series if series.kind == "line"]
        assert [(line.name, list(line.x)) for line in lines] == [
            ("Server, node-a", [1.0, 2.0, 4.0]),
            ("Server, node-b", [1.0, 2.0, 4.0]),
        ]


def test_a_sweep_shows_from_which_load_on_it_is_saturated(tmp_path: Path) -> None:
    """node-a carries 4 samples a second and not 16, node-b 1 and not 4."""
    plan = Plan(scenario="Server", samples=200, chunks=False, telemetry=False)
    plans = {f"{rate:g}-r0": replace(plan, nodes=(Node("node-a"),), qps=rate) for rate in (1.0, 4.0, 16.0)}
    sweep = chart(swept(tmp_path / "one", plans), "load_sweep")
    for panel in sweep.panels:
        (mark,) = [mark for mark in panel.marks if not mark.limit]
        assert (mark.label, mark.at, mark.until) == ("saturated", 16.0, math.inf)
        assert (panel.x_log, [at for at, _ in panel.ticks]) == (True, [1.0, 4.0, 16.0])
    assert "The shaded span is where it is saturated, from 16 samples/s asked for on." in sweep.text
    slow = {f"slow-{key}": replace(one, nodes=(Node("node-b", speed=0.3),)) for key, one in plans.items()}
    both = chart(swept(tmp_path / "two", plans | slow), "load_sweep")
    marks = [mark for mark in both.panels[0].marks if not mark.limit]
    assert [(mark.label, mark.at, mark.until) for mark in marks] == [
        ("saturated: Server, node-a", 16.0, None),
        ("saturated: Server, node-b", 4.0, None),
    ]
    assert len({mark.row for mark in marks}) == 2
    assert all(mark.limit for panel in both.panels[2:] for mark in panel.marks)  # latencies begin where names stand
    few = {key: one for key, one in plans.items() if key != "16-r0"}
    calm = chart(swept(tmp_path / "calm", few), "load_sweep")
    assert not any(mark.label.startswith("saturated") for panel in calm.panels for mark in panel.marks)
    assert not any(panel.x_log for panel in calm.panels)  # 4 is but four times 1


def test_a_sweep_shows_what_its_tokens_took(tmp_path: Path) -> None:
    """Energy where it was metered, and cost where there is a price."""
    plan = Plan(scenario="Server", samples=60, chunks=False, nodes=(Node("node-a"),))
    plans = {f"{rate:g}-r0": replace(plan, qps=rate) for rate in (1.0, 2.0, 4.0)}
    assert titles(chart(swept(tmp_path / "free", plans), "load_sweep"))[4:] == ["Energy an output token"]
    page = swept(tmp_path / "paid", plans, CostFacts(currency="EUR", per_hour={"node-a": 2.0}))
    *_, energy, cost = chart(page, "load_sweep").panels
    assert (energy.title, energy.y_label) == ("Energy an output token", "J/token")
    assert (cost.title, cost.y_label) == ("Cost of a million output tokens", "EUR/million output tokens")
    dear = [value for value in cost.series[0].y if value is not None]
    assert dear == sorted(dear, reverse=True)  # the node is paid for all the same, and answers more
    assert len(dear) == 3


def test_a_campaign_of_one_measured_run_begins_with_that_runs_picture(tmp_path: Path) -> None:
    """Also where an accuracy run is beside it; two runs are compared instead."""
    plan = Plan(scenario="Server", samples=120, qps=4.0, nodes=(Node("node-a"),), chunks=False, telemetry=False)
    plans = {"server-r0": plan, "server-accuracy-r0": replace(plan, mode="accuracy")}
    folder = write_campaign(tmp_path / "one", plans, kind="single")
    pages = CampaignPages(folder)
    for entry in pages.started:
        pages.render_run(entry)
    path = pages.render()
    assert path is not None
    shown = path.read_text()
    first = shown[: shown.index("What limits belief")]
    panels = ("Output tokens/s", "TTFT", "TPOT", "Samples in flight")
    assert [title for title in panels if f">{title}</" in first] == list(panels)
    assert (path.parent / "charts" / "performance_analysis.png").exists()
    assert 'id="scaling"' not in shown  # what holds nothing is no section
    several = write_campaign(tmp_path / "several", plans | {"server-r1": replace(plan, seed=2)}, kind="single")
    render_campaign(several)
    assert not (several.path / "charts" / "performance_analysis.png").exists()


def test_tokens_that_came_several_at_a_time_are_told_below_their_distribution(analysis: RunAnalysis) -> None:
    """Three of eight gaps of 100 us, the others of 8 ms."""
    itl = analysis.result.latency["tpot_ns"].model_copy(update={"n": 8, "mean": 5.05e6})

    def distribution(counts: np.ndarray, client: ClientAudit) -> Chart:
        latency = analysis.result.latency | {"itl_ns": itl}
        other = replace(
            analysis,
            record=analysis.record.model_copy(update={"client": client}),
            result=analysis.result.model_copy(update={"latency": latency}),
            itl_counts=counts,
        )
        return chart(run_page(other), "latency_distribution")

    counts = np.zeros(9000, dtype=np.int64)
    counts[[100, 7900, 8000, 8100]] = 3, 1, 3, 1
    shown = distribution(counts, ClientAudit())
    said = (
        "ITL: 37.5 % of gaps are under 0.5050 ms, where the axis begins; the mean is 5.050 ms. Their chunks came "
        "together, several tokens at a time"
    )
    assert f"{said}. " in f"{shown.text} "
    (line,) = shown.panels[-1].series
    assert (line.x[0], line.y[0]) == (0.505, 0.375)
    assert f"{said}, or were read late." in distribution(counts, ClientAudit(client_bound=True)).text
    counts[[100, 8000]] = 0, 6
    assert "together" not in distribution(counts, ClientAudit()).text


def test_what_the_load_generator_may_have_shaped_says_so_on_every_picture(tmp_path: Path) -> None:
    plan = replace(PLAN, samples=60, scenario="Server", qps=4.0, chunks=False, telemetry=False)
    folder = write_campaign(tmp_path, {"a-r0": plan, "b-r0": replace(plan, seed=3)}, kind="single")
    record = read_record(folder.run("a-r0"))
    bound = ClientAudit(client_bound=True, reasons=["busy"])
    write_json(folder.run("a-r0").record, record.model_copy(update={"client": bound}))
    runs = [analyse_run(folder.run(key)) for key in ("a-r0", "b-r0")]
    said = "short run: not valid for MLPerf; client-bound; simulated endpoints"
    assert run_page(runs[0]).banner == said
    assert "the load generator was so busy, or so late" in page_html(run_page(runs[0]))  # the word explains itself
    assert run_page(runs[1]).banner == said.replace("client-bound; ", "")
    compared = compare_page(runs, compare(runs), tmp_path)
    assert said in compared.banner
    assert campaign_page(analysed(folder)).banner == said.replace("client-bound", "client-bound in 1 of 2 runs")
    failed = write_run(tmp_path / "failed", replace(plan, status=RunStatus.FAILED))
    write_json(failed.record, read_record(failed).model_copy(update={"client": bound}))
    assert run_page(analyse_run(failed)).banner == "failed: no result; simulated endpoints"  # there is nothing to shape


def test_one_node_isnt_compared(tmp_path: Path) -> None:
    page = run_page(analyse_run(write_run(tmp_path, replace(PLAN, nodes=(Node("node-a"),), samples=200))))
    names = [shown.name for shown in (*page.charts, *page.pictures)]
    assert not {"throughput_comparison", "node_comparison"} & set(names)
    assert titles(chart(page, "performance_analysis"))[-1] == "Samples in flight"


def test_hardware_that_stays_at_zero_is_told_and_not_drawn(page: Page) -> None:
    hardware = chart(page, "hardware_timeline")
    assert "Requests waiting in the engine" not in titles(hardware)
    assert "Zero all the time: Requests waiting in the engine." in hardware.text


def test_bins_of_lengths_hold_as_many_whole_tokens_each(page: Page) -> None:
    for panel in chart(page, "token_lengths").panels:
        middles = np.array([float(x) for x in panel.series[0].x])
        widths = np.diff(middles)
        assert np.allclose(widths, round(widths[0]))
        assert len(middles) - 2 <= 31  # the root of 900 samples, and one; the outline has two more ends


def test_every_picture_names_run_model_system_and_what_limits_it(
    page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stamps: list[str] = []
    draw = picture.Sheet.draw_frame
    monkeypatch.setattr(
        picture.Sheet, "draw_frame", lambda sheet, drawn, stamp: stamps.append(stamp) or draw(sheet, drawn, stamp)
    )
    write_page(page, tmp_path)
    assert len(stamps) == len(list((tmp_path / "charts").glob("*.png")))
    (stamp,) = set(stamps)
    assert stamp.startswith(f"{PLAN.run_id}: synthetic-8b on node-a, node-b (2 x Synthetic GPU 80GB); ")
    assert "short run: not valid for MLPerf" in stamp
    assert stamp.endswith("simulated endpoints")


@pytest.mark.parametrize(("nodes", "lead"), [(PLAN.nodes, "node_comparison"), (PLAN.nodes[:1], "latency_distribution")])
def test_a_run_of_moments_begins_with_what_can_be_drawn(tmp_path: Path, nodes: tuple[Node, ...], lead: str) -> None:
    plan = replace(PLAN, nodes=nodes, samples=20, mean_output_tokens=8)
    page = run_page(analyse_run(write_run(tmp_path, plan)))
    assert page.lead is not None
    assert page.lead.name == lead
    assert not {"throughput_timeline", "hardware_timeline"} & {chart.name for chart in page.charts}
    sentence = "Less than 5 s are too short to be drawn over time: Output tokens/s, Samples in flight."
    assert sentence in [block.text for section in page.sections for block in section.blocks if isinstance(block, Text)]
    write_page(page, tmp_path / "page")
    assert {path.stem for path in (tmp_path / "page" / "charts").glob("*.png")} >= {lead, "performance_analysis"}


def test_a_median_alone_is_called_so(tmp_path: Path) -> None:
    plan = replace(PLAN, nodes=PLAN.nodes[:1], telemetry=False)
    many, few = (
        run_page(analyse_run(write_run(tmp_path, replace(plan, samples=count, run_id=str(count)))))
        for count in (6000, 250)
    )
    assert "99th percentile of all" in chart(many, "latency_over_time").text
    assert "99th percentile" not in chart(few, "latency_over_time").text
    for panel in chart(few, "latency_over_time").panels:
        assert [series.name for series in panel.series] == ["median"]  # too few samples for the tail
        assert panel.y_label.startswith("median, ")


def test_a_histogram_is_closed_at_both_ends(page: Page) -> None:
    for panel in chart(page, "token_lengths").panels:
        (outline,) = panel.series
        assert (outline.y[0], outline.y[-1]) == (0.0, 0.0)
        assert sum(float(share or 0.0) for share in outline.y) == pytest.approx(100)
