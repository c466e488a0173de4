"""A page's last sentence is the most useful next step, by a command that the command line takes."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.analysed import analysed
from tests.synthetic import Node, Plan, write_campaign

from assay.analysis.advice import mends
from assay.analysis.engine_front import Front, PaceRange
from assay.analysis.engine_models import Try, Tuned
from assay.analysis.loads import Value
from assay.analysis.rate_answer import RateAnswer, RatePoint
from assay.analysis.run import analyse_run
from assay.analysis.summary import CLIENT_BOUND
from assay.config import load_config
from assay.report.campaign_page import campaign_page
from assay.report.mended_first import Measured, mended_first
from assay.report.run_page import run_page
from assay.report.what_next import _after_rates, _after_settings
from assay.runs import CampaignFolder, RunFolder, read_campaign, read_record, read_result, write_json
from assay.runs.record import ClientAudit
from assay.runs.shapes import ConcurrencyShape, RateShape
from assay.runs.slo import Slo
from assay.runs.tail_limits import parse_tail_limits

PLAN = Plan(samples=40, nodes=(Node("node-a", slots=4),), chunks=False, telemetry=False)
WANTS = [
    "Early stopping satisfied: no",
    "TPOT early stopping: Run unsuccessful. Processed 12 queries. Would need to run at least 447 more queries",
]


def runs_of(folder: CampaignFolder) -> list[RunFolder]:
    return [RunFolder(folder.runs / str(entry.run)) for entry in read_campaign(folder).runs]


def changed(folder: CampaignFolder, **changes: Any) -> CampaignFolder:
    """With these facts in each run's record, and a configuration beside."""
    for run in runs_of(folder):
        write_json(run.record, read_record(run).model_copy(update=changes))
        run.config.write_text("scenarios: [Offline]\n")
    folder.config.write_text("scenarios: [Offline]\n")
    return folder


def next_of(folder: CampaignFolder) -> str:
    return campaign_page(analysed(folder)).next_step


def typed(sentence: str) -> list[str]:
    return shlex.split(sentence.split("`")[1])


def test_few_repeats_lead_to_more(tmp_path: Path) -> None:
    folder = changed(write_campaign(tmp_path, {"offline-r0": PLAN}, kind="single"))
    words = next_of(folder)
    assert words.startswith("Next: 3 repeats show how far runs of the same differ, ")
    command = typed(words)
    assert command[:3] == ["assay", "run", "config.yaml"]
    assert load_config(folder.config, command[command.index("--set") + 1 :]).campaign.repeats == 3
    enough = {f"offline-r{repeat}": replace(PLAN, seed=repeat) for repeat in range(3)}
    assert not next_of(changed(write_campaign(tmp_path, enough, "single", "enough"))).startswith("Next")


def test_without_a_configuration_nothing_is_told_to_be_typed(tmp_path: Path) -> None:
    assert not next_of(write_campaign(tmp_path, {"offline-r0": PLAN}, kind="single")).startswith("Next")


def test_early_stopping_leads_to_as_many_queries_as_it_asks_for(tmp_path: Path) -> None:
    plan = replace(PLAN, scenario="Server", qps=0.2)
    folder = changed(write_campaign(tmp_path, {"server-r0": plan}, kind="single"))
    (run,) = runs_of(folder)
    result = read_result(run) or analyse_run(run).result
    invalid = result.loadgen.model_copy(update={"result": "INVALID", "reasons": WANTS})
    analysis = analysed(folder)
    analysis.lines[0].result.loadgen = invalid
    words = campaign_page(analysis).next_step
    assert words.startswith("Next: as many queries as LoadGen's early stopping asks for: ")
    assert typed(words)[-2:] == ["--set", "queries.Server=459"]
    alone = analyse_run(run)
    alone.result.loadgen = invalid
    assert run_page(alone).next_step == words


def test_scores_of_a_part_lead_to_all_samples(tmp_path: Path) -> None:
    plans = {"offline-accuracy-r0": replace(PLAN, mode="accuracy")}
    folder = changed(write_campaign(tmp_path, plans, kind="single"), samples=40, dataset_samples=68)
    for words in (next_of(folder), run_page(analyse_run(runs_of(folder)[0])).next_step):
        assert words.startswith("Next: all 68 samples, so that the scores can be compared: ")
        command = typed(words)
        assert load_config(folder.config, [command[command.index("--set") + 1]]).dataset.samples is None


def test_a_client_that_shaped_every_load_comes_first(tmp_path: Path) -> None:
    folder = write_campaign(tmp_path, {"offline-r0": PLAN}, kind="single")
    words = next_of(changed(folder, client=ClientAudit(client_bound=True)))
    assert words.startswith("Next: give the load generator idle cores, or a machine of its own, ")
    assert typed(words) == ["assay", "run", "config.yaml", "--output", ".."]


@pytest.mark.parametrize(
    ("shape", "slo", "command"),
    [
        (ConcurrencyShape(concurrency=4), None, ["curve", "config.yaml", "--results", ".."]),
        (RateShape(rate=5.0), None, ["rate", "config.yaml", "--slo", "p99(ttft) < 2 s", "--results", ".."]),
        (
            RateShape(rate=5.0), Slo(ttft=200_000_000, tpot=20_500_000),
            ["rate", "config.yaml", "--slo", "p99(ttft) < 200 ms, p99(tpot) < 20.5 ms", "--results", ".."],
        ),
    ],
)  # fmt: skip
def test_loads_of_ones_own_lead_to_a_search(tmp_path: Path, shape: Any, slo: Slo | None, command: list[str]) -> None:
    folder = write_campaign(tmp_path, {"load-r0": replace(PLAN, scenario="Server", qps=5.0)}, kind="bench")
    state = read_campaign(folder)
    state.runs[0].shape, state.runs[0].target_qps, state.runs[0].scenario = shape, None, shape.scenario
    write_json(folder.state, state)
    changed(folder, shape=shape, target_qps=None, driver="pacer", scenario=shape.scenario, slo=slo)
    found = typed(next_of(folder))
    assert found == ["assay", "tune", *command]
    if "--slo" in found:
        assert len(parse_tail_limits(found[found.index("--slo") + 1])) == (2 if slo else 1)


def test_a_search_says_what_it_left_open() -> None:
    found = RateAnswer(
        outcome="found", confirmed=True, rate=10.0, low=9.8, high=10.2, bound_by="p99 TTFT", because="", why="",
        scenario="rate", limits=parse_tail_limits("p99(ttft) < 2 s"), precision=0.03, seconds=600.0, points=[],
    )  # fmt: skip

    def said(**changes: Any) -> list[str]:
        return list(_after_rates(found.model_copy(update=changes)))

    assert typed(said()[0])[1:3] == ["tune", "curve"]
    assert typed(said(low=5.0)[0])[-4:] == ["--budget", "50m", "--results", ".."]
    assert typed(said(confirmed=False)[0])[1:3] == ["tune", "rate"]
    assert typed(said(outcome="unfinished", rate=None)[0]) == ["assay", "tune", "rate", "--resume", "."]
    assert "a looser limit" in said(outcome="stopped", rate=None, because="nothing holds")[0]
    shaped = RatePoint(
        run="r", role="bracket", why="", rate=20.0, requests=9, errors=0, seconds=1.0, verdict="over", ended="",
        client_bound=True, tails=[],
    )  # fmt: skip
    assert typed(said(points=[shaped])[0])[1:3] == ["tune", "curve"], "the others found a rate that held"
    few = [shaped, *3 * [shaped.model_copy(update={"client_bound": False})]]
    (longer,) = said(confirmed=False, rate=10.0, points=few)
    assert typed(longer)[-4:] == ["--budget", "20m", "--results", ".."], "one run of four decided nothing"
    wide = typed(said(confirmed=False, low=9.4, high=10.6)[0])
    assert wide[-3] == "41m", "an interval twice as wide takes four times the requests"
    short = typed(said(confirmed=False, enough=6945, seconds=60.0)[0])
    assert short[-3] == "24m", "half of it is 6,945 requests at 10 a second"
    (client,) = said(outcome="stopped", rate=None, points=[shaped])
    assert client.startswith("give the load generator idle cores, ")
    assert typed(client)[1:3] == ["tune", "rate"]


def test_settings_of_which_none_is_shown_to_differ_lead_to_more_server_starts(tmp_path: Path) -> None:
    analysis = analysed(changed(write_campaign(tmp_path, {"offline-r0": PLAN}, kind="single")))
    default = Try(name="as configured", settings={}, servers=None, window=None, default=True, stage="final", starts=3)
    found = Tuned(tries=[default], against=[], best=None, scores=[], outcome="no difference shown")
    (words,) = _after_settings(analysis, found)
    assert words.startswith("6 server starts of each finalist instead of 3 show a smaller difference: ")
    assert typed(words) == ["assay", "tune", "engine", "config.yaml", "--repeats", "6", "--results", ".."]


def test_where_the_default_is_best_it_is_measured_by_itself(tmp_path: Path) -> None:
    analysis = analysed(changed(write_campaign(tmp_path, {"offline-r0": PLAN}, kind="single")))
    default = Try(name="as configured", settings={}, servers=None, window=None, default=True, stage="final", starts=3)
    found = Tuned(tries=[default], against=[], best=None, scores=[], outcome="default is best")
    assert not list(_after_settings(analysis, found)), "nothing, where there is no file of it"
    analysis.folder.best.write_text("")
    (words,) = _after_settings(analysis, found)
    assert typed(words) == ["assay", "run", "best.yaml", "--output", ".."]


def test_a_search_for_settings_without_a_better_one_says_what_to_do(tmp_path: Path) -> None:
    analysis = analysed(changed(write_campaign(tmp_path, {"offline-r0": PLAN}, kind="single")))
    default = Try(name="as configured", settings={}, servers=None, window=None, default=True, stage="final", starts=3)
    found = Tuned(tries=[default], against=[], best="seqs 8", scores=[], outcome="answers worse")

    def said(**changes: Any) -> str:
        (words,) = _after_settings(analysis, found.model_copy(update=changes))
        return words

    again = ["assay", "tune", "engine", "config.yaml", "--results", ".."]
    assert "what makes answers worse (seqs 8)" in said()
    assert typed(said()) == again
    died = default.model_copy(update={"stage": "short", "reason": "the server died"})
    nothing = said(outcome="not compared", best=None, tries=[died])
    assert "(the default has no rate: the server died), and search again: " in nothing
    assert typed(nothing) == again
    begun = default.model_copy(update={"stage": "short"})
    assert typed(said(outcome="not compared", tries=[begun])) == ["assay", "tune", "engine", "--resume", "."]
    (analysis.folder.path / "best-1.yaml").write_text("")
    point = PaceRange(
        name="seqs 8", in_flight=4, above=0.0, up_to=9.0, output_tokens_per_s=Value(value=36.0, low=35.0, high=37.0),
        ratio=2.0, low=1.5, high=2.5, shown=True,
    )  # fmt: skip
    paced = said(outcome="depends on the pace", best=None, front=Front(ranges=[point]))
    assert "such as seqs 8 " in paced
    assert typed(paced) == ["assay", "run", "best-1.yaml", "--output", ".."]


def test_what_was_not_answered_comes_before_a_client_that_shaped_the_figures(tmp_path: Path) -> None:
    two = replace(PLAN, nodes=(Node("node-a", slots=4), Node("node-b", slots=4)))
    folder = write_campaign(tmp_path, {"offline-r0": replace(two, lost=3)}, kind="single")
    changed(folder, client=ClientAudit(client_bound=True))
    assert next_of(folder).startswith(
        "Next: find out why 3 of 40 samples got no answer, and measure again: `assay run "
    )
    (run,) = runs_of(folder)
    result = analyse_run(run).result
    first, second = (endpoint.endpoint for endpoint in result.endpoints)
    result.endpoints[1].samples = 0
    silent = mended_first([Measured(read_record(run), result)], {})
    assert next(silent).startswith(f"find out why {second} answered nothing, ")
    assert first != second


def test_all_that_loadgen_asks_for_is_one_command(tmp_path: Path) -> None:
    folder = write_campaign(tmp_path, {"offline-r0": PLAN, "server-r0": replace(PLAN, scenario="Server", qps=5.0)})
    offline, server = (Measured(read_record(run), analyse_run(run).result) for run in runs_of(folder))
    short = {"result": "INVALID", "reasons": ["Min duration satisfied: no"], "metrics": {"Samples per second": 24.61}}
    offline.result.loadgen = offline.result.loadgen.model_copy(update=short)
    server.result.loadgen = server.result.loadgen.model_copy(update={"result": "INVALID", "reasons": WANTS})
    (both,) = mended_first([offline, server, server], {})
    target, queries = "target as LoadGen's least duration asks for", "queries as LoadGen's early stopping asks for"
    assert both.startswith(f"as high a {target}, as many {queries}: ")
    assert typed(both)[-4:] == ["--set", "target_qps.Offline=24.7", "--set", "queries.Server=459"]
    (more,) = mended_first([server], {}, {"queries.Server": 500})
    assert typed(more)[-2:] == ["--set", "queries.Server=500"], "what asks for most"
    record, result = server.record, server.result.model_copy(deep=True)
    result.notices = [f"{CLIENT_BOUND}: busy"]
    first, *_ = mended_first([Measured(record, result)], {}, {"queries.Server": 500})
    assert first.startswith("give the load generator idle cores, ")
    assert typed(first)[-2:] == ["--set", "queries.Server=500"], "one run does both"
    slow = {"result": "INVALID", "reasons": ["Performance constraints satisfied: no"]}
    server.result.loadgen = server.result.loadgen.model_copy(update=slow)
    (words,) = mended_first([server], {})
    assert words.startswith("search the highest rate within Server's limits, which were not kept at this one: ")


def test_a_rate_over_the_limits_leads_to_a_search_and_not_to_more_queries_at_it(tmp_path: Path) -> None:
    plan = replace(PLAN, scenario="Server", qps=200.0, nodes=(Node("node-a", slots=1),))
    folder = changed(write_campaign(tmp_path, {"server-r0": plan}, kind="single"))
    (run,) = runs_of(folder)
    analysis = analysed(folder)
    assert analysis.lines[0].result.latency["ttft_ns"].p99 > 2_000_000_000
    for reasons in (WANTS, ["Performance constraints satisfied: no", *WANTS]):
        invalid = analysis.lines[0].result.loadgen.model_copy(update={"result": "INVALID", "reasons": reasons})
        analysis.lines[0].result.loadgen = invalid
        words = campaign_page(analysis).next_step
        assert words.startswith("Next: search the highest rate within Server's limits")
        assert typed(words) == [
            "assay", "tune", "rate", "config.yaml", "--scenario", "Server", "--results", "..",
        ]  # fmt: skip
    record, spec = read_record(run), analysis.benchmark.scenarios["Server"]
    (told,) = mends(invalid, record, spec)
    assert told.words.startswith("target_qps.Server below 200")


def scaled(folder: Path, speed: float, repeats: int = 3) -> CampaignFolder:
    a, b = Node("node-a", slots=4), Node("node-b", slots=4, speed=speed)
    groups = {"a": (a,), "b": (b,), "both": (a, b)}
    plans = {
        f"{name}-r{repeat}": replace(PLAN, nodes=nodes, samples=120 * len(nodes), seed=repeat)
        for name, nodes in groups.items()
        for repeat in range(repeats)
    }
    return changed(write_campaign(folder, plans, "scaling"))


def test_an_efficiency_that_is_hardly_known_leads_to_more_repeats(tmp_path: Path) -> None:
    folder = scaled(tmp_path, 1.0)
    analysis = analysed(folder)
    assert analysis.scaling is not None
    (whole,) = analysis.scaling.groups
    for low, high, said in ((0.937, 1.068, True), (0.99, 1.02, False), (0.80, 0.95, False), (None, None, False)):
        whole.low, whole.high = low, high
        words = campaign_page(analysis).next_step
        assert (
            words.startswith("Next: learn more of a loss that may be up to 6.3 %, by 6 repeats instead of 3: ") is said
        )
        assert not said or typed(words)[-2:] == ["--set", "campaign.repeats=6"]
    assert load_config(folder.config, ["campaign.repeats=6"]).campaign.repeats == 6


def test_a_node_with_a_recorded_cause_is_mended_first(tmp_path: Path) -> None:
    analysis = analysed(scaled(tmp_path, 2.0))
    parts = [part for line in analysis.lines if line.nodes is not None for part in line.nodes.nodes]
    assert {part.node for part in parts if part.slower} == {"node-a"}
    assert "node-a" not in campaign_page(analysis).next_step
    for part in parts:
        part.differences = ["`speed` is 1 at node-a, 2 at node-b"]
    words = campaign_page(analysis).next_step
    assert words.startswith("Next: mend what likely makes node-a slower, and measure again: ")
    assert typed(words) == ["assay", "run", "config.yaml", "--output", ".."]


def test_an_offline_run_that_never_ran_full_leads_to_a_longer_one(tmp_path: Path) -> None:
    short = changed(write_campaign(tmp_path, {"offline-r0": replace(PLAN, samples=15)}, "single", "short"))
    words = next_of(short)
    assert words.startswith("Next: 4 times as many samples as can be in flight show the rate ")
    assert typed(words)[-2:] == ["--set", "queries.Offline=16"], "of 4 places"
    for samples in (16, 40):  # what isn't shown by as many isn't asked for again
        folder = changed(
            write_campaign(tmp_path, {"offline-r0": replace(PLAN, samples=samples)}, "single", f"{samples}")
        )
        assert next_of(folder).startswith("Next: 3 repeats show ")
