"""Comparing runs: planted changes are found, equal runs aren't called different, unlike ones are refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.analysing import Analyse
from tests.synthetic import Node, Plan

from assay.analysis.changes import Change, Direction
from assay.analysis.compare import Comparison, compare
from assay.analysis.rates import token_rate
from assay.analysis.result_changes import changes_of_results
from assay.analysis.samples import MISSING
from assay.analysis.statistics import ratio
from assay.errors import UserError
from assay.runs.scenarios import Scenario
from assay.runs.shapes import ConcurrencyShape

BASE = Plan(nodes=(Node("node-a"),), samples=2000, chunks=False, telemetry=False)
SERVER = replace(BASE, scenario="Server", qps=5.0)


def one(analyse: Analyse, base: Plan, other: Plan) -> tuple[Comparison, dict[str, Change]]:
    comparison = compare([analyse(base), analyse(other)])[0]
    return comparison, {change.quantity: change for change in comparison.changes}


def test_ten_per_cent_slower_is_found(analyse: Analyse) -> None:
    comparison, changes = one(analyse, BASE, replace(BASE, seed=2, nodes=(Node("node-a", speed=0.9),)))
    rate = changes["Output tokens/s"]
    assert rate.words == "worse"
    assert rate.ratio == pytest.approx(0.9, abs=0.03)
    assert [c.quantity for c in comparison.slower_by(0.02)]
    assert not comparison.slower_by(0.2)


def test_the_same_samples_are_compared_one_by_one(analyse: Analyse) -> None:
    """The same seed gives the same answers: 0.5 % is far below what the rates can show, and the pairs show it."""
    comparison, changes = one(analyse, BASE, replace(BASE, nodes=(Node("node-a", speed=0.995),)))
    assert changes["Output tokens/s"].words == "no difference shown"
    pace = changes["TPOT, by sample"]
    assert pace.paired > 1900
    assert pace.ratio == pytest.approx(1 / 0.995, rel=1e-4)
    assert pace.words == "worse"
    assert not comparison.slower_by(0.03)


def test_repeats_of_one_system_rarely_differ(analyse: Analyse) -> None:
    """At 95 % a few of these may; all of them may not."""
    runs = [analyse(replace(BASE, seed=seed)) for seed in range(8)]
    words = [
        change.words
        for comparison in compare(runs)
        for change in comparison.changes
        if change.quantity == "Output tokens/s"
    ]
    assert words.count("no difference shown") >= 5


def test_one_system_measured_again_is_rarely_shown_to_differ_in_any_quantity(analyse: Analyse) -> None:
    """Seven comparisons of eight quantities or so: at 95 % each, two or three quantities would be shown to differ."""
    found = compare([analyse(replace(BASE, seed=seed)) for seed in range(8)])
    shown = [change for comparison in found for change in comparison.changes if change.words in ("better", "worse")]
    assert sum(len(comparison.changes) for comparison in found) >= 40
    assert len(shown) <= 1


def test_the_confidence_is_shared_among_the_quantities(analyse: Analyse) -> None:
    comparison, changes = one(analyse, BASE, replace(BASE, seed=2))
    ours = changes["Output tokens/s"]
    base, other = (token_rate(run.samples) for run in map(analyse, (BASE, replace(BASE, seed=2))) if run.samples)
    alone = ratio(other, base).interval_at(1 - 0.05 / len(comparison.changes))
    assert (ours.low, ours.high) == pytest.approx(alone)


@pytest.mark.parametrize(
    ("better", "low", "high", "slower"),
    [
        ("higher", 0.90, 0.97, True),
        ("higher", 0.90, 0.99, False),
        ("lower", 1.03, 1.10, True),
        ("lower", 1.01, 1.10, False),
        ("lower", None, None, False),
    ],
)
def test_slower_is_what_the_whole_interval_says(
    better: Direction, low: float | None, high: float | None, slower: bool
) -> None:
    known = {"quantity": "Output tokens/s", "unit": "", "baseline": 1.0, "other": 1.0, "ratio": 1.0, "paired": 0}
    change = Change(better=better, low=low, high=high, decisive=True, **known)
    assert change.slower_by(0.02) is slower
    assert not change.model_copy(update={"decisive": False}).slower_by(0.02)


def test_faster_is_better_and_never_slower(analyse: Analyse) -> None:
    comparison, changes = one(analyse, SERVER, replace(SERVER, nodes=(Node("node-a", speed=1.5),)))
    assert changes["TPOT p99"].words == "better"
    assert not comparison.slower_by(0.0)


def test_server_is_judged_by_its_tails(analyse: Analyse) -> None:
    comparison, _ = one(analyse, SERVER, replace(SERVER, nodes=(Node("node-a", speed=0.8),)))
    assert "TPOT p99" in [change.quantity for change in comparison.slower_by(0.02)]


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (replace(BASE, scenario="SingleStream", samples=200), "scenario is Offline"),
        (replace(BASE, mode="accuracy"), "mode is performance"),
        (replace(BASE, benchmark="llama3.1-8b-edge"), "benchmark is llama3.1-8b"),
    ],
)
def test_unlike_runs_are_refused_with_the_reason(analyse: Analyse, other: Plan, reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        compare([analyse(BASE), analyse(other)])


def test_runs_without_a_result_are_refused(analyse: Analyse) -> None:
    from assay.runs import RunStatus

    with pytest.raises(UserError, match="no reportable result"):
        compare([analyse(BASE), analyse(replace(BASE, status=RunStatus.FAILED, samples=100, lost=1))])
    with pytest.raises(UserError, match="at least two"):
        compare([analyse(BASE)])


def test_differences_name_file_and_fact(analyse: Analyse) -> None:
    comparison, _ = one(analyse, BASE, replace(BASE, nodes=(Node("node-a", slots=8),)))
    facts = {d.fact: (d.baseline, d.other) for d in comparison.differences}
    assert facts["endpoint node-a-0.window"] == ("16", "8")
    assert facts["endpoint node-a-0.settings.max_num_seqs"] == ("16", "8")


def test_a_setting_that_every_endpoint_has_is_told_once(analyse: Analyse) -> None:
    """Also where the configuration says it too; what else was planned, and where its folders are, is no difference."""
    four = Plan(nodes=(Node("node-a"), Node("node-b")), chunks=False)
    runs = [analyse(four), analyse(replace(four, nodes=tuple(replace(node, slots=8) for node in four.nodes)))]
    for run, output, modes, places in zip(runs, ("a", "b"), ("[]", "[accuracy]"), (16, 8), strict=True):
        plan = f"output: /{output}\nmodes: {modes}\nname: n{places}\ncampaign: {{repeats: {places}}}\n"
        run.folder.config.write_text(f"{plan}engine: {{max_num_seqs: {places}}}\nload: {{x: {places}}}\n")
    (comparison,) = compare(runs)
    assert [(d.where, d.fact, d.baseline, d.other) for d in comparison.differences] == [
        ("run.json", "every endpoint.settings.max_num_seqs", "16", "8"),
        ("run.json", "every endpoint.window", "16", "8"),
        ("config.yaml", "load.x", "16", "8"),
    ]


def test_what_one_node_is_given_by_its_name_is_told_once_with_its_setting(analyse: Analyse) -> None:
    two = (Node("node-a"), Node("node-b"))
    runs = [analyse(replace(BASE, nodes=two)), analyse(replace(BASE, nodes=(two[0], replace(two[1], slots=8))))]
    for run, slots in zip(runs, (16, 8), strict=True):
        run.folder.config.write_text(f"engine: {{slots: {{node-a: 16, node-b: {slots}}}, x: {{node-c: {slots}}}}}\n")
    (comparison,) = compare(runs)
    assert [(d.fact, d.setting) for d in comparison.differences] == [
        ("endpoint node-b-0.settings.max_num_seqs", "engine.slots.node-b=8"),
        ("endpoint node-b-0.window", "engine.slots.node-b=8"),
        ("engine.x.node-c", "engine.x.node-c=8"),
    ]


def test_a_run_that_answers_less_does_not_pass(analyse: Analyse) -> None:
    base, other = analyse(Plan(samples=300, chunks=False)), analyse(Plan(samples=300, failed=200, chunks=False))
    (comparison,) = compare([base, other])
    assert comparison.fewer_answers
    assert any("200 of 300 samples unanswered (66.7 %)" in note for note in comparison.notes)
    (reverse,) = compare([other, base])
    assert not reverse.fewer_answers


def test_too_few_samples_decide_nothing(analyse: Analyse) -> None:
    few = [analyse(Plan(samples=4, seed=seed, chunks=False)) for seed in (1, 2)]
    assert not compare(few)[0].decided
    many = [analyse(Plan(samples=300, seed=seed, chunks=False)) for seed in (1, 2)]
    assert compare(many)[0].decided


def test_unlike_loads_are_named_in_words(analyse: Analyse) -> None:
    runs = [analyse(BASE) for _ in range(2)]
    runs[1].record.shape = ConcurrencyShape(concurrency=8)
    with pytest.raises(UserError, match=r"load is none \(LoadGen drove\) in .* and 8 in flight in"):
        compare(runs)


def test_what_is_of_the_moment_is_no_difference(analyse: Analyse) -> None:
    first, second = analyse(BASE), analyse(BASE)
    for run, free, governor in ((first, 10, "powersave"), (second, 20, "performance")):
        moment = {"memory_available_bytes": free, "load_1m": free, "boot_id": str(free)}
        node = {"name": "node-a", **moment, "cpu_governor": governor}
        card = {"name": "GPU", "temperature_c": free, "memory_used_bytes": free, "power_limit_w": 700}
        run.system = {"nodes": [{**node, "accelerators": [card]}], "client_calibration": {"ttft_error_p50_ns": free}}
    (comparison,) = compare([first, second])
    assert [(d.fact, d.baseline, d.other) for d in comparison.differences] == [
        ("nodes[0].cpu_governor", "powersave", "performance")
    ]


def test_many_comparisons_share_the_confidence(analyse: Analyse) -> None:
    base, other = analyse(BASE).result, analyse(replace(BASE, seed=2)).result
    (alone, *_), (among, *_) = (changes_of_results([base], [other], count) for count in (1, 12))
    assert (alone.quantity, alone.ratio) == (among.quantity, among.ratio) == ("Output tokens/s", alone.ratio)
    assert among.low is not None
    assert alone.low is not None
    assert among.low < alone.low


@pytest.mark.parametrize("scenario", ["Offline", "Server", "SingleStream"])
def test_runs_decide_by_what_campaigns_do(analyse: Analyse, scenario: Scenario) -> None:
    """But for what needs the samples themselves."""
    plan = replace(BASE, scenario=scenario, samples=60, qps=5.0 if scenario == "Server" else None)
    base, other = analyse(plan), analyse(replace(plan, seed=2))
    runs = {c.quantity for c in compare([base, other])[0].changes if c.decisive and not c.paired}
    campaigns = {c.quantity for c in changes_of_results([base.result], [other.result], tails=True) if c.decisive}
    assert runs == campaigns


def test_where_nobody_counted_tokens_the_rate_of_samples_decides(analyse: Analyse) -> None:
    """As between campaigns; else no such run could be judged, however slow."""
    plan = replace(BASE, scenario="Concurrency", samples=400)
    runs = [
        analyse(replace(plan, seed=seed, nodes=(Node("node-a", speed=speed),))) for seed, speed in ((1, 1), (2, 0.5))
    ]
    for run in runs:
        assert run.samples is not None
        run.samples = replace(run.samples, output_tokens=np.full(len(run.samples), MISSING))
        del run.result.figures["output_tokens_per_s"]
    comparison = compare(runs)[0]
    assert [change.quantity for change in comparison.slower_by(0.3)] == ["Samples/s"]
    of_results = changes_of_results([runs[0].result], [runs[1].result], tails=True)
    assert [change.quantity for change in of_results if change.decisive] == ["Samples/s"]
