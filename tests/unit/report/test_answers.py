"""The first sentences of a page answer what the run or the campaign was made for, with the interval."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.analysed import analysed
from tests.synthetic import Node, Plan, write_campaign, write_run

from assay.analysis.campaign import CampaignAnalysis
from assay.analysis.nodes import Comparison
from assay.analysis.run import analyse_run
from assay.benchmarks import Benchmark, run_benchmark
from assay.report import format as fmt
from assay.report import render_run
from assay.report.campaign_answer import campaign_answer
from assay.report.campaign_page import campaign_page
from assay.report.page import Table, Text
from assay.report.run_answer import run_answer, slow_nodes
from assay.report.run_page import run_page
from assay.report.run_sections import driver_blocks
from assay.runs import read_campaign, read_ledger, read_record, write_json
from assay.runs.record import ClientAudit
from assay.runs.shapes import RateShape

SLOW, FAST = Node("node-a", slots=4), Node("node-b", slots=4, speed=2.1)
PLAN = Plan(samples=200, nodes=(SLOW,), chunks=False, telemetry=False)


@pytest.fixture(scope="module")
def scaling(tmp_path_factory: pytest.TempPathFactory) -> CampaignAnalysis:
    plans = {
        "alone-a-r0": PLAN,
        "alone-b-r0": replace(PLAN, nodes=(FAST,)),
        "together-2-r0": replace(PLAN, nodes=(SLOW, FAST), samples=400),
    }
    return analysed(write_campaign(tmp_path_factory.mktemp("scaling"), plans))


def test_scaling_says_together_against_alone_and_which_node_is_slow(scaling: CampaignAnalysis) -> None:
    first, *more = campaign_answer(scaling)
    assert scaling.scaling is not None
    (group,) = scaling.scaling.groups
    assert group.efficiency is not None
    assert first.startswith(f"2 nodes together: {group.rate:,.1f} output tokens/s (95 %: ")
    assert f"{100 * group.efficiency:.1f} % (" in first
    assert "what node-b does alone" in first
    assert more[0].startswith("In the run together, node-a is 0.4")
    assert "as fast as node-b; why is unknown" in more[0]
    assert any(words.startswith("All 13,368 samples (CNN") and "node-a + node-b" in words for words in more)


def test_of_several_runs_together_it_says_in_how_many_a_node_is_slower_and_of_which_the_ratio_is(
    tmp_path: Path,
) -> None:
    both = replace(PLAN, nodes=(SLOW, FAST), samples=400)
    plans = {f"together-2-r{turn}": replace(both, seed=1 + turn) for turn in range(2)}
    analysis = analysed(write_campaign(tmp_path, plans, kind="single"))
    (told,) = [words for words in campaign_answer(analysis) if "as fast as" in words]
    first = analysis.lines[0].nodes
    assert first is not None
    (slow,) = [fact for fact in first.nodes if fact.slower]
    ratio = fmt.times(slow.speed_ratio, slow.speed_low, slow.speed_high)
    assert told.startswith(f"In 2 of 2 runs together a node is slower; in the first of these node-a is {ratio} as fast")
    assert slow.first_token is not None
    assert slow.pace is not None
    for part in (slow.first_token, slow.pace):
        assert part.low is not None
        assert 1 < part.low < part.ratio == pytest.approx(FAST.speed / SLOW.speed, rel=0.15)
    where = f"its mean TPOT {fmt.times(slow.pace.ratio, slow.pace.low, slow.pace.high)}"
    assert told.endswith(f"{where}.")
    slow.pace = Comparison(ratio=1.0, low=0.99, high=1.01)
    (told,) = slow_nodes(first)
    assert told.endswith(f"its mean TPOT {fmt.times(1.0, 0.99, 1.01)}: it loses its time before the first token.")
    slow.differences = ["max_num_seqs is 4 at node-a, 8 at node-b"]
    assert "TPOT" not in slow_nodes(first)[0]


def test_together_of_which_too_little_was_measured_says_so(scaling: CampaignAnalysis) -> None:
    assert scaling.scaling is not None
    (group,) = scaling.scaling.groups
    for low, high, wide in ((0.9, 1.1, False), (0.5, 1.5, True)):
        bounds = {"rate_low": low * group.rate, "rate_high": high * group.rate}
        one = scaling.scaling.model_copy(update={"groups": [group.model_copy(update=bounds)]})
        first, *_ = campaign_answer(replace(scaling, scaling=one))
        assert ("too little was measured to say it closer" in first) is wide


def test_an_interval_that_holds_the_whole_sum_shows_no_loss(scaling: CampaignAnalysis) -> None:
    assert scaling.scaling is not None
    (group,) = scaling.scaling.groups
    told = "which shows neither loss nor gain (the interval holds 100 %)"
    for low, high, undecided in ((0.91, 1.16, True), (0.91, 0.99, False), (1.01, 1.16, False), (None, None, False)):
        one = scaling.scaling.model_copy(
            update={"groups": [group.model_copy(update={"efficiency": 0.98, "low": low, "high": high})]}
        )
        assert (told in campaign_answer(replace(scaling, scaling=one))[0]) == undecided


def test_a_rate_of_one_run_has_one_interval_everywhere(tmp_path: Path) -> None:
    folder = write_campaign(tmp_path, {"offline-r0": PLAN}, kind="single")
    run = folder.run("offline-r0")
    late = ClientAudit(loop_lag_p99_ns={"worker-0": 900_000_000})
    write_json(run.record, read_record(run).model_copy(update={"client": late}))
    (group,) = analysed(folder).groups
    for name, whole in (("samples_per_s", group.samples_per_s), ("output_tokens_per_s", group.tokens_per_s)):
        own = group.first.result.figures[name]
        assert (own.value, own.low, own.high) == (whole.value, whole.low, whole.high)


def test_scaling_without_a_baseline_says_so_and_gives_the_rates(tmp_path: Path) -> None:
    both = replace(PLAN, nodes=(SLOW, FAST))
    first, second, *_ = campaign_answer(analysed(write_campaign(tmp_path, {"together-2-r0": both})))
    assert first == "Scaling efficiency is not measured: no node was run alone."
    assert second.startswith("2 nodes: ")


def test_a_single_campaign_is_not_asked_about_scaling(tmp_path: Path) -> None:
    both = replace(PLAN, nodes=(SLOW, FAST))
    plans = {"offline-r0": both, "offline-r1": replace(both, seed=2)}
    first, *_ = campaign_answer(analysed(write_campaign(tmp_path, plans, kind="single")))
    assert first.startswith("2 nodes: ")
    assert first.endswith("samples/s, mean of 2 runs.")


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> CampaignAnalysis:
    """The third load is more than the node can do."""
    server = replace(PLAN, scenario="Server", nodes=(Node("node-a"),))
    plans = {f"server{qps}-r0": replace(server, qps=float(qps), seed=qps) for qps in (16, 2, 4)}
    return analysed(write_campaign(tmp_path_factory.mktemp("sweep"), plans, kind="sweep"))


def test_a_sweep_of_few_samples_says_how_fast_at_a_load_that_was_carried_and_which_came_out_above_its_limits(
    sweep: CampaignAnalysis,
) -> None:
    first, second, third, *_ = campaign_answer(sweep)
    assert first.startswith("At 4 samples/s asked for, the highest of 3 loads that is shown to be carried and didn't ")
    assert " samples/s, not shown to keep the limits; TTFT " in first
    assert second.startswith("Saturated at 16 samples/s asked for: ")
    assert third == (
        "None of the 3 loads is shown to be within the limits (TTFT p99 2,000 ms, TPOT p99 100 ms; Server's): 16 "
        "samples/s asked for came out above, and there are too few samples for the other 2."
    )


def test_every_rate_of_a_sweep_is_on_the_first_screen_in_order(sweep: CampaignAnalysis) -> None:
    names = [item.name for item in campaign_page(sweep).headlines]
    assert names == ["2 samples/s asked for", "4 samples/s asked for", "16 samples/s asked for"]


def test_findings_that_say_the_same_are_one_row_with_their_runs(tmp_path: Path) -> None:
    both = replace(PLAN, nodes=(SLOW, FAST))
    plans = {"together-2-r0": both, "together-2-r1": replace(both, seed=2)}
    page = campaign_page(analysed(write_campaign(tmp_path, plans, kind="single")))
    (section,) = [section for section in page.sections if section.id == "findings"]
    (table,) = section.blocks
    slow = [row for row in table.rows if row[1] == "Node node-a is slower than the others."]  # type: ignore[union-attr]
    assert [row[2] for row in slow] == ["Offline, run 1 of 2; Offline, run 2 of 2"]
    assert [p.text.endswith("(and in 1 more run).") for p in page.problems if "node-a" in p.title] == [True]


def test_a_run_says_how_fast_why_a_node_is_slow_and_how_long_for_all(tmp_path: Path) -> None:
    plan = replace(PLAN, nodes=(Node("node-a"), Node("node-b", speed=0.6, clock_mhz=1200)), samples=400, telemetry=True)
    analysis = analyse_run(write_run(tmp_path, plan))
    said = run_answer(analysis, refused=False)
    assert said[0].startswith("2 nodes: ")
    assert " output tokens/s (95 %: " in said[0]
    assert "as fast as node-a; likely why: gpu0: SM clock 12" in said[1]
    assert said[2].startswith("All 13,368 samples (CNN/DailyMail v3.0.0, validation) would take ")
    rate = analysis.projections[0].rate  # not the whole run's, which counts its end
    assert f"at the {fmt.number(rate)} samples/s of the time when every place was taken" in said[2]
    assert said[3] == "All 400 samples were answered."


def test_a_server_run_says_its_tails_against_their_limits(tmp_path: Path) -> None:
    plan = replace(PLAN, scenario="Server", qps=2.0, nodes=(Node("node-a"),))
    said = run_answer(analyse_run(write_run(tmp_path, plan)), refused=False)
    assert said[0].startswith("1 node, Server, 2 samples/s asked for: ")
    assert said[0].endswith(" samples/s; too few samples to show whether it keeps its limits.")
    assert said[1].startswith("TTFT p99 ")
    assert ", of 2,000 ms allowed; TPOT p99 " in said[1]
    many = replace(plan, samples=1200, run_id="many", nodes=(Node("node-a", slots=64),))
    kept, tails, *_ = run_answer(analyse_run(write_run(tmp_path, many)), refused=False)
    assert kept.endswith("; within its limits.")
    assert ", within the limit of 2,000 ms; TPOT p99 " in tails


def test_the_picture_of_the_answer_is_not_drawn_twice(scaling: CampaignAnalysis, tmp_path: Path) -> None:
    page = campaign_page(scaling)
    assert page.lead is not None
    assert page.lead.name == "scaling_analysis"
    run = run_page(analyse_run(write_run(tmp_path, replace(PLAN, samples=50))))
    assert run.lead is not None
    assert run.lead.name == "throughput_timeline"
    for one in (page, run):
        names = [chart.name for chart in one.charts]
        assert len(names) == len(set(names))


def test_a_sweep_of_rates_beside_another_scenario_has_a_sentence_each(tmp_path: Path) -> None:
    server = replace(PLAN, samples=60, scenario="Server", nodes=(Node("node-a"),))
    fast, slow = (replace(server, qps=qps) for qps in (3.0, 2.0))
    plans = {"server3-r0": fast, "offline-r0": PLAN, "server2-r0": slow}
    analysis = analysed(write_campaign(tmp_path, plans, kind="sweep"))
    first, second, third, enough, fourth, *_ = campaign_answer(analysis)
    assert first.startswith("At 3 samples/s asked for, the highest of 2 loads that is shown to be carried: ")
    assert second.startswith("Not saturated: the highest load, 3 samples/s asked for, was carried: ")
    assert third.startswith("None of the 2 loads is shown to be within the limits ")
    assert " takes at least 368 samples a load, " in enough
    assert fourth.startswith("Offline: ")
    names = [item.name for item in campaign_page(analysis).headlines]
    assert names == ["2 samples/s asked for", "3 samples/s asked for", "Offline"]


def test_a_server_that_was_there_before_and_made_up_prompts_are_told_in_words(tmp_path: Path) -> None:
    run = write_run(tmp_path, replace(PLAN, samples=40))
    record = read_record(run)
    there = [e.model_copy(update={"engine": "external", "engine_version": None}) for e in record.endpoints]
    made_up = {"endpoints": there, "dataset_generated": True, "dataset_name": "synthetic"}
    write_json(run.record, record.model_copy(update=made_up))
    what = run_page(analyse_run(run)).what
    assert what.startswith("Model synthetic-8b at an OpenAI-compatible server that Assay didn't start on 1 node")
    assert " run of 40 samples drawn from 13,368 made-up prompts (synthetic), started " in what


def test_a_simulated_model_is_called_one(tmp_path: Path) -> None:
    run = write_run(tmp_path, replace(PLAN, samples=40))
    record = read_record(run)
    simulated = {"engine": "simulated", "engine_version": "0.1.0", "model": "simulated"}
    write_json(
        run.record,
        record.model_copy(update={"endpoints": [one.model_copy(update=simulated) for one in record.endpoints]}),
    )
    what = run_page(analyse_run(run)).what
    assert what.startswith("Model simulated served by Assay's simulator 0.1.0 on ")


def test_samples_that_were_lost_without_a_reason_send_nobody_looking_for_one(tmp_path: Path) -> None:
    lost = [f for f in analyse_run(write_run(tmp_path, replace(PLAN, samples=50, lost=5))).findings
            if f.rule == "failed-samples"]  # fmt: skip
    assert [finding.evidence[0].figure for finding in lost] == ["0 failed, 5 lost of 50"]
    assert "these reasons" not in lost[0].suggestion


def test_a_node_of_a_server_of_others_is_not_said_to_have_no_accelerators(tmp_path: Path) -> None:
    run = write_run(tmp_path, replace(PLAN, samples=40))
    record = read_record(run)
    others = [one.model_copy(update={"engine": "external", "accelerators": []}) for one in record.endpoints]
    write_json(run.record, record.model_copy(update={"endpoints": others}))
    (nodes,) = [section for section in run_page(analyse_run(run)).sections if section.id == "nodes"]
    table = next(block for block in nodes.blocks if isinstance(block, Table))
    assert table.rows[0][table.columns.index("Accelerators")] == "unknown"


def test_of_several_endpoints_it_says_which_owed_the_answers(tmp_path: Path) -> None:
    run = write_run(tmp_path, replace(PLAN, nodes=(SLOW, FAST), samples=50, lost=5))
    owed = {own.endpoint: own.lost for own in read_ledger(run).endpoints if own.lost}
    (lost,) = [f for f in analyse_run(run).findings if f.rule == "failed-samples"]
    said = lost.evidence[0].figure.partition("; owed when the run ended: ")[2].split(", ")
    assert sorted(said) == sorted(f"{count} by {name}" for name, count in owed.items())


def test_a_campaign_says_what_it_served_on_what_with_which_data(scaling: CampaignAnalysis) -> None:
    assert campaign_page(scaling).what.startswith(
        "synthetic-8b served by simulator 1.0 on 2 nodes (node-a, node-b), 2 accelerators (Synthetic GPU 80GB), "
        "each node of 256 GiB; at most 400 in a run, of 13,368 samples (synthetic articles); "
        "3 of 3 planned runs completed, started 1 Jan 2026"
    )


def test_a_campaign_says_what_became_of_all_samples(scaling: CampaignAnalysis, tmp_path: Path) -> None:
    assert "All 800 samples of 3 runs were answered." in campaign_answer(scaling)
    plans = {f"offline-r{turn}": replace(PLAN, samples=100, failed=3 * turn, lost=turn) for turn in range(2)}
    lacking = campaign_answer(analysed(write_campaign(tmp_path, plans, kind="single")))
    assert "196 of 200 samples of 2 runs were answered; 3 failed, 1 lost." in lacking


def test_a_run_leads_to_its_campaigns_page(tmp_path: Path) -> None:
    folder = write_campaign(tmp_path, {"offline-r0": replace(PLAN, samples=40)}, kind="single")
    html = render_run(folder.run("offline-r0")).read_text()
    assert '<a href="../../report.html">the campaign' in html
    assert folder.report == (folder.run("offline-r0").path / "../../report.html").resolve()


def test_a_verdict_that_all_runs_share_is_not_counted_again(tmp_path: Path) -> None:
    plan = replace(PLAN, samples=60)
    plans = {"offline-r0": plan, "offline-r1": replace(plan, loadgen_result="INVALID")}
    page = campaign_page(analysed(write_campaign(tmp_path, plans, kind="single")))
    assert page.verdict == "short run: not valid for MLPerf"
    invalid = [reason for reason in page.verdict_reasons if "LoadGen: INVALID" in reason]
    assert len(invalid) == 1, "the reason itself says which run's"
    assert invalid[0].startswith("Offline, run 2 of 2: ")


def test_the_only_load_of_a_campaign_is_named(tmp_path: Path) -> None:
    plans = {"rate-r0": replace(PLAN, scenario="Server", qps=5.0, samples=60)}
    folder = write_campaign(tmp_path, plans, kind="bench")
    state = read_campaign(folder)
    state.runs[0].shape, state.runs[0].target_qps = RateShape(rate=5.0), None
    write_json(folder.state, state)
    run = folder.run("rate-r0")
    write_json(run.record, read_record(run).model_copy(update={"shape": RateShape(rate=5.0), "target_qps": None}))
    said = campaign_answer(analysed(folder))[0]
    assert said.startswith("1 node, 5 samples/s asked for (Poisson): ")
    assert ", of 5 asked for and " in said


def test_what_was_measured_whole_is_no_projection(tmp_path: Path) -> None:
    run = write_run(tmp_path, replace(PLAN, samples=200))
    write_json(run.benchmark, own_samples(run_benchmark(run), 200))
    whole = "All 200 samples (CNN/DailyMail v3.0.0, validation) took "
    assert whole in run_answer(analyse_run(run), refused=False)[1]


def own_samples(benchmark: Benchmark, samples: int) -> dict[str, object]:
    """The benchmark with so many samples, as a run records it."""
    data = benchmark.model_dump(mode="json")
    data["dataset"]["total_sample_count"] = samples
    return {"version": 1, **data}


@pytest.mark.parametrize("bound", [True, False])
def test_a_campaign_says_whether_the_load_generator_shaped_its_results(tmp_path: Path, bound: bool) -> None:
    folder = write_campaign(tmp_path, {f"offline-r{turn}": replace(PLAN, samples=40) for turn in range(2)}, "single")
    for turn in range(2):
        run = folder.run(f"offline-r{turn}")
        record = read_record(run)
        record.client = ClientAudit(cpu_share={"main": 0.25, "worker-0": 0.5}, loop_lag_p99_ns={"worker-0": 2_500_000})
        record.client.client_bound = bound and turn == 1
        write_json(run.record, record)
    page = campaign_page(analysed(folder))
    (driver,) = [section for section in page.sections if section.id == "driver"]
    words, table = driver.blocks
    assert isinstance(words, Text)
    assert isinstance(table, Table)
    if bound:
        assert words.text.startswith(
            "In 1 of 2 runs the load generator could have shaped the result: Offline, run 2 of 2."
        )
    else:
        assert words.text.startswith("Nothing that was measured of the load generator says that it shaped the result")
    assert [tuple(row[1:4]) for row in table.rows] == [
        ("no", "0.50", "2.500"),
        ("yes" if bound else "no", "0.50", "2.500"),
    ]


def test_notes_are_no_titles(scaling: CampaignAnalysis) -> None:
    notes = [problem for problem in campaign_page(scaling).problems if problem.severity == "note"]
    assert notes
    assert {note.title for note in notes} == {""}


def test_loadgens_valid_is_told_apart_from_the_pages_verdict(tmp_path: Path) -> None:
    run = write_run(tmp_path, replace(PLAN, samples=40))
    analysis = analyse_run(run)
    assert analysis.result.loadgen.result == "VALID"
    assert not analysis.result.verdict.valid
    words = next(iter(driver_blocks(analysis)))
    assert isinstance(words, Text)
    assert "whose own word on the run is VALID" in words.text
    assert "doesn't make the run valid for MLPerf" in words.text
