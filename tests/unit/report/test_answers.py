"""The first sentences of a page answer what the run or the campaign was made for, with the interval."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.analysed import analysed
from tests.synthetic import Node, Plan, write_campaign, write_run

from assay.analysis.campaign import CampaignAnalysis
from assay.analysis.compare import compare
from assay.analysis.run import analyse_run
from assay.benchmarks import Benchmark, run_benchmark
from assay.config import load_config
from assay.report import format as fmt
from assay.report import render_run
from assay.report.campaign_answer import campaign_answer
from assay.report.campaign_page import campaign_page
from assay.report.compare_page import compare_page
from assay.report.next_step import next_step
from assay.report.page import Page, Quote, Table, Text
from assay.report.run_answer import run_answer
from assay.report.run_measures import findings_blocks
from assay.report.run_page import run_page
from assay.report.run_sections import driver_blocks
from assay.runs import RunStatus, read_campaign, read_record, write_json
from assay.runs.campaign import find_campaigns
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
    assert any(words.startswith("All 13,368 samples would take ") and "node-a + node-b" in words for words in more)


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


def test_a_sweep_names_the_highest_load_within_the_limits(sweep: CampaignAnalysis) -> None:
    (first, *_) = campaign_answer(sweep)
    assert first.startswith("4 samples/s asked for is the highest of 3 loads within the limits (TTFT p99 2,000 ms, ")


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
    assert said[2].startswith("All 13,368 samples would take ")
    rate = analysis.projections[0].rate  # not the whole run's, which counts its end
    assert f"at the {fmt.number(rate)} samples/s of the time when every place was taken" in said[2]
    assert said[3] == "All 400 samples were answered."


def test_a_server_run_says_its_tails_against_their_limits(tmp_path: Path) -> None:
    plan = replace(PLAN, scenario="Server", qps=2.0, nodes=(Node("node-a"),))
    said = run_answer(analyse_run(write_run(tmp_path, plan)), refused=False)
    assert said[0].startswith("1 node, Server, 2 samples/s asked for: TTFT p99 ")
    assert "; so few samples don't show whether it keeps the limit of 2,000 ms; TPOT p99 " in said[0]
    many = replace(plan, samples=1200, run_id="many", nodes=(Node("node-a", slots=64),))
    assert (
        ", within the limit of 2,000 ms; TPOT p99 "
        in run_answer(analyse_run(write_run(tmp_path, many)), refused=False)[0]
    )


def test_a_failed_run_says_that_and_what_was_answered(tmp_path: Path) -> None:
    plan = replace(PLAN, samples=50, lost=5, status=RunStatus.FAILED)
    analysis = analyse_run(write_run(tmp_path, plan))
    assert run_answer(analysis, refused=False) == [
        "There is no result of this run, because it failed.",
        "It ended 1 Jan 2026, 01:00:00 UTC, 60 min after it began.",
        "45 of 50 samples were answered; 0 failed, 5 lost.",
    ]


def test_a_result_that_the_audit_contradicts_is_not_stated(tmp_path: Path) -> None:
    said = run_answer(analyse_run(write_run(tmp_path, replace(PLAN, samples=50))), refused=True)
    assert said == ["No number of this run is reportable: its own records contradict it."]


def test_a_comparison_says_what_got_better_or_worse(tmp_path: Path) -> None:
    base, other = (analyse_run(write_run(tmp_path, replace(PLAN, run_id=name, nodes=(node,)))) for name, node in
                   (("base", SLOW), ("other", replace(SLOW, speed=2.0))))  # fmt: skip
    (said,) = compare_page([base, other], compare([base, other]), tmp_path).answer
    assert said.startswith("The other run against the baseline: Output tokens/s ")
    assert ", better; " in said
    assert said.endswith("; settings, versions and hardware are the same as far as recorded.")
    several = compare_page([base, other, base], compare([base, other, base]), tmp_path).answer
    assert [words.partition(" against the baseline: ")[0] for words in several] == [
        f"Offline, 1 Jan 2026, 00:00:00 UTC ({run})" for run in ("other", "base")
    ]


def test_a_comparison_leads_to_its_runs_and_tells_what_limits_belief_in_them(tmp_path: Path) -> None:
    plans = {"offline-r0": PLAN, "offline-r1": replace(PLAN, seed=2, failed=5, loadgen_result="INVALID")}
    folder = write_campaign(tmp_path, plans, kind="single", identity="nightly")
    late = folder.run("offline-r1")
    write_json(late.record, read_record(late).model_copy(update={"started_utc": "2026-01-02T00:00:00Z"}))
    for page in (folder.report, folder.run("offline-r0").path / "report.html"):
        page.write_text("a page")
    runs = [analyse_run(folder.run(name)) for name in plans]
    page = compare_page(runs, compare(runs), tmp_path / "out")
    (table,) = page.sections[-1].blocks
    assert isinstance(table, Table)
    assert [row[0] for row in table.rows] == [f"Offline, {day} Jan 2026, 00:00:00 UTC" for day in (1, 2)]
    assert table.links == {"offline-r0": "../nightly/runs/offline-r0/report.html", "nightly": "../nightly/report.html"}
    titles = [(problem.severity, problem.title) for problem in page.problems]
    assert ("error", "Offline, 2 Jan 2026, 00:00:00 UTC: Samples were not answered.") in titles
    invalid = "Offline, 2 Jan 2026, 00:00:00 UTC: short run: not valid for MLPerf (LoadGen: INVALID)."
    assert ("warning", invalid) in titles
    assert not any("1 Jan 2026" in title for _, title in titles)


def test_a_comparison_tells_what_changed_sample_by_sample_and_what_nobody_knows(tmp_path: Path) -> None:
    plan = replace(PLAN, scenario="Server", qps=2.0)
    runs = [write_run(tmp_path, replace(plan, run_id=name, nodes=(Node("node-a", speed=speed),)))
            for name, speed in (("base", 1.0), ("other", 0.8))]  # fmt: skip
    for run in runs:
        record = read_record(run)
        silent = [endpoint.model_copy(update={"engine": "external", "settings": {}}) for endpoint in record.endpoints]
        write_json(run.record, record.model_copy(update={"endpoints": silent}))
    analyses = [analyse_run(run) for run in runs]
    page = compare_page(analyses, compare(analyses), tmp_path)
    assert "; TPOT, by sample 1.2" in page.answer[0]
    same = "ettings, versions and hardware are the same as far as recorded (the server tells none of its settings)."
    assert page.answer[0].endswith(f"; s{same}")
    assert f"S{same}" in [block.text for block in page.sections[0].blocks if isinstance(block, Text)]


def test_what_too_few_samples_leave_undecided_is_said_once(tmp_path: Path) -> None:
    short = replace(PLAN, scenario="Server", qps=2.0, samples=40)
    runs = [analyse_run(write_run(tmp_path, replace(short, run_id=name))) for name in ("base", "other")]
    tails = [item for item in compare_page(runs, compare(runs), tmp_path).headlines if item.name == "TTFT p99"]
    assert [tail.interval for tail in tails] == ["not decided: too few samples"]


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
    first, second, third, *_ = campaign_answer(analysis)
    assert first.startswith("3 samples/s asked for is the highest of 2 loads within the limits ")
    assert second.startswith("Not saturated: the highest load, 3 samples/s asked for, was carried: ")
    assert third.startswith("Offline: ")
    names = [item.name for item in campaign_page(analysis).headlines]
    assert names == ["2 samples/s asked for", "3 samples/s asked for", "Offline"]


def test_a_page_says_how_to_measure_it_again_and_with_which_versions(tmp_path: Path) -> None:
    folder = write_campaign(tmp_path, {"offline-r0": replace(PLAN, samples=40)}, kind="single")
    analysis = analysed(folder)
    run = analyse_run(folder.run("offline-r0"))
    versions = "It was measured with Assay 0.1.0 and LoadGen 6.0.17"
    command, measured_with = again(run_page(run))
    assert "`assay run config.yaml --output ../../..`" in command
    assert measured_with.startswith(versions)
    (measured_with,) = again(campaign_page(analysis))  # its folder has no configuration
    assert measured_with.startswith(versions)
    folder.config.write_text("benchmark: smollm2-135m\n")
    assert "`assay run config.yaml --output ..`" in again(campaign_page(analysis))[0]


def test_what_is_repeated_by_a_pages_command_lands_beside_its_campaign(tmp_path: Path) -> None:
    """Where plans and later campaigns look for earlier ones, whatever the file's relative `output` says."""
    folder = write_campaign(tmp_path, {"offline-r0": replace(PLAN, samples=40)}, kind="single")
    folder.config.write_text("scenarios: [Offline]\noutput: results\n")
    run = folder.run("offline-r0")
    run.config.write_bytes(folder.config.read_bytes())
    for page, here in ((campaign_page(analysed(folder)), folder.path), (run_page(analyse_run(run)), run.path)):
        _, command, _ = again(page)[0].split("`")
        words = command.split()
        assert words[:4] == ["assay", "run", "config.yaml", "--output"]
        config = load_config(here / words[2], [f"output={here / words[4]}"])
        assert [found.path.resolve() for found in find_campaigns(config.output)] == [folder.path.resolve()]


def test_a_server_that_was_there_before_and_made_up_prompts_are_told_in_words(tmp_path: Path) -> None:
    run = write_run(tmp_path, replace(PLAN, samples=40))
    record = read_record(run)
    there = [e.model_copy(update={"engine": "external", "engine_version": None}) for e in record.endpoints]
    made_up = {"endpoints": there, "dataset_generated": True, "dataset_name": "synthetic"}
    write_json(run.record, record.model_copy(update=made_up))
    what = run_page(analyse_run(run)).what
    assert what.startswith("Model synthetic-8b at an OpenAI-compatible server that Assay didn't start on 1 node")
    assert " run of 40 samples of 13,368 made-up prompts (synthetic), started " in what


def test_samples_that_were_lost_without_a_reason_send_nobody_looking_for_one(tmp_path: Path) -> None:
    lost = [f for f in analyse_run(write_run(tmp_path, replace(PLAN, samples=50, lost=5))).findings
            if f.rule == "failed-samples"]  # fmt: skip
    assert [finding.evidence[0].figure for finding in lost] == ["0 failed, 5 lost of 50"]
    assert "these reasons" not in lost[0].suggestion


def test_a_campaign_says_what_it_served_on_what_with_which_data(scaling: CampaignAnalysis) -> None:
    assert campaign_page(scaling).what.startswith(
        "synthetic-8b served by simulator 1.0 on 2 nodes (node-a, node-b), 2 accelerators (Synthetic GPU 80GB); "
        "samples from synthetic articles; 3 of 3 planned runs completed, started 1 Jan 2026"
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
    assert [reason for reason in page.verdict_reasons if reason.startswith("1 of 2")] == [
        "1 of 2 runs: (LoadGen: INVALID)"
    ]


def test_the_only_load_of_a_campaign_is_named(tmp_path: Path) -> None:
    plans = {"rate-r0": replace(PLAN, scenario="Server", qps=5.0, samples=60)}
    folder = write_campaign(tmp_path, plans, kind="bench")
    state = read_campaign(folder)
    state.runs[0].shape, state.runs[0].target_qps = RateShape(rate=5.0), None
    write_json(folder.state, state)
    run = folder.run("rate-r0")
    write_json(run.record, read_record(run).model_copy(update={"shape": RateShape(rate=5.0), "target_qps": None}))
    said = campaign_answer(analysed(folder))[0]
    assert said.startswith("1 node, 5 a second, Poisson: ")
    assert ", of 5 asked for and " in said


def again(page: Page) -> list[str]:
    (section,) = [section for section in page.sections if section.id == "again"]
    return [block.text for block in section.blocks if isinstance(block, Text)]


def test_a_campaign_that_failed_says_why_and_what_to_do_next(tmp_path: Path) -> None:
    folder = write_campaign(tmp_path, {"offline-r0": replace(PLAN, samples=40, status=RunStatus.FAILED)}, kind="single")
    state = read_campaign(folder)
    state.runs[0].reason = "every endpoint failed: node-a: HTTP 500\nlast lines of server node-a:\n  out of memory"
    write_json(folder.state, state)
    page = campaign_page(analysed(folder))
    why, when, answered, what_next = page.answer
    assert why == "There is no result: Offline failed: every endpoint failed: node-a: HTTP 500."
    assert when.startswith("It ended 1 Jan 2026, ")
    assert when.endswith(" after it began.")
    assert answered == "All 40 samples were answered."
    assert "the last lines of the logs" in what_next
    assert f"`assay run --resume {folder.path} --retry-failed`" in what_next
    assert [(p.title, p.text) for p in page.problems if p.severity == "error"] == [("Offline: failed.", "")]
    assert page.verdict_reasons == ["the run is failed"]
    (runs,) = [section for section in page.sections if section.id == "runs"]
    assert [block.text for block in runs.blocks if isinstance(block, Quote)] == [
        "last lines of server node-a:\n  out of memory"
    ]


def test_a_run_that_failed_says_why_and_what_to_do_next(tmp_path: Path) -> None:
    folder = write_campaign(tmp_path, {"offline-r0": replace(PLAN, samples=40, status=RunStatus.FAILED)}, kind="single")
    run = folder.run("offline-r0")
    reason = "every endpoint failed: node-a: HTTP 500\nlast lines of server node-a:\n  out of memory"
    write_json(run.record, read_record(run).model_copy(update={"reason": reason}))
    page = run_page(analyse_run(run))
    assert page.answer[0] == (
        "There is no result of this run, because it failed: every endpoint failed: node-a: HTTP 500."
    )
    assert f"`assay run --resume {folder.path} --retry-failed`" in page.answer[-1]
    assert page.verdict_reasons == ["the run is failed"]
    assert logs(page) == ["last lines of server node-a:\n  out of memory"]
    run.driver_log.write_text("its own words")
    assert logs(run_page(analyse_run(run))) == ["its own words"]


def logs(page: Page) -> list[str]:
    (section,) = [section for section in page.sections if section.id == "logs"]
    return [block.text for block in section.blocks if isinstance(block, Quote)]


def test_what_was_measured_whole_is_no_projection(tmp_path: Path) -> None:
    run = write_run(tmp_path, replace(PLAN, samples=200))
    write_json(run.benchmark, own_samples(run_benchmark(run), 200))
    assert "All 200 samples took " in run_answer(analyse_run(run), refused=False)[1]


def own_samples(benchmark: Benchmark, samples: int) -> dict[str, object]:
    """The benchmark with so many samples, as a run records it."""
    data = benchmark.model_dump(mode="json")
    data["dataset"]["total_sample_count"] = samples
    return {"version": 1, **data}


@pytest.mark.parametrize(
    ("statuses", "command"),
    [
        ([RunStatus.COMPLETED, RunStatus.INVALID, RunStatus.SKIPPED], ""),
        ([RunStatus.COMPLETED, RunStatus.TIMEOUT, None], "`assay run --resume 'my results' --retry-failed`"),
        ([RunStatus.COMPLETED, None], "`assay run --resume 'my results'`"),
        ([RunStatus.INTERRUPTED], "`assay run --resume 'my results'`"),
    ],
)
def test_what_to_do_next_is_told_where_something_is_left(statuses: list[RunStatus | None], command: str) -> None:
    said = next_step(Path("my results"), statuses, ["every endpoint failed"])
    assert ["`".join(["", words.split("`")[1], ""]) for words in said] == ([command] if command else [])
    assert not any("logs" in words for words in said), "there are none"


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


def test_where_nothing_was_issued_nothing_was_answered(tmp_path: Path) -> None:
    analysis = analyse_run(write_run(tmp_path, replace(PLAN, samples=50, lost=5, status=RunStatus.FAILED)))
    assert analysis.ledger is not None
    nothing = {"issued": 0, "completed": 0, "failed": 0, "lost": 0}
    early = replace(analysis, ledger=analysis.ledger.model_copy(update=nothing))
    assert run_answer(early, refused=False)[2:] == ["No sample was issued."]
    (block,) = findings_blocks(replace(early, samples=None, findings=[]))
    assert block == Text("There is no result that could be checked.")
