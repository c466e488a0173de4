"""A user's limits of a good answer are what the pages hold the loads against."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.analysed import analysed
from tests.synthetic import Node, Plan, write_campaign

from assay.analysis.campaign import CampaignAnalysis
from assay.analysis.run import analyse_run
from assay.report import format as fmt
from assay.report.campaign_answer import campaign_answer
from assay.report.campaign_page import campaign_page
from assay.report.chart import Chart
from assay.report.page import Page, Table
from assay.report.run_answer import run_answer
from assay.report.run_page import run_page
from assay.report.what_next import campaign_next
from assay.runs import read_record, write_json
from assay.runs.slo import Slo
from assay.wrapping import first_clause

_LOADS = (2, 4, 16)
_MS = 1_000_000


def swept(parent: Path, slo: Slo | None, samples: int = 1000) -> CampaignAnalysis:
    """The third load is more than the node can do."""
    plans = {
        f"server{qps}-r0": Plan(
            samples=samples,
            nodes=(Node("node-a"),),
            chunks=False,
            telemetry=False,
            scenario="Server",
            qps=qps,
            seed=qps,
        )
        for qps in _LOADS
    }
    folder = write_campaign(parent, plans, kind="sweep")
    for name in plans:
        run = folder.run(name)
        write_json(run.record, read_record(run).model_copy(update={"slo": slo}))
    return analysed(folder)


@pytest.fixture(scope="module")
def ttft_ms(tmp_path_factory: pytest.TempPathFactory) -> list[float]:
    """The 99th percentile at each load."""
    analysis = swept(tmp_path_factory.mktemp("plain"), None)
    found = [group.first.result.latency["ttft_ns"].p99 / _MS for group in analysis.groups]
    assert found == sorted(set(found))
    return found


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory, ttft_ms: list[float]) -> CampaignAnalysis:
    """Limits that the lowest load keeps and no other."""
    return swept(tmp_path_factory.mktemp("limited"), Slo(ttft=round(ttft_ms[0] * _MS) + 1))


def test_the_highest_load_is_one_within_the_users_limits(limited: CampaignAnalysis, ttft_ms: list[float]) -> None:
    first = campaign_answer(limited)[0]
    assert first.startswith("2 samples/s asked for is the highest of 3 loads within the limits (TTFT p99 ")
    assert "TPOT p99" not in first.partition(")")[0]
    assert first.partition(")")[0].endswith(" ms; asked for by `slo`"), "Server has limits of its own"


def test_the_table_of_latencies_says_whose_each_limit_is(limited: CampaignAnalysis, ttft_ms: list[float]) -> None:
    table = next(table for table in tables(campaign_page(limited), "latency") if table.columns[0] == "Run")
    own, scenarios = [row for row in table.rows if str(row[0]).startswith("limit of ")]
    assert own[:2] == ("limit of the p99, asked for by `slo`", fmt.ms(round(ttft_ms[0] * _MS) + 1))
    assert str(scenarios[0]).startswith("limit of Server's p99 (")


def test_where_no_load_is_within_the_users_limits_the_answer_is_how_fast_and_that(tmp_path: Path) -> None:
    first, _, third, *_ = campaign_answer(swept(tmp_path, Slo(tpot=1)))
    assert first.startswith("At 4 samples/s asked for, the highest of 3 loads that is shown to be carried: ")
    assert first_clause(first).endswith(" samples/s, above the limits"), "the answer's last line says it too"
    assert third.startswith("None of the 3 loads is within the limits (TPOT p99 ")


def test_no_load_of_too_few_samples_is_said_to_be_within_the_limits(tmp_path: Path) -> None:
    analysis = swept(tmp_path, Slo(ttft=3600 * 1000 * _MS), samples=60)
    first, saturated, none, *_ = campaign_answer(analysis)
    carried = "At 4 samples/s asked for, the highest of 3 loads that is shown to be carried: "
    assert first.startswith(carried), "nor is the load that was too much taken for one that the server does"
    assert saturated.startswith("Whether 16 samples/s asked for saturates it isn't shown: ")
    assert none.startswith("None of the 3 loads is shown to be within the limits (TTFT p99 ")
    assert none.endswith(", for too few samples.")
    for line in analysis.lines:
        own, tails, *_ = run_answer(analyse_run(line.folder), refused=False)
        assert own.endswith("; too few samples to show whether it keeps its limit.")
        assert ", of 3,600,000 ms allowed" in tails


def test_above_what_is_shown_to_be_within_the_limits_more_samples_are_missing(tmp_path: Path) -> None:
    analysis = swept(tmp_path, Slo(ttft=3600 * 1000 * _MS))
    enough, few = (group.first.result.latency["ttft_ns"] for group in analysis.groups[1:])
    enough.intervals["p99"], few.intervals["p99"] = (enough.p95, enough.max), (few.p95, None)
    first, *_ = (words for words in campaign_answer(analysis) if "aturat" not in words)
    assert first.startswith("4 samples/s asked for is the highest of 3 loads shown to be within the limits (TTFT p99 ")
    assert first.endswith("; too few samples show it for 1 of the higher loads.")
    analysis.folder.config.write_text("")
    wants = "`assay run config.yaml --output .. --set queries.Server=2000`"
    assert wants in campaign_next(analysis), "as many as it had were too few"
    assert not any("`assay" in words for words in campaign_answer(analysis)), "one next step is enough"


def test_each_load_has_its_goodput_in_the_table_of_rates(limited: CampaignAnalysis) -> None:
    table = tables(campaign_page(limited), "throughput")[0]
    rate, share = table.columns[-2:]
    assert rate.startswith("Goodput (samples/s with TTFT \N{LESS-THAN OR EQUAL TO} ")
    assert share == "Good, of all issued"
    for row, group in zip(table.rows, limited.groups, strict=True):
        own = group.first.result.figures["good_share"]
        assert row[-1].startswith(f"{100 * own.value:.1f} % (")


def test_the_pictures_of_a_sweep_show_the_users_limits(limited: CampaignAnalysis) -> None:
    page = campaign_page(limited)
    assert isinstance(page.lead, Chart)
    marks = {panel.title: [mark.at for mark in panel.marks if mark.limit] for panel in page.lead.panels}
    limit_ns = limited.groups[0].first.record.slo.ttft_ns  # type: ignore[union-attr]
    assert limit_ns is not None
    assert marks["TTFT p99"] == [limit_ns / _MS]
    assert marks["TPOT p99"] == []


def test_a_runs_good_share_is_in_per_cent(limited: CampaignAnalysis) -> None:
    (figures, *_) = tables(run_page(analyse_run(limited.lines[0].folder)), "speed")
    (row,) = [row for row in figures.rows if row[0] == "Good share"]
    share = limited.lines[0].result.figures["good_share"]
    assert float(row[1]) == pytest.approx(100 * share.value, rel=1e-3)
    assert row[3] == "% of issued samples"


def tables(page: Page, section: str) -> list[Table]:
    (own,) = [one for one in page.sections if one.id == section]
    return [block for block in own.blocks if isinstance(block, Table)]
