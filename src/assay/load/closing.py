"""Closing a run's load: the workers' journals become `requests.parquet`, and the ledger is drawn up.

Works on whatever is there, so a run that was killed is closed like one that ended. The journals are read twice, some
thousand attempts at a time: once for what the ledger needs, of which all are in memory, and once to write the rows.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from assay.benchmarks.mlperf.schedule import scheduled_ns
from assay.load.attempts import read_attempts
from assay.load.journal import read_issued
from assay.load.ledger import STATUSES, Attempts, Counts, build_ledger, deciding
from assay.load.plan import LoadPlan
from assay.load.request_rows import RequestRows, lost_if_cancelled, warmup_rows
from assay.runs import Ledger, LoadOutcome, RequestWriter, RunFolder, read_outcome, write_json
from assay.runs.loadgen_logs import read_detail

_ROWS = 16_384
_BYTES = 64 << 20
"""Of one table: the lists of long answers fill the memory before the rows do."""


def close_load(folder: RunFolder, plan: LoadPlan) -> Ledger:
    """Write `requests.parquet`, `warmup.parquet` and `ledger.json`; the journals stay until `discard_journals`."""
    outcome = read_outcome(folder)
    endpoints = [endpoint.name for endpoint in plan.endpoints]
    issued = _with_loadgens_schedule(plan, outcome, read_issued(folder.issued))
    attempts = _attempts(folder, endpoints)
    final = deciding(attempts, plan.max_attempts)
    rows = RequestRows(plan, issued, attempts, final)
    with RequestWriter(folder.requests) as writer:
        for table in _tables(folder, "attempts"):
            writer.write_table(rows.finished(table))
        for table in rows.never_answered():
            writer.write_table(table)
    if any(True for _ in _batches(folder, "warmup")):
        with RequestWriter(folder.warmup) as writer:
            for table in _tables(folder, "warmup"):
                writer.write_table(warmup_rows(table))
    counts = Counts(
        callback_issued=len(issued) if outcome.issued is None else outcome.issued,
        driver_completed=outcome.completed if outcome.finished else None,
        driver_failed=outcome.failed if outcome.finished else None,
        log_completed=_logged_samples(folder, plan) if outcome.finished else None,
        short_outputs=outcome.short_outputs,
        estimated_tokens=outcome.estimated_tokens,
        resent_after_first_token=outcome.first_token_then_resent,
    )
    ledger = build_ledger(issued["sample"], attempts, final, endpoints, counts)
    write_json(folder.ledger, ledger)
    return ledger


def discard_journals(folder: RunFolder) -> None:
    """Remove the journals once all that they held is written elsewhere."""
    shutil.rmtree(folder.parts)


def _batches(folder: RunFolder, kind: str, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
    for path in sorted(folder.parts.glob(f"{kind}-*.arrows")):
        yield from read_attempts(path, columns)


def _tables(folder: RunFolder, kind: str) -> Iterator[pa.Table]:
    """The batches of all journals, gathered: what is done once a table would cost much once a batch."""
    held: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in _batches(folder, kind):
        held.append(batch)
        rows, size = rows + len(batch), size + batch.nbytes
        if rows >= _ROWS or size >= _BYTES:
            yield pa.Table.from_batches(held).combine_chunks()
            held, rows, size = [], 0, 0
    if held:
        yield pa.Table.from_batches(held).combine_chunks()


def _attempts(folder: RunFolder, endpoints: list[str]) -> Attempts:
    """What the ledger needs of all attempts. Raises ValueError where one names what the plan doesn't have."""
    samples, attempts = [np.zeros(0, np.int64)], [np.zeros(0, np.int16)]
    places, statuses = [np.zeros(0, np.int16)], [np.zeros(0, np.int8)]
    for batch in _batches(folder, "attempts", ["sample_id", "attempt", "endpoint", "status"]):
        samples.append(batch["sample_id"].to_numpy().copy())  # a view would keep the whole batch in memory
        attempts.append(batch["attempt"].to_numpy().copy())
        places.append(_codes(batch["endpoint"], endpoints).astype(np.int16))
        statuses.append(_codes(lost_if_cancelled(batch["status"]), STATUSES).astype(np.int8))
    return Attempts(
        sample=np.concatenate(samples),
        attempt=np.concatenate(attempts),
        endpoint=np.concatenate(places),
        status=np.concatenate(statuses),
    )


def _codes(column: pa.Array, names: Sequence[str]) -> NDArray[np.int32]:
    found = pc.index_in(column, value_set=pa.array(names, pa.string()))
    if found.null_count:
        raise ValueError(f"a journal names {pc.unique(column.filter(found.is_null())).to_pylist()}, the plan doesn't")
    return np.asarray(found.to_numpy(), dtype=np.int32)


def _logged_samples(folder: RunFolder, plan: LoadPlan) -> int | None:
    """Samples that LoadGen itself logged as completed; None where it wrote no count, or took no part."""
    if plan.loadgen is None:
        return None
    if plan.mode == "performance":
        return read_detail(folder.loadgen_detail).sample_count
    try:
        return len(orjson.loads(folder.loadgen_accuracy.read_bytes()))
    except (OSError, orjson.JSONDecodeError):
        return None


def _with_loadgens_schedule(plan: LoadPlan, outcome: LoadOutcome, issued: NDArray[np.void]) -> NDArray[np.void]:
    """LoadGen doesn't tell when a sample was due, but its schedule can be computed again; the pacer's is written."""
    seed, qps = outcome.schedule_seed, outcome.target_qps
    if plan.loadgen is not None and plan.loadgen.scenario == "Server" and seed is not None and qps is not None:
        issued["due_ns"] = scheduled_ns(np.ascontiguousarray(issued["issued_ns"]), seed, qps)
    return issued
