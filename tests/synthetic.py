"""Complete synthetic run folders: a small seeded queue simulation with planted causes and a known answer.

Nothing here is a measurement. The folders have every file of a real run, LoadGen's two logs included, so that
analyses and reports can be tested against causes that are known because they were put in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from tests.synthetic_queue import CLOCK_ZERO_NS, SECOND, Node, Plan, Table, simulate

from assay.benchmarks import get_benchmark, write_benchmark
from assay.runs import (
    REQUESTS_SCHEMA,
    CampaignFolder,
    CampaignState,
    EndpointFacts,
    EndpointLedger,
    Ledger,
    RunEntry,
    RunFolder,
    RunRecord,
    TelemetryJournal,
    WarmupFacts,
    read_record,
    read_requests,
    write_json,
    write_telemetry,
)
from assay.runs.progress import EndpointProgress, ProgressEvent, append_event
from assay.runs.result import AccuracyResult, EndpointScore, EndpointScores, Score
from assay.runs.sketch import Recorder

__all__ = ["Node", "Plan", "write_campaign", "write_run"]

UTC_OFFSET_NS = 1_767_225_600 * SECOND - CLOCK_ZERO_NS  # 2026-01-01T00:00:00Z
OFFICIAL_SEEDS = {
    "qsl_rng_seed": 2085463073848966840,
    "sample_index_rng_seed": 2747215439041700203,
    "schedule_rng_seed": 16159082839903944936,
}
_ROWS = 16_384
_MODEL = "synthetic-8b"


def write_run(parent: Path, plan: Plan) -> RunFolder:
    """Simulate and write one run folder below `parent`."""
    folder = RunFolder(parent / plan.run_id)
    folder.path.mkdir(parents=True)
    table = simulate(plan)
    _write_requests(folder.requests, plan, table)
    ledger = _ledger(plan, table)
    write_json(folder.ledger, ledger)
    write_json(folder.record, _record(plan, folder, ledger, table))
    weights = {"starting_weights": _MODEL}
    write_benchmark(folder.benchmark, get_benchmark(plan.benchmark).model_copy(update=weights))
    folder.config.write_text(f"benchmark: {plan.benchmark}\n")
    _write_progress(folder, plan, table, ledger)
    write_json(folder.system, _system(plan))
    if plan.telemetry:
        _write_telemetry(folder.telemetry, plan, table)
    _write_logs(folder, plan, table)
    if plan.mode == "accuracy":
        write_json(folder.accuracy, _accuracy(plan))
        _write_answers(folder)
    return folder


def _write_requests(path: Path, plan: Plan, table: Table) -> None:
    names = pa.array([f"{node.name}-0" for node in plan.nodes])
    with pq.ParquetWriter(path, REQUESTS_SCHEMA, compression="zstd") as writer:
        for rows in _row_ranges(plan.samples):
            writer.write_table(_rows(plan, table, rows, names))
        if plan.resent:
            writer.write_table(_failed_attempts(plan, table, names))


def _resent(plan: Plan, table: Table) -> np.ndarray:
    """The samples that were answered at the second attempt."""
    again = np.zeros(plan.samples, dtype=bool)
    again[np.flatnonzero(table.ok)[: plan.resent]] = True
    return again


def _failed_attempts(plan: Plan, table: Table, names: pa.Array) -> pa.Table:
    """The first attempts of samples that were sent again: each failed at once."""
    rows = np.flatnonzero(_resent(plan, table))
    failed = replace(table, ok=np.zeros(plan.samples, dtype=bool), last=table.sent)
    whole = _rows(replace(plan, resent=0), failed, rows, names)
    place = whole.schema.get_field_index("final")
    return whole.set_column(place, whole.schema.field("final"), pa.array(np.zeros(len(rows), dtype=bool)))


def _row_ranges(count: int) -> Iterator[np.ndarray]:
    for begin in range(0, count, _ROWS):
        yield np.arange(begin, min(count, begin + _ROWS))


def _rows(plan: Plan, table: Table, rows: np.ndarray, names: pa.Array) -> pa.Table:
    ok = table.ok[rows]
    count = len(rows)
    scheduled = plan.scenario in ("Server", "Interactive")

    def times(values: np.ndarray) -> pa.Array:
        return pa.array(values, pa.int64(), mask=~ok)

    statuses = np.where(ok, 0, np.where(table.lost[rows], 2, 1))
    columns: dict[str, Any] = {
        "sample_id": rows,
        "qsl_idx": table.qsl_idx[rows],
        "attempt": 1 + _resent(plan, table)[rows],
        "final": np.ones(count, dtype=bool),
        "endpoint": pa.DictionaryArray.from_arrays(pa.array(table.endpoint[rows], pa.int16()), names),
        "worker": np.zeros(count),
        "status": pa.DictionaryArray.from_arrays(
            pa.array(statuses, pa.int16()), pa.array(["ok", "http_error", "lost"])
        ),
        "issued_ns": table.start[rows],
        "scheduled_ns": pa.array(table.start[rows], pa.int64(), mask=np.full(count, not scheduled)),
        "sent_ns": table.sent[rows],
        "first_ns": times(table.first[rows]),
        "last_ns": times(table.last[rows]),
        "done_ns": table.last[rows] + 100_000,
        "input_tokens": table.inputs[rows],
        "output_tokens": pa.array(table.outputs[rows], pa.int32(), mask=~ok),
        "token_source": pa.DictionaryArray.from_arrays(pa.array(np.zeros(count), pa.int8()), pa.array(["ids"])),
        "finish_reason": pa.DictionaryArray.from_arrays(
            pa.array((table.outputs[rows] < 128).astype(np.int64), pa.int16()), pa.array(["length", "stop"])
        ),
        "reused": np.ones(count, dtype=bool),
    }
    if plan.chunks:
        columns |= _chunks(plan, table, rows)
    arrays = []
    for column in REQUESTS_SCHEMA:
        value = columns.get(column.name)
        if value is None:
            arrays.append(pa.nulls(count, column.type))
        elif isinstance(value, pa.Array):
            arrays.append(value if pa.types.is_dictionary(value.type) else value.cast(column.type))
        else:
            arrays.append(pa.array(value).cast(column.type))
    return pa.Table.from_arrays(arrays, schema=REQUESTS_SCHEMA)


def _chunks(plan: Plan, table: Table, rows: np.ndarray) -> dict[str, pa.Array]:
    """One token a chunk, evenly spaced with a jitter that keeps their order."""
    rng = np.random.default_rng([plan.seed, int(rows[0])])
    lengths = np.where(table.ok[rows], table.outputs[rows], 0)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    place = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
    step = (table.last[rows] - table.first[rows]) / np.maximum(table.outputs[rows] - 1, 1)
    begin = np.repeat(table.first[rows] - table.sent[rows], lengths)
    inner = (place > 0) & (place < np.repeat(lengths - 1, lengths))
    jitter = np.where(inner, rng.uniform(-0.3, 0.3, len(place)), 0)
    times = (begin + (place + jitter) * np.repeat(step, lengths)).astype(np.int64)
    offsets32 = pa.array(offsets, pa.int32())
    return {
        "chunk_ns": pa.ListArray.from_arrays(offsets32, pa.array(times)),
        "chunk_tokens": pa.ListArray.from_arrays(offsets32, pa.array(np.ones(len(times), dtype=np.int32))),
        "output_ids": pa.ListArray.from_arrays(
            offsets32, pa.array(rng.integers(0, 128_000, len(times), dtype=np.int32))
        ),
    }


def _ledger(plan: Plan, table: Table) -> Ledger:
    completed = int(table.ok.sum())
    again = _resent(plan, table)
    endpoints = []
    for number, node in enumerate(plan.nodes):
        own = table.endpoint == number
        failed = int((own & ~table.ok & ~table.lost).sum()) + int((own & again).sum())
        endpoints.append(
            EndpointLedger(
                endpoint=f"{node.name}-0",
                sent=int(own.sum()) + int((own & again).sum()),
                ok=int((own & table.ok).sum()),
                failed=failed,
                lost=int((own & table.lost).sum()),
                reasons={"http_error": failed} if failed else {},
            )
        )
    return Ledger(
        issued=plan.samples,
        completed=completed,
        failed=plan.failed,
        lost=plan.lost,
        resent=plan.resent,
        attempts=plan.samples + int(again.sum()),
        short_outputs=0,
        endpoints=endpoints,
        failure_reasons={"http_error": plan.failed} if plan.failed else {},
        loadgen_issued=plan.samples,
        loadgen_completed=completed,
        problems=[],
    )


def _write_progress(folder: RunFolder, plan: Plan, table: Table, ledger: Ledger) -> None:
    """What the load says of itself as it ends."""
    ok = table.ok
    ttft, tpot, latency = Recorder(), Recorder(), Recorder()
    columns = (table.start[ok], table.first[ok], table.last[ok], table.outputs[ok])
    for start, first, last, tokens in zip(*(column.tolist() for column in columns), strict=True):
        ttft.add(first - start)
        latency.add(last - start)
        if tokens > 1:
            tpot.add((last - first) // (tokens - 1))
    inputs, outputs = int(table.inputs[ok].sum()), int(table.outputs[ok].sum())
    end = ProgressEvent(
        time_ns=table.end_ns,
        clock_offset_ns=UTC_OFFSET_NS,
        phase="drain",
        elapsed_ns=table.end_ns - CLOCK_ZERO_NS,
        expected=plan.samples,
        issued=plan.samples,
        completed=ledger.completed,
        failed=plan.failed,
        in_flight=0,
        queued=0,
        input_tokens=inputs,
        output_tokens=outputs,
        endpoints={own.endpoint: EndpointProgress(completed=own.ok, failed=own.failed) for own in ledger.endpoints},
        ttft=ttft.snapshot(),
        tpot=tpot.snapshot(),
        latency=latency.snapshot(),
        left=None,
    )
    append_event(folder.progress, end)


def _write_answers(folder: RunFolder) -> None:
    """LoadGen's accuracy log and the answers in words: the ids that came, and no words of a model's."""
    logged, words = [], []
    for number, row in enumerate(read_requests(folder.requests, ["qsl_idx", "output_ids", "status"]).to_pylist()):
        if row["status"] == "ok":
            data = np.asarray(row["output_ids"] or [], dtype="<i4").tobytes().hex().upper()
            logged.append({"seq_id": number, "qsl_idx": row["qsl_idx"], "data": data})
            words.append({"qsl_idx": row["qsl_idx"], "answer": "synthetic", "reference": "synthetic"})
    folder.loadgen_accuracy.write_bytes(orjson.dumps(logged))
    folder.answers.write_bytes(b"\n".join(map(orjson.dumps, words)))


def _record(plan: Plan, folder: RunFolder, ledger: Ledger, table: Table) -> RunRecord:
    return RunRecord(
        id=folder.id,
        assay_version="0.1.0",
        benchmark=plan.benchmark,
        scenario=plan.scenario,
        mode=plan.mode,
        official=plan.official,
        status=plan.status,
        started_utc=_hour(plan.begins_h),
        ended_utc=_hour(plan.begins_h + 1),
        clock_offset_ns=UTC_OFFSET_NS + plan.begins_h * 3600 * SECOND,
        dataset_name="synthetic articles",
        dataset_sha256="0" * 64,
        dataset_samples=13_368,
        samples=13_368,
        model=_MODEL,
        simulated=plan.simulated,
        target_qps=plan.qps,
        max_tokens=128,
        endpoints=[
            EndpointFacts(
                name=f"{node.name}-0",
                url=f"http://{node.name}.example:8000",
                node=node.name,
                accelerators=["Synthetic GPU 80GB"],
                engine="simulator",
                engine_version="1.0",
                model=_MODEL,
                window=node.slots,
                settings={"max_num_seqs": node.slots},
            )
            for node in plan.nodes
        ],
        warmup=WarmupFacts(
            requests=8,
            settled=True,
            first_ttft_ns=900_000_000,
            settled_ttft_ns=90_000_000,
            duration_ns=5 * SECOND,
            rule="rounds until two medians agree within 20 %",
        ),
        issued=plan.samples,
        loadgen_version="6.0.17",
    )


def _hour(number: int) -> str:
    return f"{datetime(2026, 1, 1) + timedelta(hours=number):%Y-%m-%dT%H:%M:%SZ}"


def _system(plan: Plan) -> dict[str, Any]:
    return {
        "version": 1,
        "controller": {"name": "controller", "cpu_model": "Synthetic CPU, 32 cores"},
        "nodes": [
            {
                "name": node.name,
                "cpu_model": "Synthetic CPU, 32 cores",
                "memory_total_bytes": 256 << 30,
                "accelerators": ["Synthetic GPU 80GB"],
            }
            for node in plan.nodes
        ],
        "versions": {"assay": "0.1.0", "mlcommons-loadgen": "6.0.17"},
    }


def _write_telemetry(path: Path, plan: Plan, table: Table) -> None:
    journal = path.with_suffix(".arrows")
    writer = TelemetryJournal(journal)
    rng = np.random.default_rng([plan.seed, 7])
    duration_s = (table.end_ns - CLOCK_ZERO_NS) / 1e9
    expected_s = duration_s
    step = max(0.25, duration_s / 4000)
    for number, node in enumerate(plan.nodes):
        own = table.endpoint == number
        begins, ends = np.sort(table.sent[own]), np.sort(table.last[own])
        for second in np.arange(0, duration_s, step):
            now = CLOCK_ZERO_NS + int(second * 1e9)
            running = int(np.searchsorted(begins, now, "right") - np.searchsorted(ends, now, "right"))
            throttled = node.throttle_from is not None and second >= node.throttle_from * expected_s
            clock = node.clock_mhz * (node.throttle_factor if throttled else 1.0)
            busy = running / node.slots
            values = {
                "cpu_percent": 20 + 5 * rng.random(),
                "memory_used_bytes": (40 << 30) + rng.integers(0, 1 << 28),
                "gpu0_utilization_percent": 100.0 * min(1.0, busy * 1.2),
                "gpu0_memory_used_bytes": float(70 << 30),
                "gpu0_memory_total_bytes": float(80 << 30),
                "gpu0_power_w": 150 + 450 * busy * (0.6 if throttled else 1.0) + rng.normal(0, 4),
                "gpu0_temperature_c": (88 if throttled else 62) + rng.normal(0, 0.5),
                "gpu0_sm_clock_mhz": clock + rng.normal(0, 5),
                "gpu0_sm_clock_max_mhz": 1980.0,
                "gpu0_throttle_reasons": float(0x40 if throttled else 0),
                "gpu0_processes": 1.0 + node.competing_processes,
                f"{node.name}-0/vllm:num_requests_running": float(running),
                f"{node.name}-0/vllm:num_requests_waiting": 0.0,
                f"{node.name}-0/vllm:kv_cache_usage_perc": min(1.0, 0.55 * busy),
                f"{node.name}-0/vllm:num_preemptions_total": float(int(node.preemptions_per_s * second)),
            }
            for metric, value in values.items():
                writer.add(node.name, metric, now, float(value))
    writer.close()
    write_telemetry(journal, path)
    journal.unlink()


def _accuracy(plan: Plan) -> AccuracyResult:
    percent = {"rouge1": 38.8, "rouge2": 15.95, "rougeL": 24.5, "rougeLsum": 35.8}
    scores = {
        name: Score(value=value, unit="mean F-measure x 100", possible=(0, 100), low=value - 0.2, high=value + 0.2)
        for name, value in percent.items()
    }
    scores["gen_len"] = Score(value=8_167_644, unit="characters", possible=(0, None), total=True)
    whole = plan.samples == 13_368
    gate = "pass" if whole else f"not comparable: {plan.samples} samples of 13368"
    several = plan.nodes if len(plan.nodes) > 1 else ()
    endpoints = [_endpoint_scores(plan, number, percent) for number in range(len(several))]
    return AccuracyResult(scorer="", scores=scores, samples=plan.samples, gate=gate, endpoints=endpoints)


def _endpoint_scores(plan: Plan, number: int, percent: dict[str, float]) -> EndpointScores:
    """All alike but for what a node's answers are worse by."""
    node, less = plan.nodes[number], plan.nodes[number].scores_less
    scores = {
        name: EndpointScore(
            value=value - less, low=value - less - 0.4, high=value - less + 0.4,
            difference=-less, difference_low=-less - 0.9, difference_high=-less + 0.9,
        )
        for name, value in percent.items()
    }  # fmt: skip
    share = plan.samples // len(plan.nodes)
    return EndpointScores(endpoint=f"{node.name}-0", node=node.name, samples=share, scores=scores)


def _write_logs(folder: RunFolder, plan: Plan, table: Table) -> None:
    """LoadGen's two logs as far as they are read: its verdict, counts, settings and errors."""
    ok = table.ok
    scenario = "Server" if plan.scenario == "Interactive" else plan.scenario
    seconds = (table.end_ns - CLOCK_ZERO_NS) / 1e9
    latency = np.sort((table.last - table.start)[ok])
    lines = ["=" * 48, "MLPerf Results Summary", "=" * 48, "SUT name : synthetic", f"Scenario : {scenario}"]
    lines.append("Mode     : " + ("AccuracyOnly" if plan.mode == "accuracy" else "PerformanceOnly"))
    lines.append(f"Samples per second: {ok.sum() / seconds:.6g}")
    lines.append(f"Tokens per second: {table.outputs[ok].sum() / seconds:.6g}")
    if plan.loadgen_result and plan.mode == "performance":
        lines.append(f"Result is : {plan.loadgen_result}")
    lines += ["  Min duration satisfied : " + ("Yes" if plan.loadgen_result == "VALID" else "NO")]
    lines += ["", "=" * 48, "Additional Stats", "=" * 48, f"Mean latency (ns)               : {int(latency.mean())}"]
    lines += ["", "=" * 48, "Test Parameters Used", "=" * 48, "", "No warnings encountered during test.", ""]
    errors = f"{plan.loadgen_errors} errors" if plan.loadgen_errors else "No errors"
    folder.loadgen_summary.write_text("\n".join([*lines, f"{errors} encountered during test."]) + "\n")
    values = _log_values(plan, scenario, int(ok.sum()))
    with folder.loadgen_detail.open("w") as file:
        for _ in range(plan.loadgen_errors):
            file.write(_log_line("error_synthetic", "a planted error", {"is_error": True, "is_warning": False}))
        for key, value in values.items():
            file.write(_log_line(key, value, {"is_error": False, "is_warning": False}))


def _log_values(plan: Plan, scenario: str, completed: int) -> dict[str, Any]:
    settings = {
        "scenario": scenario,
        "test_mode": "AccuracyOnly" if plan.mode == "accuracy" else "PerformanceOnly",
        "samples_per_query": plan.samples if scenario == "Offline" else 1,
        "min_duration_ms": 600_000 if plan.official else 0,
        "performance_issue_unique": False,
        "performance_issue_same": False,
        "performance_sample_count": 13_368 if plan.official else min(plan.samples, 13_368),
        **OFFICIAL_SEEDS,
    } | plan.settings
    values = {"loadgen_version": "6.0.17 @ synthetic"}
    values |= {f"effective_{key}": value for key, value in settings.items()}
    values["requested_use_token_latencies"] = settings.get("use_token_latencies", True)
    if plan.mode == "performance":
        values |= {
            "result_validity": plan.loadgen_result,
            "result_query_count": completed if scenario != "Offline" else 1,
        }
    values |= {"power_end": "01-01-2026 00:30:00.000", "num_errors": plan.loadgen_errors, "num_warnings": 0}
    return values


def _log_line(key: str, value: Any, metadata: dict[str, Any]) -> str:
    entry = {"key": key, "value": value, "time_ms": 0.0, "namespace": "mlperf::logging", "event_type": "POINT_IN_TIME"}
    return ":::MLLOG " + orjson.dumps(entry | {"metadata": metadata}).decode() + "\n"


def write_campaign(
    parent: Path, plans: dict[str, Plan], kind: str = "scaling", identity: str = "campaign"
) -> CampaignFolder:
    """Simulate every plan as a completed run of one campaign; the key's last part, "-rN", is its repeat."""
    folder = CampaignFolder(parent / identity)
    folder.runs.mkdir(parents=True)
    entries = []
    for number, (key, plan) in enumerate(plans.items()):
        run = write_run(folder.runs, replace(plan, run_id=key, begins_h=number))
        record = read_record(run)
        record.campaign_key, record.repeat = key, int(key.rpartition("-r")[2])
        record.nodes = [node.name for node in plan.nodes]
        write_json(run.record, record)
        entries.append(
            RunEntry(
                key=key,
                scenario=plan.scenario,
                mode=plan.mode,
                nodes=[node.name for node in plan.nodes],
                repeat=int(key.rpartition("-r")[2]),
                target_qps=plan.qps,
                run=run.id,
                status=plan.status,
            )
        )
    state = CampaignState(
        id=identity,
        kind=kind,
        name="synthetic",
        started_utc="2026-01-01T00:00:00Z",
        ended_utc=_hour(len(plans)),
        config_sha256="0" * 64,
        seed=1,
        simulated=True,
        runs=entries,
    )
    write_json(folder.state, state)
    return folder
