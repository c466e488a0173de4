"""What the first sentences say of loads in an order: how fast, what it must not be taken for, and who keeps limits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.analysed import analysed
from tests.curves import curve_campaign
from tests.synthetic import Node, Plan, write_campaign

from assay.analysis.campaign import CampaignAnalysis
from assay.analysis.statistics import samples_to_bound
from assay.report import format as fmt
from assay.report.campaign_answer import campaign_answer
from assay.report.enough_samples import enough_queries, enough_samples
from assay.runs import RunStatus, read_campaign, read_record, write_json
from assay.runs.shapes import ConcurrencyShape
from assay.runs.slo import Slo
from assay.wrapping import first_clause

_MS = 1_000_000
_HOUR_NS = 3600 * 1000 * _MS


def sweep(parent: Path, *, doubted: tuple[int, ...] = ()) -> CampaignAnalysis:
    """Of three loads the highest is more than the node can do; at those that are `doubted` the client was busy."""
    plan = Plan(samples=1000, nodes=(Node("node-a"),), chunks=False, telemetry=False, scenario="Server")
    folder = write_campaign(
        parent, {f"server{qps}-r0": replace(plan, qps=float(qps), seed=qps) for qps in (2, 4, 16)}, kind="sweep"
    )
    for qps in (2, 4, 16):
        run = folder.run(f"server{qps}-r0")
        record = read_record(run).model_copy(update={"slo": Slo(tpot=1)})
        record.client.client_bound = qps in doubted
        write_json(run.record, record)
    return analysed(folder)


def curve(parent: Path, slo: Slo) -> CampaignAnalysis:
    """Saturated from eight in flight on."""
    folder = curve_campaign(parent, offline=False)
    for entry in read_campaign(folder).runs:
        run = folder.run(str(entry.run))
        write_json(run.record, read_record(run).model_copy(update={"slo": slo}))
    return analysed(folder)


def test_a_load_that_the_client_did_not_shape_is_shown_to_be_too_much_whatever_the_others_are(tmp_path: Path) -> None:
    words = campaign_answer(sweep(tmp_path, doubted=(2, 4)))[1]
    assert words.startswith("Saturated at 16 samples/s asked for: ")


def test_a_load_that_the_client_could_have_shaped_shows_no_saturation(tmp_path: Path) -> None:
    words = campaign_answer(sweep(tmp_path, doubted=(16,)))[1]
    assert words.startswith("Whether the server is saturated isn't shown: the load generator could have shaped")


def test_a_load_that_the_client_could_have_shaped_is_not_shown_to_be_carried(tmp_path: Path) -> None:
    own = "At 2 samples/s asked for, the highest of 3 loads that is shown to be carried: "
    assert campaign_answer(sweep(tmp_path / "one", doubted=(4,)))[0].startswith(own)
    doubted = "4 samples/s asked for (client-bound), the highest of 3 loads that was carried"
    first, *more = campaign_answer(sweep(tmp_path / "all", doubted=(2, 4, 16)))
    assert first.startswith(f"At {doubted}: ")
    (projected,) = (words for words in more if "a projection" in words)
    assert projected.endswith(f"at {doubted}, if all are like the 1,000 measured."), "so says what rests on it"


def test_a_curve_says_first_how_fast_below_what_came_out_above_the_limits(tmp_path: Path) -> None:
    plain = curve(tmp_path / "plain", Slo(ttft=_HOUR_NS))
    p99_ns = [group.first.result.latency["ttft_ns"].p99 for group in plain.groups]
    below_ns = max(p99_ns[:4])
    assert below_ns < p99_ns[4], "sixteen in flight wait longest"
    first, *more = campaign_answer(curve(tmp_path / "limited", Slo(ttft=round(below_ns) + 1)))
    assert first.startswith("At 8 in flight, the fastest load that didn't come out above the limits: ")
    assert any(words.startswith("Peak: ") for words in more)


def test_too_few_samples_for_some_loads_and_others_above_are_told_apart(tmp_path: Path) -> None:
    analysis = curve(tmp_path, Slo(ttft=_HOUR_NS))
    for group in analysis.groups:
        own = group.first.result.latency["ttft_ns"]
        own.intervals["p99"] = (own.p95, None)
    analysis.groups[4].first.result.latency["ttft_ns"].p99 = _HOUR_NS + 1
    first, second, enough, *_ = campaign_answer(analysis)
    assert first.startswith("At 8 in flight, the fastest load that didn't come out above the limits: ")
    assert first_clause(first).endswith(" samples/s, not shown to keep the limits")
    assert second == (
        "None of the 5 loads is shown to be within the limits (TTFT p99 3,600,000 ms; asked for by `slo`): 16 in "
        "flight came out above, and there are too few samples for the other 4."
    )
    least = samples_to_bound(0.99)
    assert enough.startswith(f"An upper bound of a 99th percentile takes at least {least} samples a load, ")
    assert enough.endswith(f": `assay tune curve` takes `--requests {least}`.")


@pytest.mark.parametrize(
    ("kind", "asked"),
    [
        ("bench", "`assay bench` takes `--requests 368` without `--duration`."),
        ("tune-curve", "`assay tune curve` takes `--duration 123s`."),
        ("sweep", " a load, more where neighbours are alike."),
    ],
)
def test_who_had_too_few_samples_is_told_how_many_do_and_how_the_command_takes_them(
    tmp_path: Path, kind: str, asked: str
) -> None:
    group = next(
        one for one in curve(tmp_path, Slo(ttft=_HOUR_NS)).groups if one.first.result.latency["ttft_ns"].n == 60
    )
    group.first.record.shape = ConcurrencyShape(concurrency=2, duration_s=20.0)
    words = enough_samples(kind, [group], ["ttft_ns"])
    assert words.endswith(asked)
    group.first.result.latency["ttft_ns"].n = 500
    assert "1000" in enough_samples("bench", [group], ["ttft_ns"]), "as many as it had weren't enough"
    assert enough_queries([group], ["ttft_ns"]) == {"queries.Concurrency": 1000}


def test_a_load_that_came_out_above_by_chance_hides_no_higher_one(tmp_path: Path) -> None:
    analysis = curve(tmp_path, Slo(ttft=_HOUR_NS))
    for place, group in enumerate(analysis.groups):
        own = group.first.result.latency["ttft_ns"]
        own.intervals["p99"] = (own.p95, None)
        own.p99 = own.p99 if place == 2 else _HOUR_NS + 1
    first, second, *_ = campaign_answer(analysis)
    assert first.startswith("At 4 in flight, the fastest load that didn't come out above the limits: ")
    assert second.endswith("16 in flight came out above, and there are too few samples for the other one.")


def test_lower_loads_that_came_out_above_the_limits_are_told_beside_the_highest_within(tmp_path: Path) -> None:
    analysis = curve(tmp_path, Slo(ttft=_HOUR_NS))
    for place, group in enumerate(analysis.groups):
        own = group.first.result.latency["ttft_ns"]
        own.intervals["p99"] = (own.p95, own.p99 + 1)
        own.p99 = own.p99 if place in (0, 3) else _HOUR_NS + 1
    first = campaign_answer(analysis)[0]
    assert first.startswith("8 in flight is the highest of 5 loads within the limits ")
    assert first.endswith("; of the lower loads 2, 4 in flight came out above them.")
    for group in analysis.groups[1:3]:
        group.first.result.latency["ttft_ns"].p99 = 1
    assert campaign_answer(analysis)[0].endswith(" samples/s.")


def test_the_first_sentence_of_a_campaign_that_lacks_a_run_says_so_and_the_second_why(tmp_path: Path) -> None:
    plan = Plan(samples=200, nodes=(Node("node-a", slots=4),), chunks=False, telemetry=False)
    plans = {"offline-r0": plan, "server-r0": replace(plan, scenario="Server", qps=2.0, status=RunStatus.FAILED)}
    folder = write_campaign(tmp_path, plans, kind="single")
    state = read_campaign(folder)
    state.runs[1].reason = "every endpoint failed"
    write_json(folder.state, state)
    first, second, *_ = campaign_answer(analysed(folder))
    assert first.startswith("1 of 2 runs failed. 1 node: ")
    assert " output tokens/s (95 %: " in first_clause(first), "the last line of a terminal has both"
    assert second.endswith(" failed: every endpoint failed.")


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (90.0, 110.0, "100 samples/s (95 %: 90 to 110)"),
        (40.0, 250.0, "100 samples/s (95 %: 40 to 250, since too little was measured to say it closer)"),
        (None, None, "100 samples/s (no interval: too few samples)"),
    ],
)
def test_a_rate_that_is_hardly_known_says_so(low: float | None, high: float | None, words: str) -> None:
    assert fmt.rate(100.0, "samples/s", low, high) == words
    assert first_clause(f"{words}; more.") == words
