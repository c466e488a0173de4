"""Repeats of a given load: the answer is what was learnt, not the rate that was asked for."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from tests.analysed import analysed
from tests.synthetic import Node, Plan, write_campaign

from assay.report import format as fmt
from assay.report.campaign_answer import campaign_answer
from assay.report.campaign_page import campaign_page
from assay.report.enough_samples import samples_it_takes
from assay.report.limits import never_shown
from assay.report.loaded_answer import tail_words

SERVER = Plan(samples=1200, nodes=(Node("node-a"),), chunks=False, telemetry=False, scenario="Server", qps=3.0)
MS = r"[\d.,]+"
SPREAD = rf"\(95 %: {MS} to {MS}\), {MS} to {MS} ms between the runs"


def answer(folder: Path, plans: dict[str, Plan]) -> list[str]:
    return campaign_answer(analysed(write_campaign(folder, plans, kind="single")))


def repeats(plan: Plan, count: int) -> dict[str, Plan]:
    return {f"load-r{turn}": replace(plan, seed=turn) for turn in range(count)}


def test_latencies_against_their_limits_come_before_the_rate_that_was_asked_for(tmp_path: Path) -> None:
    first, second, *_ = answer(tmp_path, repeats(SERVER, 3))
    assert re.fullmatch(
        rf"1 node, Server: TTFT p99 {MS} ms {SPREAD}, within the limit of 2,000 ms in 3 of 3 runs; "
        rf"TPOT p99 {MS} ms {SPREAD}, within the limit of 100 ms in 3 of 3 runs\.",
        first,
    )
    assert re.fullmatch(
        rf"1 node, Server: {MS} output tokens/s "
        rf"\(95 %: {MS} to {MS}\), {MS} samples/s, of 3 asked for and {MS} that arrived a second"
        rf"( \(they come at random, so a short load has more or fewer than asked\))?, mean of 3 runs; "
        r"LoadGen says VALID in 3 of 3\.",
        second,
    )


def test_what_arrived_is_the_mean_of_the_repeats(tmp_path: Path) -> None:
    analysis = analysed(write_campaign(tmp_path, repeats(replace(SERVER, samples=60), 3), kind="single"))
    arrived = [line.offered.per_s for line in analysis.lines if line.offered is not None]
    assert fmt.number(sum(arrived) / 3) != fmt.number(arrived[0])
    rate = campaign_answer(analysis)[1]
    assert f", of 3 asked for and {fmt.number(sum(arrived) / 3)} that arrived a second" in rate
    assert abs(sum(arrived) / 9 - 1) > 0.02
    assert " that arrived a second (they come at random, so a short load has more or fewer than asked), mean" in rate


def test_a_run_that_breaks_a_limit_and_one_that_is_invalid_are_counted(tmp_path: Path) -> None:
    plans = repeats(SERVER, 2)
    plans["load-r1"] = replace(plans["load-r1"], nodes=(Node("node-a", speed=0.3),), loadgen_result="INVALID")
    first, second, *_ = answer(tmp_path, plans)
    assert "within the limit of 2,000 ms in 1 of 2 runs, above it in 1; " in first
    assert second.endswith("; LoadGen says VALID in 1 of 2.")


def test_too_few_samples_show_no_limit_kept(tmp_path: Path) -> None:
    first, _, takes, *_ = answer(tmp_path, repeats(replace(SERVER, samples=60), 2))
    assert ", of 2,000 ms allowed; TPOT " in first
    assert first.endswith("; too few samples in all 2 runs to show whether it keeps its limits.")
    assert takes == (
        "An upper bound of a 99th percentile takes at least 368 samples a run, more where neighbours are alike; each "
        "of these 2 runs had 60."
    )


def test_one_limit_that_no_run_shows_to_be_kept_is_named(tmp_path: Path) -> None:
    analysis = analysed(write_campaign(tmp_path, repeats(replace(SERVER, samples=60), 2), kind="single"))
    results = [line.result for line in analysis.lines]
    limits = {"ttft_ns": 2_000_000_000, "tpot_ns": 1}
    assert never_shown(results, limits) == "too few samples in all 2 runs to show whether it keeps its limit of TTFT"
    assert never_shown(results, {"tpot_ns": 1}) == ""


def test_as_many_samples_as_did_not_do_are_asked_for_twice(tmp_path: Path) -> None:
    result = analysed(write_campaign(tmp_path, repeats(replace(SERVER, samples=400), 1), kind="single")).lines[0].result
    said = samples_it_takes([result], ["ttft_ns"])
    assert said.endswith("; this run had 400, too alike: 800 may do")
    assert samples_it_takes([result], ["ttft_ns"], "Server 3 samples/s asked for").endswith(
        "; Server 3 samples/s asked for had 400, too alike: 800 may do"
    )
    assert "; each of the 2 runs of Server 3 samples/s asked for had 400" in samples_it_takes(
        [result] * 2, ["ttft_ns"], "Server 3 samples/s asked for"
    )


def test_one_after_another_the_latency_is_what_was_asked_for(tmp_path: Path) -> None:
    single = replace(SERVER, scenario="SingleStream", qps=None, samples=200)
    first = answer(tmp_path, repeats(single, 3))[0]
    assert re.match(rf"1 node, SingleStream: latency p90 {MS} ms {SPREAD}; ", first)


def test_a_given_load_beside_another_scenario_says_its_latencies_too(tmp_path: Path) -> None:
    plans = {"offline-r0": replace(SERVER, scenario="Offline", qps=None), "server-r0": SERVER}
    said = answer(tmp_path, plans)
    assert said[0].startswith("Offline: ")
    assert said[0].partition(": ")[2].split()[1:3] == ["output", "tokens/s"]
    assert said[1].endswith("; within its limits.")
    assert re.match(
        rf"Server 3 samples/s asked for: TTFT p99 {MS} ms \(95 %: {MS} to {MS}\), within the limit of 2,000 ms; ",
        said[2],
    )


def test_a_time_of_all_samples_names_the_load_whose_rate_it_is(tmp_path: Path) -> None:
    """Offline's run is too short for one: without a name SingleStream's would pass for it."""
    short = replace(SERVER, scenario="Offline", qps=None, samples=40)
    single = replace(SERVER, scenario="SingleStream", qps=None, samples=400)
    said = answer(tmp_path, {"offline-r0": short, "single-r0": single})
    (whole,) = (words for words in said if words.startswith("All 13,368 samples"))
    assert re.search(r" would take .+\) with SingleStream: a projection, not a measurement, ", whole)
    unknown = "How long they take with Offline isn't known: the runs are too short for it."
    assert said[said.index(whole) + 1] == unknown
    assert unknown not in answer(tmp_path / "alone", {"single-r0": single})
    long = replace(short, samples=1200)
    assert unknown not in answer(tmp_path / "long", {"offline-r0": long, "single-r0": single})


def test_repeats_of_one_load_stand_side_by_side_below_what_all_of_them_show(tmp_path: Path) -> None:
    analysis = analysed(write_campaign(tmp_path, repeats(SERVER, 3), kind="single"))
    page = campaign_page(analysis)
    assert [(card.name, card.unit) for card in page.headlines] == [
        ("Throughput, mean of 3 runs", "output tokens/s"),
        ("TTFT, 99th percentile, mean of 3 runs", "ms"),
        ("TPOT, 99th percentile, mean of 3 runs", "ms"),
    ]
    assert page.headlines[1].value in page.answer[0]
    lead = page.lead
    assert lead is not None
    assert lead.name == "throughput_comparison"
    drawn = {panel.title: panel.series[0] for panel in lead.panels}
    assert list(drawn["Samples/s"].x) == ["run 1 of 3", "run 2 of 3", "run 3 of 3"]
    own = [line.result.figures["samples_per_s"].value for line in analysis.lines]
    assert list(drawn["Samples/s"].y) == own
    (latency,) = (shown for shown in page.charts if shown.name == "latency_distribution")
    tails = latency.panels[1].series[1]
    assert list(tails.y) == [line.result.latency["tpot_ns"].p99 / 1e6 for line in analysis.lines]


def test_the_tail_of_repeats_beside_their_mean_rate_is_called_the_highest(tmp_path: Path) -> None:
    def tail(count: int) -> tuple[str, list[float]]:
        folder = write_campaign(tmp_path / str(count), repeats(replace(SERVER, samples=60), count), kind="single")
        (group,) = analysed(folder).groups
        return tail_words(group), [line.result.latency["ttft_ns"].p99 for line in group.lines]

    words, p99_ns = tail(3)
    assert words.startswith(f"TTFT {fmt.ms(max(p99_ns))} ms and TPOT ")
    assert words.endswith(" there at the 99th percentile, the highest of 3 runs")
    assert tail(1)[0].endswith(" there at the 99th percentile")
