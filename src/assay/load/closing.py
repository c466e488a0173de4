"""Closing a run's load: the workers' journals become `requests.parquet`, and the ledger is drawn up.

Works on whatever is there, so a run that was killed is closed like one that ended.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import numpy as np
import orjson

from assay.benchmarks.mlperf.schedule import scheduled_ns
from assay.load.journal import Issued, read_attempts, read_issued
from assay.load.ledger import LOST, Attempt, Counts, attempt_of, build_ledger, final_attempts
from assay.load.plan import LoadPlan
from assay.load.source import NO_TIME
from assay.runs import Ledger, LoadOutcome, RequestWriter, RunFolder, read_outcome, write_json
from assay.runs.loadgen_logs import read_detail


def close_load(folder: RunFolder, plan: LoadPlan) -> Ledger:
    """Write `requests.parquet`, `warmup.parquet` and `ledger.json`; the journals stay until `discard_journals`."""
    outcome = read_outcome(folder)
    issued = _with_loadgens_schedule(plan, outcome, read_issued(folder.issued))
    by_sample = {issue.sample: issue for issue in issued}
    attempts = [attempt_of(row) for row in _rows(folder)]
    final = final_attempts(attempts, plan.max_attempts)
    count_tokens = _token_counter(plan)
    with RequestWriter(folder.requests) as writer:
        writer.write(
            _finished(row, by_sample[row["sample_id"]], final, count_tokens) | _limit(plan, row["qsl_idx"])
            for row in _rows(folder)
            if row["sample_id"] in by_sample
        )
        writer.write(row | _limit(plan, row["qsl_idx"]) for row in _never_answered(issued, attempts, final))
    if warmups := [row for path in sorted(folder.parts.glob("warmup-*.jsonl")) for row in read_attempts(path)]:
        with RequestWriter(folder.warmup) as writer:
            writer.write(_warmup_row(row) for row in warmups)
    counts = Counts(
        callback_issued=len(issued) if outcome.issued is None else outcome.issued,
        driver_completed=outcome.completed if outcome.finished else None,
        driver_failed=outcome.failed if outcome.finished else None,
        log_completed=_logged_samples(folder, plan) if outcome.finished else None,
        short_outputs=outcome.short_outputs,
        estimated_tokens=outcome.estimated_tokens,
        resent_after_first_token=outcome.first_token_then_resent,
    )
    endpoints = [endpoint.name for endpoint in plan.endpoints]
    ledger = build_ledger([issue.sample for issue in issued], attempts, final, endpoints, counts)
    write_json(folder.ledger, ledger)
    return ledger


def discard_journals(folder: RunFolder) -> None:
    """Remove the journals once all that they held is written elsewhere."""
    shutil.rmtree(folder.parts)


def _rows(folder: RunFolder) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.parts.glob("attempts-*.jsonl")):
        for row in read_attempts(path):
            if row["status"] == "cancelled":  # the run ended while the endpoint owed the answer
                row["status"] = LOST
            yield row


def _warmup_row(row: dict[str, Any]) -> dict[str, Any]:
    row.pop("text", None)
    return row | {"final": True, "issued_ns": row["sent_ns"] or row["done_ns"]}


def _finished(row: dict[str, Any], issue: Issued, final: dict[int, Attempt], count_tokens: Any) -> dict[str, Any]:
    sample = row["sample_id"]
    text = row.pop("text", None)
    if text is not None and count_tokens and row["token_source"] is not None:
        row["text_tokens"] = count_tokens(text)
    elif text and count_tokens:
        row["output_tokens"] = row["streamed_tokens"] = count_tokens(text)
        row["token_source"] = "tokenizer"
    decided = final.get(sample)
    row["final"] = decided is not None and decided.attempt == row["attempt"]
    return row | _times(issue)


def _limit(plan: LoadPlan, qsl_idx: int) -> dict[str, int]:
    return {"max_tokens": plan.answer_limit(qsl_idx)}


def _times(issue: Issued) -> dict[str, int | None]:
    return {"issued_ns": issue.issued_ns, "scheduled_ns": None if issue.due_ns == NO_TIME else issue.due_ns}


def _never_answered(
    issued: list[Issued], attempts: list[Attempt], final: dict[int, Attempt]
) -> Iterator[dict[str, Any]]:
    """A row for each sample that was still waiting when the run ended."""
    waiting_to_be_resent = {attempt.sample for attempt in attempts} - final.keys()
    for issue in issued:
        if issue.sample not in final:
            yield {
                "sample_id": issue.sample,
                "qsl_idx": issue.qsl_idx,
                "attempt": 0,
                "final": True,
                "status": LOST,
                "detail": "waiting to be sent again" if issue.sample in waiting_to_be_resent else "never sent",
                **_times(issue),
            }


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


def _with_loadgens_schedule(plan: LoadPlan, outcome: LoadOutcome, issued: list[Issued]) -> list[Issued]:
    """LoadGen doesn't tell when a sample was due, but its schedule can be computed again; the pacer's is written."""
    seed, qps = outcome.schedule_seed, outcome.target_qps
    if plan.loadgen is None or plan.loadgen.scenario != "Server" or seed is None or qps is None:
        return issued
    due_ns = scheduled_ns(np.asarray([issue.issued_ns for issue in issued], dtype=np.int64), seed, qps)
    return [issue._replace(due_ns=int(time_ns)) for issue, time_ns in zip(issued, due_ns, strict=True)]


def _token_counter(plan: LoadPlan) -> Any:
    if not plan.tokenizer:
        return None
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(plan.tokenizer)
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)
