"""From which load on a sweep is saturated, and what waits: on given rates, and on a queue of known capacity."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.results import bench_result, distribution
from tests.synthetic import Node, Plan, write_campaign

from assay.analysis.campaign import CampaignAnalysis, Group, Load, analyse_campaign, run_line
from assay.analysis.offered import Offered
from assay.analysis.run import analyse_run
from assay.analysis.saturation import saturation, sweeps
from assay.analysis.statistics import Estimate
from assay.report.campaign_answer import campaign_answer
from assay.report.sweeps import saturation_words, server_saturation
from assay.runs import read_campaign


def points(
    axis: Any,
    loads: list[float],
    rates: list[float],
    ttft_ms: list[float],
    se: float = 0.01,
    seconds: float = 60.0,
    doubted: Collection[float] = (),
) -> list[tuple[Load, Group]]:
    """Loads with their rates, each with the standard error `se` of itself, and their median TTFT."""
    found = []
    for load, rate, ttft in zip(loads, rates, ttft_ms, strict=True):
        latency = distribution(ttft)
        latency = latency.model_copy(update={"intervals": {"p50": (int(latency.p50 * 0.98), int(latency.p50 * 1.02))}})
        result = bench_result("run", {}, latency)
        line: Any = SimpleNamespace(
            samples_per_s=Estimate(rate, se * rate),
            result=result.model_copy(update={"latency": {"ttft_ns": latency, "latency_ns": latency}}),
            record=SimpleNamespace(client=SimpleNamespace(client_bound=load in doubted)),
            offered=Offered(round(load * seconds), seconds, timed=True) if axis == "rate" else None,
        )
        found.append((Load(axis, load), Group(str(load), (line,))))
    return found


def test_a_rate_that_stays_where_the_load_grows_fourfold_is_saturated() -> None:
    found = saturation(points("concurrency", [1, 4, 16, 64], [10, 39, 80, 84], [50, 50, 60, 2000]))
    assert (found.state, found.at.value, found.top.value) == ("saturated", 16, 64)
    assert found.change.value == pytest.approx(84 / 80)
    assert found.waits is not None
    assert (found.waits.name, found.waits.since.value) == ("TTFT", 16)
    assert found.waits.ratio.value == pytest.approx(2000 / 60)


def test_what_isnt_shown_to_grow_isnt_said_to() -> None:
    swept = points("concurrency", [1, 4, 16, 64], [10, 39, 80, 84], [50, 50, 60, 61])
    assert saturation(swept).state == "saturated"
    assert saturation(swept).waits is None
    assert saturation_words(swept).endswith(" its rate.")


def test_a_rate_that_falls_is_saturated_at_its_height() -> None:
    found = saturation(points("concurrency", [1, 4, 16], [10, 40, 30], [50, 60, 900]))
    assert (found.state, found.at.value) == ("saturated", 4)


def test_a_rate_that_grows_as_the_load_is_not_saturated() -> None:
    swept = points("concurrency", [1, 4, 16], [10, 39, 120], [50, 50, 60])
    found = saturation(swept)
    assert (found.state, found.at.value, found.waits) == ("not saturated", 16, None)
    assert saturation_words(swept).startswith(
        "Not saturated up to 16 in flight: 4 \N{MULTIPLICATION SIGN} the load of 4"
    )


def test_a_highest_load_that_waits_for_most_of_what_it_gained_is_saturated() -> None:
    """Of 16 places: 32 in flight give half as much again as 8, and half of them wait."""
    swept = points("concurrency", [1, 8, 32], [4, 24, 37.7], [50, 53, 486])
    found = saturation(swept)
    assert (found.state, found.at.value, found.beside.value) == ("saturated", 32, 8)
    assert found.waits is not None
    assert found.waits.since.value == 8
    words = saturation_words(swept)
    assert words.startswith("Saturated at 32 in flight, from somewhere above 8 in flight on: 4 \N{MULTIPLICATION SIGN}")
    assert "carried" not in words


def test_a_rate_that_grows_by_less_than_half_while_little_waits_is_undecided() -> None:
    swept = points("concurrency", [1, 8, 32], [4, 24, 37.7], [50, 53, 70])
    assert saturation(swept).state == "not shown"
    words = saturation_words(swept)
    assert words.startswith("Whether 32 in flight saturates it isn't shown: 4 \N{MULTIPLICATION SIGN} the load of 8")


def test_what_noise_can_hide_is_not_shown() -> None:
    swept = points("concurrency", [1, 4], [10, 10.5], [50, 60], se=0.5)
    assert saturation(swept).state == "not shown"
    assert saturation_words(swept).startswith("Whether 4 in flight saturates it isn't shown")


def test_a_little_more_load_doesnt_show_saturation() -> None:
    assert saturation(points("concurrency", [10, 12], [40, 41], [50, 60])).state == "not shown"


def test_arrivals_that_are_not_done_in_time_saturate() -> None:
    swept = points("rate", [2, 4, 8], [2, 4, 5], [50, 50, 3000])
    found = saturation(swept)
    assert (found.state, found.at.value) == ("saturated", 8)
    assert found.waits is not None
    assert found.waits.since.value == 4
    words = saturation_words(swept)
    assert words.startswith("Saturated at 8 samples/s asked for: 8 arrived a second, and 5 a second (95 %: 4.903")
    assert "what grows instead is TTFT, its median 60 \N{MULTIPLICATION SIGN} " in words


def test_arrivals_that_are_done_were_carried() -> None:
    swept = points("rate", [2, 4], [2, 3.95], [50, 50])
    assert saturation(swept).state == "not saturated"
    assert saturation_words(swept).startswith("Not saturated: the highest load, 4 samples/s asked for, was carried: ")


def test_what_is_in_flight_at_the_end_of_a_short_load_is_not_missing() -> None:
    late = points("rate", [2, 4], [1.6, 3.2], [2000, 2000], seconds=10.0)
    assert saturation(late).state == "not saturated"
    assert saturation(points("rate", [2, 4], [1.6, 3.2], [2000, 2000], seconds=60.0)).state == "saturated"
    assert saturation(points("rate", [2, 4], [0.8, 1.6], [6000, 6000], seconds=10.0)).state == "not shown"


def test_loads_that_the_client_could_have_shaped_say_nothing_of_the_server() -> None:
    flat = points("concurrency", [1, 4, 16, 64], [10, 39, 80, 84], [50, 50, 60, 2000], doubted=[16, 64])
    assert saturation(flat).state == "saturated"
    assert server_saturation(flat) is None
    assert saturation_words(flat).endswith("whether the server is saturated isn't shown.")
    half_as_much_again = points("concurrency", [1, 8, 32], [4, 24, 37.7], [50, 53, 486], doubted=[8, 32])
    assert saturation_words(half_as_much_again).startswith("Whether the server is saturated isn't shown: ")
    late = points("rate", [2, 4, 8], [2, 4, 5], [50, 50, 3000], doubted=[8])
    assert server_saturation(late) is None
    assert saturation_words(late).startswith("Whether the server is saturated isn't shown: ")
    lowest = points("concurrency", [1, 4, 16, 64], [10, 39, 80, 84], [50, 50, 60, 2000], doubted=[1])
    assert saturation_words(lowest).startswith("Saturated from 16 in flight on: ")


def analysed(folder: Path, rates: list[float]) -> CampaignAnalysis:
    """A sweep over a node that does 6.9 samples/s: 16 places, 72 tokens of 1/32 s each and 0.07 s of prefill."""
    plan = Plan(samples=250, nodes=(Node("node-a"),), scenario="Server", chunks=False, telemetry=False)
    campaign = write_campaign(folder, {f"server-{rate:g}-r0": replace(plan, qps=rate) for rate in rates}, "sweep")
    runs = read_campaign(campaign).runs
    analysis = analyse_campaign(campaign, [run_line(run, analyse_run(campaign.run(run.run or ""))) for run in runs])
    assert analysis is not None
    return analysis


@pytest.mark.parametrize(
    ("rates", "state", "at"), [([1.0, 2.0, 4.0], "not saturated", 4.0), ([1.0, 4.0, 16.0, 32.0], "saturated", 16.0)]
)
def test_a_queue_of_known_capacity(tmp_path: Path, rates: list[float], state: str, at: float) -> None:
    analysis = analysed(tmp_path, rates)
    (swept,) = sweeps(analysis.groups)
    found = saturation(swept)
    assert (found.state, found.at.value) == (state, at)
    words = campaign_answer(analysis)[1]
    assert "were done, with the time after the last arrival" in words
    assert words.startswith("Saturated at 16 samples/s asked for" if state == "saturated" else "Not saturated: ")
