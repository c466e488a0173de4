"""Campaigns of every kind on simulated nodes, and what they do when something fails."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.campaigns import FAST, Quiet, config
from tests.simulated import FAST as FAST_OPTIONS
from tests.simulated import simulators

from assay.campaign import reporting
from assay.campaign.runner import CampaignOutcome, resume_campaign, run_campaign
from assay.campaign.state import resumed_config
from assay.commands.run import print_plan
from assay.errors import UserError
from assay.runs import CampaignFolder, CampaignState, Result, RunEntry, RunRecord, RunStatus, read_detail, read_ledger
from assay.runs.shapes import ConcurrencyShape

pytestmark = pytest.mark.usefixtures("no_reports")
ONE = {"nodes": [{"name": "node-a"}]}
ALONE = {**FAST, "speeds": {}}


def carry_out(folder: Path, listener: Quiet | None = None, **changes: Any) -> CampaignOutcome:
    return asyncio.run(run_campaign(config(folder, **changes), listener or Quiet()))


def resume(outcome: CampaignOutcome, listener: Quiet | None = None, *, retry_failed: bool = False) -> CampaignOutcome:
    own = resumed_config(outcome.folder, None)
    return asyncio.run(resume_campaign(own, outcome.folder, listener or Quiet(), retry_failed=retry_failed))


def record(outcome: CampaignOutcome, entry: RunEntry) -> RunRecord:
    assert entry.run is not None
    return RunRecord.model_validate_json(outcome.folder.run(entry.run).record.read_bytes())


def statuses(outcome: CampaignOutcome) -> dict[str, str | None]:
    return {entry.key: entry.status for entry in outcome.state.runs}


def test_a_sweep_sets_rates_and_concurrencies(tmp_path: Path) -> None:
    campaign = {"kind": "sweep", "rates": [40, 80], "concurrencies": [1, 3]}
    outcome = carry_out(tmp_path, scenarios=["Server"], campaign=campaign, cluster=ONE, engine=ALONE)
    assert outcome.sound, [entry.reason for entry in outcome.state.runs]
    for entry in outcome.state.runs:
        facts = record(outcome, entry)
        assert facts.target_qps == entry.target_qps
        places = entry.shape.concurrency if isinstance(entry.shape, ConcurrencyShape) else FAST["window"]
        assert [endpoint.window for endpoint in facts.endpoints] == [places]
        assert entry.run is not None
        if entry.target_qps:
            detail = read_detail(outcome.folder.run(entry.run).loadgen_detail)
            assert detail.effective["target_qps"] == entry.target_qps
            assert facts.driver == "loadgen"
        else:
            assert facts.driver == "pacer"
            assert facts.shape == entry.shape
    assert sorted(e.target_qps or e.shape.concurrency for e in outcome.state.runs) == [1, 3, 40, 80]  # type: ignore[union-attr]


def test_an_official_rehearsal_with_test06(tmp_path: Path) -> None:
    campaign = {"kind": "official", "compliance": ["TEST06"]}
    changes = {"scenarios": ["Offline", "Server"], "target_qps": {"Server": 100}, "cluster": ONE, "engine": ALONE}
    outcome = carry_out(tmp_path, campaign=campaign, **changes)
    assert outcome.sound, [entry.reason for entry in outcome.state.runs]
    assert len(outcome.state.runs) == 6
    for entry in outcome.state.runs:
        assert entry.run is not None
        run = outcome.folder.run(entry.run)
        logged = run.loadgen_accuracy.read_text().count("qsl_idx")
        if entry.compliance:
            # A performance run of at least 100 queries that logs answers: LoadGen has read audit.config.
            assert record(outcome, entry).compliance == "TEST06"
            assert read_ledger(run).issued >= 100
            assert logged > 0
        else:
            assert logged == (8 if entry.mode == "accuracy" else 0)
            assert not (run.path / "audit.config").exists()
    assert all(result.verdict.words.startswith("short run") for result in outcome.results)


def test_scaling_takes_each_node_alone_and_together(tmp_path: Path) -> None:
    outcome = carry_out(tmp_path, campaign={"kind": "scaling", "repeats": 1, "queries_per_node": 8})
    assert outcome.sound, [entry.reason for entry in outcome.state.runs]
    for entry in outcome.state.runs:
        facts = record(outcome, entry)
        assert [endpoint.node for endpoint in facts.endpoints] == entry.nodes
        assert facts.issued == 8 * len(entry.nodes)


def test_a_node_that_does_not_answer_is_named_and_left_out(tmp_path: Path) -> None:
    with socket.socket() as taken, simulators(tmp_path, [FAST_OPTIONS, FAST_OPTIONS]) as urls:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: nobody answers there, and nobody else can
        dead = f"http://127.0.0.1:{taken.getsockname()[1]}"
        endpoints = [
            {"url": url, "name": f"e{number}", "node": f"n{number}"}
            for number, url in enumerate([urls[0], dead, urls[1]])
        ]
        engine = {
            "kind": "external", "endpoints": endpoints, "model": "simulated", "server": "vllm",
            "ready_timeout_s": 0.5, "window": 4,
        }  # fmt: skip
        listener = Quiet()
        outcome = carry_out(tmp_path, listener, engine=engine, campaign={"kind": "scaling", "repeats": 1})
    assert list(outcome.state.left_out) == ["n1"]
    assert any(said.startswith("node n1 is left out: ") for said in listener.said)
    completed = {tuple(e.nodes) for e in outcome.state.runs if e.status is RunStatus.COMPLETED}
    assert completed == {("n0",), ("n2",), ("n0", "n2")}
    rest = [entry for entry in outcome.state.runs if entry.status is not RunStatus.COMPLETED]
    assert {(entry.status, entry.reason) for entry in rest} == {(RunStatus.SKIPPED, "left out: n1")}
    assert not outcome.sound
    assert outcome.state.ended_utc is not None


def test_a_window_that_is_found_is_the_same_in_all_runs(tmp_path: Path) -> None:
    with simulators(tmp_path, [FAST_OPTIONS]) as urls:
        endpoint = {"url": urls[0], "name": "e0", "node": "n0"}
        engine = {"kind": "external", "endpoints": [endpoint], "model": "simulated", "server": "vllm"}
        outcome = carry_out(tmp_path, engine=engine, campaign={"repeats": 2})
    first, second = (record(outcome, entry).endpoints[0].window for entry in outcome.state.runs)
    assert first is not None
    assert first == second


def test_a_node_without_a_baseline_is_left_out_of_the_groups(tmp_path: Path) -> None:
    engine = {**FAST, "speeds": {}, "faults": {"node-b": ["kind=error_500"]}}
    nodes = {"nodes": [{"name": name} for name in ("node-a", "node-b", "node-c")]}
    outcome = carry_out(tmp_path, engine=engine, cluster=nodes, campaign={"kind": "scaling", "repeats": 2})
    assert list(outcome.state.left_out) == ["node-b"]
    by_status: dict[str | None, set[tuple[str, ...]]] = {}
    for entry in outcome.state.runs:
        by_status.setdefault(entry.status, set()).add(tuple(entry.nodes))
    assert by_status[RunStatus.FAILED] == {("node-b",)}
    assert by_status[RunStatus.COMPLETED] == {("node-a",), ("node-c",), ("node-a", "node-c")}
    assert sum(entry.status is RunStatus.FAILED for entry in outcome.state.runs) == 1


def test_a_run_that_a_server_of_others_left_early_has_failed(tmp_path: Path) -> None:
    # It answers its 60 samples alone, and ends in the run together: no process of ours tells that.
    dying = (*FAST_OPTIONS, "--fault", "kind=die,after=80")
    with simulators(tmp_path, [FAST_OPTIONS, dying]) as urls:
        endpoints = [{"url": url, "name": f"e{number}", "node": f"n{number}"} for number, url in enumerate(urls)]
        engine = {"kind": "external", "endpoints": endpoints, "model": "simulated", "server": "vllm", "window": 4}
        campaign = {"kind": "scaling", "repeats": 1, "queries_per_node": 60}
        outcome = carry_out(tmp_path, engine=engine, campaign=campaign, load={"warmup_prompts": 0})
    ended = {tuple(entry.nodes): (entry.status, entry.reason) for entry in outcome.state.runs}
    assert ended[("n0",)][0] == ended[("n1",)][0] == RunStatus.COMPLETED
    status, reason = ended["n0", "n1"]
    assert status is RunStatus.FAILED
    assert reason.startswith("e1 stopped answering after ")
    assert "; not all endpoints took part to the end" in reason
    assert not outcome.sound


def test_a_server_that_dies_is_started_again_and_the_other_runs_are_done(tmp_path: Path) -> None:
    # The server ends with its eleventh request: in the second run, and never in the first after a start.
    engine = {**ALONE, "faults": {"node-a": ["kind=die,after=10"]}}
    changes = {"cluster": ONE, "campaign": {"repeats": 3}, "load": {"warmup_prompts": 0}}
    outcome = carry_out(tmp_path, engine=engine, **changes)
    assert [entry.status for entry in outcome.state.runs] == ["completed", "failed", "completed"]
    failed = outcome.state.runs[1]
    assert failed.reason.startswith("server node-a ended by itself (exit code 1); every endpoint failed: node-a: ")
    assert failed.run is not None
    ledger = read_ledger(outcome.folder.run(failed.run))
    assert ledger.balanced
    assert ledger.issued == 8 > ledger.completed


def test_a_run_over_its_limit_is_a_timeout_and_a_failure_may_stop_the_rest(tmp_path: Path) -> None:
    engine = {**ALONE, "faults": {"node-a": ["kind=hang"]}}
    changes: dict[str, Any] = {"engine": engine, "cluster": ONE, "load": {"warmup_prompts": 0}}
    limited = {"run_timeout_s": 4, "repeats": 2}
    outcome = carry_out(tmp_path, campaign={**limited, "stop_on_failure": True}, **changes)
    first, second = outcome.state.runs
    assert first.status is RunStatus.TIMEOUT
    assert first.reason.startswith("not over after 4 s")
    assert (second.status, second.reason) == (RunStatus.SKIPPED, "Offline, run 1 of 2 ended as timeout")
    assert first.run is not None
    ledger = read_ledger(outcome.folder.run(first.run))
    assert ledger.balanced
    assert ledger.lost == ledger.issued == 8
    assert outcome.state.ended_utc is None, "what was skipped can still be done"


@pytest.mark.slow
def test_servers_are_started_again_after_a_timeout(tmp_path: Path) -> None:
    # From its ninth request on, the server hangs: the second run times out, and the third finds a fresh server.
    engine = {**ALONE, "faults": {"node-a": ["kind=hang,after=8"]}}
    campaign = {"repeats": 3, "run_timeout_s": 15}
    outcome = carry_out(tmp_path, engine=engine, cluster=ONE, campaign=campaign, load={"warmup_prompts": 0})
    assert [entry.status for entry in outcome.state.runs] == ["completed", "timeout", "completed"]


def test_resuming_repeats_failures_only_when_asked(tmp_path: Path) -> None:
    engine = {**ALONE, "faults": {"node-a": ["kind=die,after=3"]}}
    outcome = carry_out(tmp_path, engine=engine, cluster=ONE, load={"warmup_prompts": 0})
    (entry,) = outcome.state.runs
    assert entry.status is RunStatus.FAILED
    first = entry.run
    listener = Quiet()
    unchanged = resume(outcome, listener)
    assert statuses(unchanged) == {entry.key: RunStatus.FAILED}
    assert unchanged.state.ended_utc == outcome.state.ended_utc
    assert listener.ended == []
    (again,) = resume(outcome, listener, retry_failed=True).state.runs
    assert listener.ended == [entry.key]
    assert again.run != first
    assert again.earlier == [first]


def test_an_error_in_closing_fails_the_run_alone_and_resuming_closes_it(
    tmp_path: Path,
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("lag_ns")

    def first_only(number: int) -> None:
        if number > 1:
            patch.undo()

    patch = pytest.MonkeyPatch()
    patch.setattr("assay.campaign.close.audit_client", broken)
    try:
        outcome = carry_out(tmp_path, Quiet(first_only), cluster=ONE, engine=ALONE, campaign={"repeats": 2})
    finally:
        patch.undo()
    failed, second = outcome.state.runs
    assert (failed.status, second.status) == (RunStatus.FAILED, RunStatus.COMPLETED)
    assert not outcome.sound
    assert failed.run is not None
    folder = outcome.folder.run(failed.run)
    assert failed.reason.startswith(f"{folder.path} couldn't be closed (KeyError: 'lag_ns'); traceback in ")
    assert "Traceback" in folder.driver_log.read_text()
    listener = Quiet()
    again = resume(outcome, listener)
    assert listener.ended == [], "nothing is measured twice"
    assert again.sound
    assert read_ledger(folder).completed == 8


def test_a_report_that_cannot_be_made_is_told_in_one_line(tmp_path: Path) -> None:
    outcome = carry_out(tmp_path, cluster=ONE, engine=ALONE)
    (run,) = outcome.results
    (outcome.folder.run(run.run).path / "charts").write_text("in the way")
    listener = Quiet()
    missing = reporting.render_reports(outcome.folder, listener)
    assert missing == [run.run]
    (told,) = [said for said in listener.said if said.startswith(f"no report of {run.run}: ")]
    assert "\n" not in told


def test_a_campaign_that_is_carried_out_cannot_be_resumed_beside_it(tmp_path: Path) -> None:
    seen: list[str] = []

    def second(number: int) -> None:
        folder = next((tmp_path / "results").iterdir())
        own = config(tmp_path, cluster=ONE, engine=ALONE)
        with pytest.raises(UserError, match="another assay process") as error:
            resume_campaign(own, CampaignFolder(folder), Quiet()).send(None)
        seen.append(str(error.value))

    assert carry_out(tmp_path, Quiet(second), cluster=ONE, engine=ALONE).sound
    assert seen


@pytest.mark.parametrize(("queries", "issued"), [(12, 12), (8, 16), (16, 24)])
def test_single_stream_is_announced_with_the_queries_that_loadgen_issues(
    tmp_path: Path, queries: int, issued: int
) -> None:
    """Of 8 samples, 8 queries become 16: LoadGen fills whole epochs up by one more."""
    announced: list[int] = []
    listener = Quiet()
    listener.run_begins = lambda title, number, total, samples: announced.append(samples)  # type: ignore[method-assign]
    outcome = carry_out(
        tmp_path, listener, scenarios=["SingleStream"], queries={"SingleStream": queries}, cluster=ONE, engine=ALONE
    )
    assert record(outcome, outcome.state.runs[0]).issued == issued
    assert announced == [issued]


def test_the_plan_starts_nothing_and_knows_what_was_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "assay.yaml"
    settings = config(tmp_path, cluster=ONE, engine=ALONE)
    print_plan(file, [], as_json=False)
    assert "time: unknown" in capsys.readouterr().out
    assert not settings.output.exists()
    outcome = carry_out(tmp_path, cluster=ONE, engine=ALONE)
    print_plan(file, [], as_json=False)
    assert f"as measured in run {outcome.state.runs[0].run}" in capsys.readouterr().out


def test_a_kind_decides_the_next_runs_from_the_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []

    def more(
        _self: Any, _config: Any, state: CampaignState, results: Sequence[Result], _folder: CampaignFolder
    ) -> list[RunEntry]:
        seen.append([result.run for result in results])
        if len(state.runs) == 3:
            return []
        last = state.runs[-1]
        return [RunEntry(key=f"more-{len(state.runs)}", scenario="Offline", mode="performance", nodes=last.nodes)]

    monkeypatch.setattr("assay.campaign.kinds.single.Single.more", more)
    outcome = carry_out(tmp_path, cluster=ONE, engine=ALONE)
    assert outcome.sound, [entry.reason for entry in outcome.state.runs]
    assert [entry.key for entry in outcome.state.runs] == ["offline-performance-r0", "more-1", "more-2"]
    assert [len(runs) for runs in seen[:3]] == [1, 2, 3]
