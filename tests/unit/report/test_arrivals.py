"""Where another rate came out than was asked for, a page says why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.analysed import analysed
from tests.synthetic import Node, Plan, write_campaign, write_run

from assay.analysis.offered import Offered, outran
from assay.analysis.run import RunAnalysis, analyse_run
from assay.analysis.statistics import Estimate
from assay.analysis.summary import summarise
from assay.report.arrivals import TOO_MANY, arrivals
from assay.report.campaign_answer import campaign_answer
from assay.report.campaign_measures import throughput_blocks
from assay.report.colors import Colors
from assay.report.page import Table, Text
from assay.report.run_answer import run_answer
from assay.report.run_page import run_page
from assay.report.starts import start_words
from assay.runs import read_record, write_json
from assay.runs.shapes import RateShape

PLAN = Plan(samples=60, nodes=(Node("node-a"),), scenario="Server", qps=5.0, chunks=False, telemetry=False)


def paced(folder: Path, shape: RateShape) -> RunAnalysis:
    """The run as the pacer would have recorded it."""
    run = write_run(folder, replace(PLAN, qps=None, scenario="Rate"))
    record = read_record(run)
    write_json(run.record, record.model_copy(update={"shape": shape, "driver": "pacer"}))
    return analyse_run(run)


def test_the_seconds_beside_a_rate_are_those_that_it_is_over(tmp_path: Path) -> None:
    folder = write_campaign(tmp_path, {"load-r0": replace(PLAN, qps=None, scenario="Rate")}, kind="bench")
    run = folder.run("load-r0")
    shape = RateShape(rate=5.0, duration_s=30.0)
    write_json(run.record, read_record(run).model_copy(update={"shape": shape, "driver": "pacer"}))
    write_json(run.result, summarise(run))
    analysis = analysed(folder)
    figures = analysis.groups[0].first.result.figures
    assert figures["duration_s"].value != figures["window_s"].value
    table, words, *_ = throughput_blocks(analysis, Colors(analysis.nodes))
    assert isinstance(table, Table)
    row = dict(zip(table.columns, table.rows[0], strict=True))
    seconds, rate = float(row["Seconds a run"]), float(row["Samples/s"].split()[0])
    assert figures["window_samples"].value / seconds == pytest.approx(rate, rel=1e-3)
    assert isinstance(words, Text)
    assert words.text.startswith("Of loads that their time ended, ")


def test_the_end_of_a_run_is_in_its_rate(tmp_path: Path) -> None:
    (words,) = arrivals(analyse_run(write_run(tmp_path, PLAN)))
    assert words.startswith("5 arrivals a second were asked for, 60 came in ")
    assert "the rate counts until the last answer, " in words


def test_a_load_beyond_what_the_server_does_is_told_as_that_and_not_as_chance(tmp_path: Path) -> None:
    flood = replace(PLAN, samples=400, qps=20.0)
    first, *_ = campaign_answer(analysed(write_campaign(tmp_path / "all", {"load-r0": flood}, kind="single")))
    (own,) = arrivals(analyse_run(write_run(tmp_path, flood)))
    assert f" that arrived a second{TOO_MANY}; not within its limits" in first
    assert f" a second{TOO_MANY}; the rate counts until the last answer" in own
    assert "random" not in first + own


def test_a_load_that_is_carried_is_not_called_too_much(tmp_path: Path) -> None:
    calm = replace(PLAN, samples=400)
    first, *_ = campaign_answer(analysed(write_campaign(tmp_path / "all", {"load-r0": calm}, kind="single")))
    assert " that arrived a second" in first
    assert TOO_MANY not in "".join([first, *arrivals(analyse_run(write_run(tmp_path, calm)))])


@pytest.mark.parametrize(("unhindered_s", "se", "shown"), [(0.2, 0.5, True), (0.4, 0.5, False), (0.2, 9.0, False)])
def test_long_answers_and_noise_may_seem_to_be_a_queue(unhindered_s: float, se: float, shown: bool) -> None:
    """10 a second of 20 in a second: half is done; an answer of 0.4 s leaves a load of 1 s nearly as much undone."""
    load = Offered(20, 1.0, timed=False, unhindered_s=unhindered_s)
    assert outran(load, Estimate(10.0, se, 1e6)) is shown


def test_a_load_that_its_time_ended_counts_what_was_done_within_it(tmp_path: Path) -> None:
    analysis = paced(tmp_path, RateShape(rate=5.0, duration_s=30.0))
    (words,) = arrivals(analysis)
    assert words.startswith("5 arrivals a second were asked for, 60 came in 30 s, 2 a second (they come at random")
    done = analysis.result.figures["window_samples"].value
    assert f"the rate counts the {done:.4g} that were done within that time" in words
    assert words in run_answer(analysis, refused=False)


def test_evenly_spaced_arrivals_are_not_called_random(tmp_path: Path) -> None:
    (words,) = arrivals(paced(tmp_path, RateShape(rate=5.0, duration_s=30.0, arrivals="constant")))
    assert "random" not in words


def test_what_came_as_asked_needs_no_words(tmp_path: Path) -> None:
    analysis = paced(tmp_path, RateShape(rate=5.0, duration_s=30.0))
    rate = analysis.result.figures["samples_per_s"].value
    assert arrivals(replace_rate(analysis, 1.01 * rate)) == []
    assert arrivals(replace_rate(analysis, 1.03 * rate)) != []


def replace_rate(analysis: RunAnalysis, rate: float) -> RunAnalysis:
    record = analysis.record.model_copy(update={"shape": RateShape(rate=rate, duration_s=30.0)})
    return replace(analysis, record=record)


def test_the_first_screen_names_the_load(tmp_path: Path) -> None:
    page = run_page(paced(tmp_path, RateShape(rate=5.0, duration_s=30.0)))
    assert "load: 5 samples/s asked for (Poisson)" in page.what
    assert page.answer[0].startswith("1 node, 5 samples/s asked for (Poisson): ")


@pytest.mark.parametrize(
    ("scenarios", "start"),
    [
        (("Rate",), "count from the sample's scheduled arrival."),
        (("Concurrency",), "count from the sample's first sending;"),
        (("Server", "Interactive"), "count from the sample's scheduled arrival."),
        (
            ("Offline", "Server"),
            "issued all samples at once (Offline), or the sample's scheduled arrival (Server).",
        ),
    ],
)
def test_a_page_says_what_latency_counts_from(scenarios: tuple[str, ...], start: str) -> None:
    assert start in start_words(scenarios)  # type: ignore[arg-type]
