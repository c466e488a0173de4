"""Run folders: what the harness writes is clean, what a hand changes afterwards is found."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.audits import complaints
from tests.synthetic import Node, Plan, write_campaign, write_run

from assay.analysis import summarise
from assay.audit import AuditReport, Judgement, audit_path
from assay.errors import UserError
from assay.runs import RequestWriter, RunFolder, RunStatus, read_requests, write_json

CPU = {
    "name": "a CPU",
    "memory_gb": 64.0,
    "bandwidth_gb_s": 40.0,
    "cache_mb": 32.0,
    "tflops": {"fp32": 0.4, "fp16": 4.0},
    "source": "measured",
    "cores": 8,
}


def finished(parent: Path, plan: Plan) -> RunFolder:
    folder = write_run(parent, plan)
    write_json(folder.result, summarise(folder))
    return folder


def change(path: Path, edit: Callable[[Any], object]) -> None:
    data = json.loads(path.read_text())
    edit(data)
    path.write_text(json.dumps(data))


def raised(report: AuditReport) -> set[tuple[str, Judgement]]:
    return {(finding.rule, finding.verdict) for finding in report.problems}


@pytest.mark.parametrize(
    "plan",
    [
        Plan(samples=400),
        Plan(samples=400, failed=7, lost=3, resent=9, status=RunStatus.INVALID),
        Plan(samples=300, scenario="Server", qps=3.0),
        Plan(samples=300, scenario="Interactive", qps=2.0),
        Plan(samples=40, scenario="SingleStream", nodes=(Node("node-a", slots=1),)),
        Plan(samples=200, mode="accuracy"),
        Plan(samples=200, status=RunStatus.FAILED),
        Plan(samples=200, loadgen_result="INVALID", loadgen_errors=3),
    ],
    ids=lambda plan: f"{plan.scenario}-{plan.mode}-{plan.status}-{plan.failed}",
)
def test_what_the_harness_writes_is_clean(tmp_path: Path, plan: Plan) -> None:
    report = audit_path(finished(tmp_path, plan).path)
    assert complaints(report) == []
    assert report.exit_code == 0


def test_answers_are_held_against_what_their_own_requests_allowed(tmp_path: Path) -> None:
    folder = write_run(tmp_path, Plan(samples=100))
    rows = read_requests(folder.requests).to_pylist()

    def audited(limit: Callable[[int], int]) -> set[str]:
        with RequestWriter(folder.requests) as writer:
            writer.write({**row, "max_tokens": limit(row["output_tokens"]), "finish_reason": "length"} for row in rows)
        write_json(folder.result, summarise(folder))
        return {finding.statement for finding in audit_path(folder.path).problems if finding.rule == "output-ends"}

    assert audited(lambda tokens: tokens) == set()
    (words,) = audited(lambda tokens: tokens + 1)
    assert "100 answers ended at the limit" in words
    assert any("answers are longer" in words for words in audited(lambda tokens: tokens // 2))


def test_answers_beyond_the_limit_are_said_once_with_the_tokens_that_came(tmp_path: Path) -> None:
    folder = write_run(tmp_path, Plan(samples=100))
    rows = read_requests(folder.requests).to_pylist()
    with RequestWriter(folder.requests) as writer:
        writer.write({**row, "output_tokens": 512} for row in rows)
    write_json(folder.result, summarise(folder))
    found = [f for f in audit_path(folder.path).problems if f.rule == "output-ends" and "limit is" in f.arithmetic]
    assert [f.arithmetic for f in found] == ["512 tokens came, the limit is 128"]


def test_a_folder_of_campaigns_names_some_of_them(tmp_path: Path) -> None:
    for name in ("a", "b", "c", "d"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "campaign.json").write_text("{}")
    with pytest.raises(UserError, match=f"holds campaigns.*such as {tmp_path}/b, {tmp_path}/c, {tmp_path}/d$"):
        audit_path(tmp_path)


def test_a_campaign_is_all_its_runs(tmp_path: Path) -> None:
    plans = {f"offline-{i}-r0": Plan(samples=100, seed=i) for i in range(3)}
    campaign = write_campaign(tmp_path, plans)
    for name in plans:
        folder = campaign.run(name)
        write_json(folder.result, summarise(folder))
    report = audit_path(campaign.path)
    assert complaints(report) == []
    assert report.kind == "campaign"
    assert sum(": " not in row.run for row in report.rows) == 3


def test_a_run_that_was_copied_in_a_campaign(tmp_path: Path) -> None:
    plans = {"offline-0-r0": Plan(samples=100), "offline-0-r1": Plan(samples=100)}
    campaign = write_campaign(tmp_path, plans)
    for name in plans:
        folder = campaign.run(name)
        write_json(folder.result, summarise(folder))
    assert ("identical-figures", Judgement.UNSUPPORTED) in raised(audit_path(campaign.path))


def scaling_campaign(parent: Path) -> Path:
    """Two nodes alone and together, rendered."""
    a, b = Node("node-a", speed=0.6), Node("node-b")
    plans = {
        f"offline-{name}-r{repeat}": Plan(samples=120 * len(nodes), nodes=nodes, seed=10 * repeat + i)
        for repeat in range(3)
        for i, (name, nodes) in enumerate({"a": (a,), "b": (b,), "ab": (a, b)}.items())
    }
    campaign = write_campaign(parent, plans)
    rates: dict[str, list[float]] = {"a": [], "b": [], "ab": []}
    for name in plans:
        folder = campaign.run(name)
        result = summarise(folder)
        write_json(folder.result, result)
        rates[name.split("-")[1]].append(result.figures["output_tokens_per_s"].value)
    a_rate, b_rate, both = (sum(rates[name]) / 3 for name in ("a", "b", "ab"))
    group = {"nodes": ["node-a", "node-b"], "rate": both, "efficiency": both / (a_rate + b_rate), "low": 0.9}
    group["speedup"] = both / max(a_rate, b_rate)
    write_json(campaign.path / "report.json", {"scaling": {"groups": [group]}})
    return campaign.path


def test_the_scaling_of_a_campaign_follows_from_its_runs(tmp_path: Path) -> None:
    report = audit_path(scaling_campaign(tmp_path))
    assert complaints(report) == []
    assert {"scaling-efficiency", "speedup-baseline"} <= {finding.rule for finding in report.findings}


@pytest.mark.parametrize(("key", "rule"), [("efficiency", "scaling-efficiency"), ("speedup", "speedup-baseline")])
def test_a_scaling_that_was_changed_by_hand(tmp_path: Path, key: str, rule: str) -> None:
    path = scaling_campaign(tmp_path)
    change(
        path / "report.json", lambda d: d["scaling"]["groups"][0].update({key: d["scaling"]["groups"][0][key] * 1.05})
    )
    assert (rule, Judgement.CONTRADICTED) in raised(audit_path(path))


def test_a_folder_of_campaigns_and_other_logs(tmp_path: Path) -> None:
    scaling_campaign(tmp_path / "results" / "one")
    folder = finished(tmp_path / "results" / "two" / "runs", Plan(samples=100, seed=99))
    bare = tmp_path / "results" / "logs"
    bare.mkdir()
    for path in (folder.loadgen_summary, folder.loadgen_detail):
        (bare / path.name).write_bytes(path.read_bytes())
    report = audit_path(tmp_path / "results")
    whole = [row for row in report.rows if ": " not in row.run]
    assert len(whole) == 9 + 1 + 1
    assert {finding.subject for finding in report.problems} <= {"logs"}  # a bare log's VALID


EDITS: dict[str, tuple[str, str, Callable[[Any], object]]] = {
    "a faster run": ("recomputed", "result", lambda d: d["figures"]["samples_per_s"].update(value=99.0)),
    "a lower p99": (
        "recomputed",
        "result",
        lambda d: d["latency"]["ttft_ns"].update(p99=d["latency"]["ttft_ns"]["p97"] - 1),
    ),
    "more tokens": ("recomputed", "result", lambda d: d["figures"]["output_tokens"].update(value=1e7)),
    "failures forgotten": ("recomputed", "ledger", lambda d: d.update(failed=0, issued=d["issued"] - d["failed"])),
    "samples forgotten": ("ledger-balance", "ledger", lambda d: d.update(issued=d["issued"] + 5)),
    "an endpoint's share": ("ledger-balance", "result", lambda d: d["endpoints"][0].update(samples=3)),
    "VALID by hand": ("valid-claim", "result", lambda d: d["verdict"].update(valid=True)),
    "a simulation called VALID": ("simulated", "result", lambda d: d["verdict"].update(valid=True)),
    "a figure that is missing": ("template-residue", "result", lambda d: d["verdict"].update(words="{{ verdict }}")),
}


@pytest.mark.parametrize("kind", EDITS)
def test_what_a_hand_changes_is_found(tmp_path: Path, kind: str) -> None:
    rule, file, edit = EDITS[kind]
    folder = finished(tmp_path, Plan(samples=300, failed=4, loadgen_result="INVALID"))
    change(getattr(folder, file), edit)
    report = audit_path(folder.path)
    assert rule in {finding.rule for finding in report.problems}, complaints(report)


def logged(folder: RunFolder, **figures: float) -> RunFolder:
    """The folder with LoadGen's percentiles in its summary: result.json's, each times its factor of `figures`."""
    latency = json.loads(folder.result.read_text())["latency"]
    names = {"latency": ("latency_ns", "percentile latency"), "ttft": ("ttft_ns", "percentile first token latency")}
    lines = [
        f"{share}.00 {words} (ns) : {int(latency[key][f'p{share}'] * figures.get(f'{name}_p{share}', 1.0))}"
        for name, (key, words) in names.items()
        for share in (50, 90, 99)
    ]
    text = folder.loadgen_summary.read_text()
    folder.loadgen_summary.write_text(text.replace("Mean latency (ns)", "\n".join(lines) + "\nMean latency (ns)", 1))
    return folder


def test_loadgens_times_may_be_later_than_the_folders_but_not_by_much(tmp_path: Path) -> None:
    plan = Plan(samples=300, scenario="Server", qps=3.0)
    late = logged(finished(tmp_path / "late", plan), latency_p50=1.015, ttft_p99=1.015)
    assert complaints(audit_path(late.path)) == []


@pytest.mark.parametrize("factor", [{"latency_p90": 1.6}, {"latency_p50": 0.97}, {"ttft_p99": 0.9}], ids=str)
def test_a_percentile_that_isnt_loadgens(tmp_path: Path, factor: dict[str, float]) -> None:
    folder = logged(finished(tmp_path, Plan(samples=300, scenario="Server", qps=3.0)), **factor)
    assert raised(audit_path(folder.path)) == {("folder-and-log", Judgement.CONTRADICTED)}


def test_a_log_as_late_as_a_machine_that_stalled_is_no_contradiction(tmp_path: Path) -> None:
    folder = logged(finished(tmp_path, Plan(samples=300, scenario="Server", qps=3.0)), latency_p90=1.09)
    assert raised(audit_path(folder.path)) == {("folder-and-log", Judgement.UNSUPPORTED)}


FACTS: dict[str, tuple[str, Callable[[Any], object]]] = {
    "scenario": ("record", lambda d: d.update(scenario="SingleStream")),
    "LoadGen's word": ("result", lambda d: d["loadgen"].update(result="VALID")),
}


@pytest.mark.parametrize("kind", FACTS)
def test_a_fact_that_isnt_loadgens(tmp_path: Path, kind: str) -> None:
    file, edit = FACTS[kind]
    folder = finished(tmp_path, Plan(samples=100, loadgen_result="INVALID"))
    assert "folder-and-log" not in {rule for rule, _ in raised(audit_path(folder.path))}
    change(getattr(folder, file), edit)
    assert ("folder-and-log", Judgement.CONTRADICTED) in raised(audit_path(folder.path))


def test_a_count_that_isnt_loadgens(tmp_path: Path) -> None:
    folder = finished(tmp_path, Plan(samples=100, scenario="Server", qps=3.0))
    line = ':::MLLOG {"key": "generated_samples_per_query", "value": 1, "time_ms": 0.0, "metadata": {}}\n'
    folder.loadgen_detail.write_text(line + folder.loadgen_detail.read_text())
    assert complaints(audit_path(folder.path)) == []
    change(folder.ledger, lambda d: d.update(loadgen_completed=99))
    assert ("folder-and-log", Judgement.CONTRADICTED) in raised(audit_path(folder.path))


@pytest.mark.parametrize("file", ["ledger", "requests", "loadgen_summary", "loadgen_detail", "loadgen_accuracy"])
def test_a_file_that_is_missing_is_said_with_what_rested_on_it(tmp_path: Path, file: str) -> None:
    folder = finished(tmp_path, Plan(samples=100, mode="accuracy" if file == "loadgen_accuracy" else "performance"))
    path: Path = getattr(folder, file)
    path.unlink()
    found = [finding for finding in audit_path(folder.path).problems if finding.rule == "missing-files"]
    assert [(finding.verdict, path.name in finding.arithmetic) for finding in found] == [(Judgement.UNSUPPORTED, True)]


def test_damaged_files_of_a_run_are_findings(tmp_path: Path) -> None:
    folder = finished(tmp_path, Plan(samples=100))
    for path in (folder.requests, folder.ledger, folder.result, folder.loadgen_detail):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    report = audit_path(folder.path)
    assert ("log-integrity", Judgement.UNSUPPORTED) in raised(report)
    assert len(report.problems) >= 4


def test_a_folder_whose_record_is_damaged_cant_be_read(tmp_path: Path) -> None:
    folder = finished(tmp_path, Plan(samples=100))
    folder.record.write_text("{")
    with pytest.raises(UserError, match=r"run\.json"):
        audit_path(folder.path)


def own_cpu(folder: RunFolder, **limits: Any) -> None:
    """The run as one of the bundled model on this machine's CPU."""
    change(folder.system, lambda d: d.update(cpu_ceiling={**CPU, **limits}))

    def edit(record: Any) -> None:
        record.update(simulated=False, model="SmolLM2-135M-Instruct")
        for endpoint in record["endpoints"]:
            endpoint.update(accelerators=[], settings={"precision": "bf16"})

    change(folder.record, edit)
    change(folder.benchmark, lambda d: d.update(starting_weights="SmolLM2-135M-Instruct"))
    write_json(folder.result, summarise(folder))


def test_mbu_and_mfu_of_a_measured_cpu(tmp_path: Path) -> None:
    folder = finished(tmp_path, Plan(samples=200, nodes=(Node("node-a"),)))
    own_cpu(folder)
    report = audit_path(folder.path)
    assert complaints(report) == []
    row = report.rows[0]
    assert row.mfu is not None
    assert row.mbu is not None
    assert 0 < row.mfu < 1
    assert 0 < row.mbu < 1
    assert row.ceiling_samples_per_s is not None
    assert any("micro-benchmark" in words for words in row.utilisation_arithmetic)


def test_a_cpu_that_is_far_too_slow_for_the_figures(tmp_path: Path) -> None:
    folder = finished(tmp_path, Plan(samples=200, nodes=(Node("node-a"),)))
    own_cpu(folder, tflops={"fp16": 0.001})
    assert ("ceiling-throughput", Judgement.IMPOSSIBLE) in raised(audit_path(folder.path))


def test_a_cpu_ceiling_that_cant_be_read_is_noted(tmp_path: Path) -> None:
    folder = finished(tmp_path, Plan(samples=200, nodes=(Node("node-a"),)))
    own_cpu(folder, bandwidth_gb_s="fast")
    report = audit_path(folder.path)
    assert report.exit_code == 0
    assert any("cpu_ceiling" in note for note in report.rows[0].notes)


def test_the_word_on_a_run_is_the_harness_own(tmp_path: Path) -> None:
    plan = replace(Plan(samples=100), simulated=False)
    assert audit_path(finished(tmp_path, plan).path).rows[0].result != "VALID"
