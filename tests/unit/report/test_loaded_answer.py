"""Repeats of a given load: the answer is what was learnt, not the rate that was asked for."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from tests.analysed import analysed
from tests.synthetic import Node, Plan, write_campaign

from assay.report import format as fmt
from assay.report.campaign_answer import campaign_answer

SERVER = Plan(samples=1200, nodes=(Node("node-a"),), chunks=False, telemetry=False, scenario="Server", qps=3.0)
MS = r"[\d.,]+"
SPREAD = rf"\(95 %: {MS} to {MS}\), {MS} to {MS} ms between the runs"


def answer(folder: Path, plans: dict[str, Plan]) -> list[str]:
    return campaign_answer(analysed(write_campaign(folder, plans, kind="single")))


def repeats(plan: Plan, count: int) -> dict[str, Plan]:
    return {f"load-r{turn}": replace(plan, seed=turn) for turn in range(count)}


def test_latencies_against_their_limits_come_before_the_rate_that_was_asked_for(tmp_path: Path) -> None:
    first = answer(tmp_path, repeats(SERVER, 3))[0]
    assert re.fullmatch(
        rf"1 node, Server: TTFT p99 {MS} ms {SPREAD}, within the limit of 2,000 ms in 3 of 3 runs; "
        rf"TPOT p99 {MS} ms {SPREAD}, within the limit of 100 ms in 3 of 3 runs; {MS} output tokens/s "
        rf"\(95 %: {MS} to {MS}\), {MS} samples/s, of 3 asked for and {MS} that arrived a second"
        rf"( \(they come at random, so a short load has more or fewer than asked\))?, mean of 3 runs; "
        r"LoadGen says VALID in 3 of 3\.",
        first,
    )


def test_what_arrived_is_the_mean_of_the_repeats(tmp_path: Path) -> None:
    analysis = analysed(write_campaign(tmp_path, repeats(replace(SERVER, samples=60), 3), kind="single"))
    arrived = [line.offered.per_s for line in analysis.lines if line.offered is not None]
    assert fmt.number(sum(arrived) / 3) != fmt.number(arrived[0])
    first = campaign_answer(analysis)[0]
    assert f", of 3 asked for and {fmt.number(sum(arrived) / 3)} that arrived a second" in first
    assert abs(sum(arrived) / 9 - 1) > 0.02
    assert " that arrived a second (they come at random, so a short load has more or fewer than asked), mean" in first


def test_a_run_that_breaks_a_limit_and_one_that_is_invalid_are_counted(tmp_path: Path) -> None:
    plans = repeats(SERVER, 2)
    plans["load-r1"] = replace(plans["load-r1"], nodes=(Node("node-a", speed=0.3),), loadgen_result="INVALID")
    first = answer(tmp_path, plans)[0]
    assert "within the limit of 2,000 ms in 1 of 2 runs, above it in 1; " in first
    assert first.endswith("; LoadGen says VALID in 1 of 2.")


def test_too_few_samples_show_no_limit_kept(tmp_path: Path) -> None:
    first = answer(tmp_path, repeats(replace(SERVER, samples=60), 2))[0]
    assert ", of 2,000 ms allowed, with too few samples in all 2 runs to show that it is kept" in first


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
    assert re.match(rf"Server 3/s: TTFT p99 {MS} ms \(95 %: {MS} to {MS}\), within the limit of 2,000 ms; ", said[2])
