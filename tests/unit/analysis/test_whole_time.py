"""How long the whole data set takes: at full speed, at a rate that was carried, or why nothing says it."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.analysed import analysed
from tests.synthetic import Node, Plan, write_campaign, write_run

from assay.analysis.run import analyse_run
from assay.analysis.whole_set import CONFIGURED, WholeSet, arrival, whole_set
from assay.analysis.whole_time import (
    ACCURACY,
    FEWER,
    MADE_UP,
    NOT_CARRIED,
    TOO_SHORT,
    WholeTime,
    whole_time_of_campaign,
    whole_time_of_run,
)
from assay.benchmarks import get_benchmark
from assay.report.whole_time import whole_time_blocks, whole_time_words
from assay.runs import CampaignFolder, RunFolder, read_campaign, read_record, write_json
from assay.runs.shapes import RateShape

PLAN = Plan(samples=200, chunks=False, telemetry=False, nodes=(Node("node-a", slots=64),))
SERVER = replace(PLAN, scenario="Server", qps=5.0)
CNN = "CNN/DailyMail v3.0.0, validation"


def of_run(folder: Path, plan: Plan, **changes: Any) -> WholeTime:
    run = write_run(folder, plan)
    write_json(run.record, read_record(run).model_copy(update=changes))
    return whole_time_of_run(analyse_run(run))


def test_arrivals_at_random_take_a_gamma_distributed_time() -> None:
    one = arrival("", WholeSet(1, ""), 2.0, 1)  # one gap alone is exponential
    assert one.seconds == 0.5
    assert one.seconds_low == pytest.approx(-math.log(0.975) / 2)
    assert one.seconds_high == pytest.approx(-math.log(0.025) / 2)
    many, steady = (arrival("", WholeSet(10_000, ""), 10.0, 10_000, evenness) for evenness in (1.0, 4.0))
    assert many.seconds == steady.seconds == 1000
    assert many.seconds_high == pytest.approx(1000 * (1 + 1.96 / 100), rel=1e-3)
    assert steady.seconds_high == pytest.approx(1000 * (1 + 1.96 / 200), rel=1e-3), "half the spread of its gaps"


def test_arrivals_evenly_spaced_have_no_chance() -> None:
    even = arrival("", WholeSet(100, ""), 10.0, 100, math.inf)
    assert (even.seconds, even.seconds_low, even.seconds_high) == (10, None, None)


def test_the_whole_is_what_the_user_asks_for_else_the_benchmarks_else_the_files(tmp_path: Path) -> None:
    record = read_record(write_run(tmp_path, PLAN))
    benchmark = get_benchmark("llama3.1-8b")
    assert whole_set(record, benchmark, 50) == WholeSet(50, CONFIGURED)
    assert whole_set(record, benchmark) == WholeSet(13_368, CNN)
    own = benchmark.model_copy(update={"dataset": benchmark.dataset.model_copy(update={"total_sample_count": None})})
    assert whole_set(record, own) == WholeSet(record.dataset_samples, record.dataset_name)
    made_up = record.model_copy(update={"dataset_generated": True})
    assert whole_set(made_up, own) is None
    assert whole_set(made_up, own, 50) == WholeSet(50, CONFIGURED)
    assert whole_set(made_up, get_benchmark("smollm2-135m")) is not None, "its own data set, though it was made"


def test_a_rate_that_was_carried_says_how_long_all_samples_take_to_arrive(tmp_path: Path) -> None:
    found = of_run(tmp_path, SERVER)
    assert found.arrival is not None
    assert (found.arrival.seconds, found.arrival.samples) == (pytest.approx(13_368 / 5), 13_368)
    (words,) = whole_time_words(found)
    assert words.startswith(f"All 13,368 samples ({CNN}) would take 44.6 min (95 %: 43.8 min to 45.3 min) to arrive")
    assert words.endswith(
        ": a projection, not a measurement, at 5 samples/s asked for, if all are like the 200 measured."
    )


def test_a_rate_that_was_not_carried_says_nothing_of_all_samples(tmp_path: Path) -> None:
    slow = of_run(tmp_path, replace(SERVER, qps=200.0, nodes=(Node("node-a", slots=2),)))
    assert slow == WholeTime(why=NOT_CARRIED)
    assert whole_time_words(slow) == [f"How long a whole data set takes isn't known: {NOT_CARRIED}."]
    assert len(list(whole_time_blocks([], slow, "requests.parquet"))) == 1


def test_what_was_asked_evenly_spaced_has_no_interval(tmp_path: Path) -> None:
    shape = RateShape(rate=5.0, arrivals="constant")
    found = of_run(tmp_path, SERVER, scenario="Rate", shape=shape, target_qps=None, driver="pacer")
    assert found.arrival is not None
    assert (found.arrival.seconds_low, found.arrival.load) == (None, "5 samples/s asked for (evenly spaced)")


@pytest.mark.parametrize(
    ("plan", "changes", "why"),
    [
        (replace(PLAN, mode="accuracy"), {}, ACCURACY),
        (SERVER, {"dataset_generated": True}, MADE_UP),
        (replace(PLAN, samples=40), {}, TOO_SHORT),
        (SERVER, {"scenario": "Trace"}, "a trace has times of its own"),
    ],
)
def test_a_run_that_cant_say_it_says_why(tmp_path: Path, plan: Plan, changes: dict[str, Any], why: str) -> None:
    assert of_run(tmp_path, plan, **changes) == WholeTime(why=why)


def server_sweep(folder: Path, *rates: float, slots: int = 64) -> CampaignFolder:
    node = (Node("node-a", slots=slots),)
    plans = {f"server{qps:g}-r0": replace(SERVER, qps=qps, nodes=node, seed=int(qps)) for qps in rates}
    return write_campaign(folder, plans, kind="sweep")


def test_a_sweep_says_it_at_the_highest_load_that_is_shown_to_be_carried(tmp_path: Path) -> None:
    found = whole_time_of_campaign(analysed(server_sweep(tmp_path, 1.0, 2.0, 400.0)))
    assert found.arrival is not None
    assert found.arrival.rate == 2
    assert found.arrival.load == "2 samples/s asked for, the highest of 3 loads that is shown to be carried"


def test_a_campaign_of_made_up_prompts_says_that_they_stand_for_none(tmp_path: Path) -> None:
    folder = server_sweep(tmp_path, 1.0, 2.0)
    for entry in read_campaign(folder).runs:
        run = RunFolder(folder.runs / str(entry.run))
        write_json(run.record, read_record(run).model_copy(update={"dataset_generated": True}))
    assert whole_time_of_campaign(analysed(folder)) == WholeTime(why=MADE_UP)


def test_a_campaign_whose_fastest_load_is_long_enough_projects_it(tmp_path: Path) -> None:
    plans = {"server5-r0": SERVER, "offline-r0": replace(PLAN, samples=400)}
    found = whole_time_of_campaign(analysed(write_campaign(tmp_path, plans)))
    assert found.projection is not None
    assert found.projection.of == CNN


def test_beside_a_loads_own_pace_a_campaign_says_why_full_speed_says_nothing(tmp_path: Path) -> None:
    plans = {"server5-r0": SERVER, "offline-r0": replace(PLAN, samples=40)}
    found = whole_time_of_campaign(analysed(write_campaign(tmp_path, plans)))
    assert found.arrival is not None
    arrives, full = whole_time_words(found)
    assert " to arrive, " in arrives
    assert full == f"How long they take at full speed isn't known: {TOO_SHORT}."


def of_few(run: RunFolder, samples: int) -> None:
    """The run's data set, as if it had so many samples."""
    own = get_benchmark("llama3.1-8b")
    whole = own.dataset.model_copy(update={"total_sample_count": samples})
    write_json(run.benchmark, own.model_copy(update={"dataset": whole}))


@pytest.mark.parametrize("measured", [200, 400], ids=["a run of few waves", "a run long enough"])
def test_a_data_set_of_fewer_samples_than_were_measured_has_no_time(tmp_path: Path, measured: int) -> None:
    """68 samples can't be 64 in flight for long, whatever the rate of those that were."""
    folder = write_campaign(tmp_path, {"offline-r0": replace(PLAN, samples=measured)})
    run = folder.run("offline-r0")
    of_few(run, 68)
    assert whole_time_of_run(analyse_run(run)) == WholeTime(why=FEWER)
    assert whole_time_of_campaign(analysed(folder)) == WholeTime(why=FEWER)
    assert whole_time_words(WholeTime(why=FEWER)) == [
        "How long a whole data set takes isn't known: it has fewer samples than the run measured."
    ]


def test_the_time_of_one_endpoint_is_not_told_as_the_runs(tmp_path: Path) -> None:
    """Each measured fewer samples than there are, both together more."""
    run = write_run(tmp_path, replace(PLAN, samples=400, nodes=(Node("node-a", slots=8), Node("node-b", slots=8))))
    of_few(run, 390)
    analysis = analyse_run(run)
    assert len(analysis.projections) == 2
    assert whole_time_of_run(analysis) == WholeTime(why=FEWER)


def test_an_accuracy_campaign_says_that_its_time_is_no_speed(tmp_path: Path) -> None:
    folder = write_campaign(tmp_path, {"offline-accuracy-r0": replace(PLAN, mode="accuracy")})
    assert whole_time_of_campaign(analysed(folder)) == WholeTime(why=ACCURACY)


def test_a_rate_that_was_carried_with_few_samples_says_how_many_of_the_whole_set_were_measured(tmp_path: Path) -> None:
    (words,) = whole_time_words(of_run(tmp_path, SERVER, samples=30))
    assert words.endswith(" at 5 samples/s asked for, if all are like the 30 measured.")
    whole = replace(SERVER, run_id="whole")
    (words,) = whole_time_words(of_run(tmp_path, whole, samples=13_368, issued=13_368))
    assert words.endswith(" at 5 samples/s asked for.")
