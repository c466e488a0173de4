"""A campaign of one measured run says what that run's page says, and what its samples can't show."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.analysed import analysed
from tests.synthetic import Node, Plan, write_campaign

from assay.analysis.campaign import CampaignAnalysis
from assay.analysis.run import analyse_run
from assay.report import format as fmt
from assay.report.accuracy import percentages
from assay.report.campaign_answer import campaign_answer
from assay.report.campaign_page import campaign_page
from assay.report.page import Page, Table
from assay.report.run_answer import run_answer
from assay.report.run_page import run_page
from assay.runs import RunStatus, read_campaign, read_record, write_json
from assay.runs.client_bound import client_times
from assay.runs.record import ClientAudit
from assay.runs.result import Distribution

SERVER = Plan(samples=60, nodes=(Node("node-a"),), chunks=False, telemetry=False, scenario="Server", qps=2.0)


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> CampaignAnalysis:
    folder = write_campaign(tmp_path_factory.mktemp("single"), {"server-r0": SERVER}, kind="single")
    run = folder.run("server-r0")
    busy = ClientAudit(cpu_share={"worker-0": 0.1}, schedule_lateness_p99_ns=3_000_000)
    write_json(run.record, read_record(run).model_copy(update={"client": busy}))
    return analysed(folder)


def test_it_says_first_what_the_runs_page_says(single: CampaignAnalysis) -> None:
    run = analyse_run(single.lines[0].folder)
    first, tails, takes, *_ = run_answer(run, refused=False)
    rate, kept = first.split("; ")
    assert kept == "too few samples to show whether it keeps its limits."
    assert campaign_answer(single)[0].startswith(f"{rate}, of 2 asked for and ")
    assert campaign_answer(single)[0].endswith(f"; {kept}")
    assert campaign_answer(single)[1:3] == [tails, takes]
    assert takes == (
        "An upper bound of a 99th percentile takes at least 368 samples a run, more where neighbours are alike; this "
        "run had 60."
    )
    assert campaign_page(single).headlines == run_page(run).headlines


def test_a_tail_that_the_samples_do_not_bound_is_marked(single: CampaignAnalysis) -> None:
    value = single.lines[0].result.latency["ttft_ns"]
    low, high = value.intervals["p99"]
    assert high is None
    mark = "too few samples" if low is None else f"{fmt.ms(low)} or more"
    assert cell(campaign_page(single), "latency", "TTFT p50 / p99 (ms)").endswith(f"{fmt.ms(value.p99)} ({mark})")
    bounded = value.model_copy(update={"intervals": {"p99": (value.p50, value.max)}})
    other = with_ttft(single, bounded)
    assert cell(campaign_page(other), "latency", "TTFT p50 / p99 (ms)").endswith(fmt.ms(value.p99))


def test_the_limit_of_a_lateness_stands_beside_it(single: CampaignAnalysis) -> None:
    """5 % of the median TTFT from sending, and 2 ms at least: the rule of the load generator's own audit."""
    ttft_ns = single.lines[0].result.latency["service_ttft_ns"].p50
    assert cell(campaign_page(single), "driver", "Limit of either (ms)") == fmt.ms(max(2e6, 0.05 * ttft_ns))


def test_it_stands_there_too_where_the_run_has_no_result(tmp_path: Path) -> None:
    """A finding on the load generator names it all the same."""
    for status in (RunStatus.COMPLETED, RunStatus.TIMEOUT):
        folder = write_campaign(tmp_path / status, {"server-r0": replace(SERVER, status=status)}, kind="single")
        run = folder.run("server-r0")
        write_json(run.record, read_record(run).model_copy(update={"client": ClientAudit(cpu_share={"main": 0.1})}))
        median_ns = client_times(run).ttft_p50_ns
        assert median_ns is not None
        shown = float(cell(campaign_page(analysed(folder)), "driver", "Limit of either (ms)"))
        assert shown == pytest.approx(max(2.0, 0.05 * median_ns / 1e6), rel=0.01)
    run.requests.unlink()
    assert cell(campaign_page(analysed(folder)), "driver", "Limit of either (ms)") == "not recorded"


@pytest.mark.parametrize(("simulated", "gate", "shown"), [
    (False, "pass", True), (True, "pass", False), (False, "not comparable: 60 samples of 13368", False),
])  # fmt: skip
def test_scores_that_say_nothing_of_the_reference_have_no_picture(
    tmp_path: Path, simulated: bool, gate: str, shown: bool
) -> None:
    folder = write_campaign(tmp_path, {"accuracy-r0": replace(SERVER, mode="accuracy")}, kind="single")
    write_json(folder.state, read_campaign(folder).model_copy(update={"simulated": simulated}))
    analysis = analysed(folder)
    accuracy = analysis.lines[0].result.accuracy
    assert accuracy is not None
    result = analysis.lines[0].result.model_copy(update={"accuracy": accuracy.model_copy(update={"gate": gate})})
    page = campaign_page(replace(analysis, lines=[replace(analysis.lines[0], result=result)]))
    assert ("accuracy_comparison" in [chart.name for chart in page.charts]) == shown


def with_ttft(analysis: CampaignAnalysis, value: Distribution) -> CampaignAnalysis:
    line = analysis.lines[0]
    result = line.result.model_copy(update={"latency": line.result.latency | {"ttft_ns": value}})
    return replace(analysis, lines=[replace(line, result=result)])


def cell(page: Page, section: str, column: str) -> str:
    (own,) = [one for one in page.sections if one.id == section]
    table = next(block for block in own.blocks if isinstance(block, Table))
    return table.rows[0][table.columns.index(column)]


def test_an_accuracy_runs_cards_are_its_scores(tmp_path: Path) -> None:
    run = write_campaign(tmp_path, {"accuracy-r0": replace(SERVER, mode="accuracy")}, kind="single").run("accuracy-r0")
    analysis = analyse_run(run)
    accuracy = analysis.result.accuracy
    assert accuracy is not None
    cards = run_page(analysis).headlines
    assert [(card.name, card.unit) for card in cards] == [(m, "of 100 points") for m in list(percentages(accuracy))[:3]]
    first = accuracy.scores[cards[0].name]
    assert cards[0].interval == fmt.interval(first.low, first.high)
    unscored = replace(analysis, result=analysis.result.model_copy(update={"accuracy": None}))
    assert run_page(unscored).headlines == []
