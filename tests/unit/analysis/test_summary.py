"""result.json: figures equal to what plain Python gives, and a verdict that needs every condition."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.audits import complaints
from tests.synthetic import Node, Plan, write_run

from assay.analysis import summarise
from assay.analysis.run import analyse_run
from assay.analysis.summary import UNCOUNTED
from assay.audit import audit_path
from assay.benchmarks import get_benchmark, run_benchmark, write_benchmark
from assay.errors import UserError
from assay.report import render_comparison, render_run
from assay.report.run_page import run_page
from assay.runs import (
    Ledger,
    RequestWriter,
    Result,
    RunFolder,
    RunRecord,
    RunStatus,
    read_record,
    result_json_schema,
    write_json,
)
from assay.runs.shapes import ConcurrencyShape

BENCHMARK = get_benchmark("llama3.1-8b")
OFFICIAL = Plan(samples=13_368, official=True, simulated=False, chunks=False, telemetry=False)
FAST_SERVER = Plan(
    scenario="Server", qps=20.0, samples=13_368, official=True, simulated=False, chunks=False, telemetry=False,
    nodes=(Node("node-a", slots=64), Node("node-b", slots=64)),
)  # fmt: skip


def test_figures_are_those_of_plain_python(tmp_path: Path) -> None:
    folder = write_run(tmp_path, Plan(scenario="Server", qps=10.0, samples=300, failed=4, lost=2))
    result = summarise(folder)
    rows = [row for row in pq.read_table(folder.requests).to_pylist() if row["final"] and row["status"] == "ok"]
    assert len(rows) == 294
    duration = (max(r["done_ns"] for r in rows) - min(r["scheduled_ns"] for r in rows)) / 1e9
    assert result.figures["samples_per_s"].value == pytest.approx(294 / duration)
    tokens = sum(r["output_tokens"] for r in rows)
    assert result.figures["output_tokens_per_s"].value == pytest.approx(tokens / duration)
    assert result.figures["samples_issued"].value == 300
    ttft = sorted(r["first_ns"] - r["scheduled_ns"] for r in rows)
    tpot = sorted((r["last_ns"] - r["first_ns"]) // (r["output_tokens"] - 1) for r in rows)
    latency = sorted(r["last_ns"] - r["scheduled_ns"] for r in rows)
    itl = sorted(b - a for r in rows for a, b in zip(r["chunk_ns"], r["chunk_ns"][1:], strict=False))
    for key, values in {"ttft_ns": ttft, "tpot_ns": tpot, "latency_ns": latency}.items():
        found = result.latency[key]
        assert (found.n, found.min, found.max) == (len(values), values[0], values[-1])
        assert found.p50 == values[math.floor(len(values) * 0.5)]
        assert found.p99 == values[math.floor(len(values) * 0.99)]
        assert found.p99_9 == values[math.floor(len(values) * 0.999)]
    assert result.latency["itl_ns"].n == len(itl)
    assert abs(result.latency["itl_ns"].p90 - itl[math.floor(len(itl) * 0.9)]) <= 1000
    for endpoint in result.endpoints:
        own = [r for r in rows if r["endpoint"] == endpoint.endpoint]
        assert endpoint.samples == len(own)
        assert endpoint.output_tokens == sum(r["output_tokens"] for r in own)


def uncounted(folder: RunFolder) -> RunFolder:
    """The same run where nobody counts the answers' tokens."""
    rows = pq.read_table(folder.requests).to_pylist()
    unknown = {"output_tokens": None, "streamed_tokens": None, "token_source": None}
    with RequestWriter(folder.requests) as writer:
        writer.write({**row, **unknown} for row in rows)
    ledger = Ledger.model_validate_json(folder.ledger.read_bytes())
    write_json(folder.ledger, ledger.model_copy(update={"estimated_tokens": ledger.completed}))
    return folder


@pytest.mark.parametrize("shape", [None, ConcurrencyShape(concurrency=4, duration_s=2)], ids=["by number", "by time"])
def test_tokens_that_nobody_counts_are_absent_and_not_none(tmp_path: Path, shape: ConcurrencyShape | None) -> None:
    folder = uncounted(write_run(tmp_path, Plan(samples=300)))
    if shape is not None:
        record = RunRecord.model_validate_json(folder.record.read_bytes())
        write_json(folder.record, record.model_copy(update={"shape": shape}))
    result = summarise(folder)
    assert not [name for name in result.figures if "output_tokens" in name]
    assert result.figures["samples_per_s"].value > 0
    assert result.figures["mean_input_tokens"].value > 0
    assert "tpot_ns" not in result.latency
    assert all(e.output_tokens is None and e.output_tokens_per_s is None for e in result.endpoints)
    assert [notice for notice in result.notices if "tokenizer" in notice] == [UNCOUNTED]
    assert UNCOUNTED not in summarise(write_run(tmp_path / "counted", Plan(samples=300))).notices


def test_a_run_without_counted_tokens_has_its_pages_and_a_clean_audit(tmp_path: Path) -> None:
    folder = uncounted(write_run(tmp_path, Plan(samples=300)))
    write_json(folder.result, summarise(folder))
    assert complaints(audit_path(folder.path)) == []
    page = render_run(folder).read_text()
    assert "Samples/s" in page
    assert UNCOUNTED in (folder.path / "report.md").read_text()
    run = analyse_run(folder)
    titles = [panel.title for chart in run_page(run).charts for panel in chart.panels]
    assert not [title for title in titles if "Output tokens" in title or "TPOT" in title]
    assert all("Output tokens/s" not in change.quantity for change in render_comparison([folder, folder])[1][0].changes)


def test_tokens_that_are_stated_and_not_counted_are_found(tmp_path: Path) -> None:
    folder = write_run(tmp_path, Plan(samples=300))
    write_json(folder.result, summarise(folder))
    found = {finding.rule for finding in audit_path(uncounted(folder).path).problems}
    assert "recomputed" in found


def test_result_keeps_its_schema(tmp_path: Path) -> None:
    result = summarise(write_run(tmp_path, Plan(samples=100)))
    data = orjson.loads(result.model_dump_json())
    jsonschema.validate(data, result_json_schema())
    assert Result.model_validate(data) == result


@pytest.mark.parametrize("plan", [OFFICIAL, FAST_SERVER], ids=["Offline", "Server"])
def test_an_official_run_that_keeps_all_rules_is_valid(tmp_path: Path, plan: Plan) -> None:
    verdict = summarise(write_run(tmp_path, plan)).verdict
    assert verdict.valid, verdict.reasons
    assert verdict.words == "VALID; data set: unverified copy"
    assert verdict.reasons == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"loadgen_result": "INVALID"}, "LoadGen: INVALID"),
        ({"loadgen_result": None}, "gave no verdict"),
        ({"loadgen_errors": 2}, "2 errors in LoadGen's log"),
        ({"failed": 1}, "1 failed and 0 lost"),
        ({"lost": 1}, "0 failed and 1 lost"),
        ({"simulated": True}, "simulated"),
        ({"settings": {"schedule_rng_seed": 1}}, "schedule_rng_seed is 1"),
        ({"settings": {"min_duration_ms": 10_000}}, "min_duration_ms is 10000"),
        ({"settings": {"performance_sample_count": 1000}}, "performance_sample_count is 1000"),
        ({"settings": {"samples_per_query": 5000}}, "samples_per_query is 5000"),
        ({"settings": {"use_token_latencies": False}}, "use_token_latencies"),
        ({"settings": {"performance_issue_same": True}}, "performance_issue_same"),
        ({"benchmark": "smollm2-135m"}, "is not an MLPerf benchmark"),
        ({"official": False}, "short by its settings"),
    ],
)
def test_each_condition_alone_forbids_valid(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    plan = replace(OFFICIAL, **change)
    result = summarise(write_run(tmp_path, plan))
    assert not result.verdict.valid
    assert "VALID" not in result.verdict.words.split() or "not valid" in result.verdict.words
    assert any(reason in text for text in result.verdict.reasons), result.verdict.reasons


@pytest.mark.parametrize(
    ("file", "change", "reason"),
    [
        ("ledger", {"estimated_tokens": 7}, "chunks as tokens for 7 samples"),
        ("ledger", {"resent_after_first_token": 3}, "3 samples were sent again after LoadGen had their first token"),
        ("record", {"client": {"client_bound": True, "reasons": ["no core left"]}}, "no core left"),
        ("record", {"dataset_samples": 500}, "the data set has 500 samples, the benchmark's 13368"),
    ],
)
def test_each_fact_of_the_run_alone_forbids_valid(
    tmp_path: Path, file: str, change: dict[str, Any], reason: str
) -> None:
    folder = write_run(tmp_path, OFFICIAL)
    path: Path = getattr(folder, file)
    write_json(path, orjson.loads(path.read_bytes()) | change)
    verdict = summarise(folder).verdict
    assert not verdict.valid
    assert verdict.words.startswith("not valid, though LoadGen says VALID: ")
    assert [reason in text for text in verdict.reasons] == [True], verdict.reasons


def test_a_log_without_an_end_forbids_valid(tmp_path: Path) -> None:
    folder = write_run(tmp_path, OFFICIAL)
    lines = folder.loadgen_detail.read_text().splitlines(keepends=True)
    folder.loadgen_detail.write_text("".join(line for line in lines if '"num_' not in line))
    verdict = summarise(folder).verdict
    assert not verdict.valid
    assert "LoadGen's detail log has no end" in verdict.reasons


def test_a_limit_on_what_was_not_measured_does_not_hold(tmp_path: Path) -> None:
    """Answers of one token have no time per token."""
    folder = write_run(tmp_path, FAST_SERVER)
    table = pq.read_table(folder.requests)
    column = table.schema.get_field_index("output_tokens")
    ones = pa.array([1] * len(table), table.schema.field(column).type)
    pq.write_table(table.set_column(column, table.schema.field(column), ones), folder.requests)
    verdict = summarise(folder).verdict
    assert not verdict.valid
    assert "TPOT: not measured, and Server limits its 99th percentile" in verdict.reasons


def test_random_weights_forbid_valid_and_are_named(tmp_path: Path) -> None:
    folder = write_run(tmp_path, OFFICIAL)
    record = RunRecord.model_validate_json(folder.record.read_bytes())
    record.endpoints[0].settings["load_format"] = "dummy"
    write_json(folder.record, record)
    result = summarise(folder)
    assert not result.verdict.valid
    assert any("weights are random" in reason for reason in result.verdict.reasons)
    assert any(notice.startswith("Random weights") for notice in result.notices)


def test_interactive_limits_bind_though_loadgen_doesnt_know_them(tmp_path: Path) -> None:
    """31 ms a token is fast enough for Server's 100 ms and too slow for Interactive's 30 ms."""
    plan = replace(FAST_SERVER, scenario="Interactive")
    verdict = summarise(write_run(tmp_path, plan)).verdict
    assert not verdict.valid
    assert verdict.words.startswith("not valid, though LoadGen says VALID: TPOT p99 is")


@pytest.mark.parametrize("loadgen", ["VALID", "INVALID"])
def test_a_short_run_says_so_whatever_loadgen_says(tmp_path: Path, loadgen: str) -> None:
    result = summarise(write_run(tmp_path, Plan(samples=100, loadgen_result=loadgen)))
    assert result.verdict.words.startswith("short run: not valid for MLPerf")
    assert ("LoadGen: INVALID" in result.verdict.words) == (loadgen == "INVALID")
    assert result.loadgen.result == loadgen


@pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.INTERRUPTED, RunStatus.TIMEOUT, RunStatus.INCOMPLETE])
def test_a_run_without_an_end_has_counts_and_no_rate(tmp_path: Path, status: RunStatus) -> None:
    result = summarise(write_run(tmp_path, Plan(samples=100, lost=30, status=status)))
    assert result.verdict.words == f"{status}: no result"
    assert result.figures["samples_lost"].value == 30
    assert "samples_per_s" not in result.figures
    assert result.latency == {}
    assert result.endpoints == []


@pytest.mark.parametrize(
    "change",
    [
        {"completed": 99, "lost": 1},  # other than the rows
        {"issued": 101},  # other than the sum
        {"problems": ["samples answered more than once: 7"]},
    ],
)
def test_a_ledger_that_doesnt_balance_is_no_result(tmp_path: Path, change: dict[str, Any]) -> None:
    folder = write_run(tmp_path, Plan(samples=100))
    write_json(folder.ledger, orjson.loads(folder.ledger.read_bytes()) | change)
    result = summarise(folder)
    assert result.verdict.words == "not accounted for: no result"
    assert "samples_per_s" not in result.figures


@pytest.mark.parametrize("gone", ["ledger", "requests", "loadgen_summary", "loadgen_detail", "telemetry", "system"])
def test_missing_files_give_a_result_that_says_so(tmp_path: Path, gone: str) -> None:
    folder = write_run(tmp_path, Plan(samples=100))
    getattr(folder, gone).unlink()
    result = summarise(folder)
    assert not result.verdict.valid
    if gone in ("ledger", "requests"):
        assert "samples_per_s" not in result.figures


def test_what_isnt_a_run_folder_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not a run folder"):
        summarise(RunFolder(tmp_path))
    folder = write_run(tmp_path, Plan(samples=100))
    folder.ledger.write_text("{")
    with pytest.raises(UserError, match=r"ledger\.json"):
        summarise(folder)


def test_accuracy_runs_carry_the_gate_and_never_the_word(tmp_path: Path) -> None:
    plan = replace(OFFICIAL, mode="accuracy", settings={"samples_per_query": 13_368})
    whole = summarise(write_run(tmp_path / "whole", plan))
    assert whole.accuracy is not None
    assert whole.verdict.valid, whole.verdict.reasons
    assert whole.verdict.words == "accuracy run, quality gate: pass; data set: unverified copy"
    part = summarise(write_run(tmp_path / "part", replace(plan, samples=500)))
    assert not part.verdict.valid
    assert "not comparable" in part.verdict.words


def with_samples(folder: RunFolder, ids: str, **changes: Any) -> RunFolder:
    """The run with another data set, by the SHA-256 of its token ids."""
    record = read_record(folder).model_copy(update={"dataset_tokens_sha256": ids, **changes})
    write_json(folder.record, record)
    return folder


def test_a_result_on_samples_that_are_known_to_be_the_benchmarks_says_valid_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    know(monkeypatch, "a" * 64)
    result = summarise(with_samples(write_run(tmp_path, OFFICIAL), "a" * 64))
    assert (result.verdict.valid, result.verdict.words) == (True, "VALID")
    assert not any("Data set" in notice for notice in result.notices)


def test_a_result_on_other_samples_is_not_valid_whatever_its_folder_says_of_the_benchmark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    know(monkeypatch, "a" * 64)
    folder = with_samples(write_run(tmp_path, OFFICIAL), "b" * 64)
    own = run_benchmark(folder)
    forged = own.dataset.model_copy(update={"tokens_sha256": "b" * 64})
    write_benchmark(folder.benchmark, own.model_copy(update={"dataset": forged}))
    verdict = summarise(folder).verdict
    assert not verdict.valid
    assert "their token ids are others" in verdict.words


def test_a_copy_that_cant_be_verified_is_stated_with_its_digest(tmp_path: Path) -> None:
    result = summarise(with_samples(write_run(tmp_path, OFFICIAL), "b" * 64))
    (notice,) = [notice for notice in result.notices if notice.startswith("Data set: unverified copy")]
    assert "b" * 64 in notice


def test_generated_samples_are_no_mlperf_result(tmp_path: Path) -> None:
    verdict = summarise(with_samples(write_run(tmp_path, OFFICIAL), "", dataset_generated=True)).verdict
    assert not verdict.valid
    assert "the samples are generated, not the benchmark's" in verdict.reasons


def know(monkeypatch: pytest.MonkeyPatch, ids: str) -> None:
    """As if the token ids of the official samples were known to have this SHA-256."""
    known = get_benchmark(OFFICIAL.benchmark)
    dataset = known.dataset.model_copy(update={"tokens_sha256": ids})
    monkeypatch.setattr(
        "assay.benchmarks.copies.get_benchmark", lambda _: known.model_copy(update={"dataset": dataset})
    )


def test_resent_and_failed_samples_are_stated(tmp_path: Path) -> None:
    result = summarise(write_run(tmp_path, Plan(samples=200, failed=3, resent=5)))
    assert any("5 of 200 samples needed more than one attempt" in notice for notice in result.notices)
    assert any("3 of 200 samples failed" in notice for notice in result.notices)


def test_the_same_files_give_the_same_result(tmp_path: Path) -> None:
    folder = write_run(tmp_path, Plan(samples=500))
    assert summarise(folder).model_dump_json() == summarise(folder).model_dump_json()


def test_how_generated_prompts_got_their_lengths_is_said(tmp_path: Path) -> None:
    note = "prompt lengths are in words: nothing that counts tokens was there"
    for given, said in ((note, f"The samples are generated, not real texts; {note}."), ("", "real texts.")):
        folder = write_run(tmp_path / str(len(given)), Plan(samples=50))
        record = read_record(folder).model_copy(update={"dataset_generated": True, "dataset_note": given})
        write_json(folder.record, record)
        (notice,) = [notice for notice in summarise(folder).notices if "generated" in notice]
        assert notice.endswith(said)
