"""A run's figures computed again from requests.parquet, by code that shares nothing with what wrote result.json."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from assay.audit.evidence import OUTPUT_ROOM, Rated, Recomputed, RunEvidence, Spread
from assay.audit.spans import Span
from assay.runs import read_requests

_COLUMNS = [
    *("final", "attempt", "status", "issued_ns", "scheduled_ns", "sent_ns", "first_ns", "last_ns", "done_ns"),
    *("output_tokens", "finish_reason", "sample_id", "max_tokens", "token_source", "streamed_tokens", "text_tokens"),
]
_PERCENTILES = (50.0, 90.0, 95.0, 97.0, 99.0, 99.9)


def measure(path: Path, run: RunEvidence) -> Recomputed | None:
    """Figures over the deciding attempts. None where no sample succeeded.

    Fills `run.outputs` with how the answers ended. Raises OSError, ValueError or KeyError for a damaged file.
    """
    table = read_requests(path, _COLUMNS)
    final = table.filter(table["final"])
    status = final["status"].cast(pa.string())
    good = final.filter(pc.equal(status, "ok"))
    if not good.num_rows:
        return None
    start = _starts(table, good, from_sending=run.scenario == "Concurrency")
    first, last, done = (_column(good[name]) for name in ("first_ns", "last_ns", "done_ns"))
    tokens = _column(good["output_tokens"])  # -1: not counted
    counted = bool((tokens >= 0).all())
    _endings(run, good, tokens)
    _counted_twice(run, good)
    over_ns = _column(final["done_ns"]).max()  # what failed took its time too
    window_s = run.shape.window_s(final.num_rows, float(over_ns - start.min()) / 1e9) if run.shape else None
    end_ns = over_ns if window_s is None else start.min() + int(window_s * 1e9)
    sent = _column(good["sent_ns"])
    sent = np.where(sent >= 0, sent, start)
    share = np.clip((end_ns - sent) / np.maximum(done - sent, 1), 0.0, 1.0)  # done until the load's end
    timed = first >= 0
    several = timed & (tokens >= 2)
    lost = int(pc.sum(pc.equal(status, "lost")).as_py() or 0)
    return Recomputed(
        completed=good.num_rows,
        failed=final.num_rows - good.num_rows - lost,
        lost=lost,
        duration_s=float(over_ns - start.min()) / 1e9,
        output_tokens=int(tokens.sum()) if counted else None,
        rated=Rated(
            Span.exact(float(end_ns - start.min()) / 1e9),
            float(share.sum()),
            Span.exact(float(tokens @ share)) if counted else None,
        ),
        spreads={
            "latency": _spread("latency", (last - start)[timed]),
            "TTFT": _spread("TTFT", (first - start)[timed]),
            "TPOT": _spread("TPOT", ((last - first)[several] // (tokens[several] - 1))),
        },
        decode_batch=_decode_batch(first[several], last[several]),
        source=path.name,
    )


def _starts(table: pa.Table, good: pa.Table, *, from_sending: bool) -> NDArray[np.int64]:
    """When each sample started: at its first sending in a load of fixed concurrency, else when it was due or issued."""
    if not from_sending:
        return _column(pc.coalesce(good["scheduled_ns"], good["issued_ns"]))
    first = table.filter(pc.equal(table["attempt"], 1))
    sent = dict(zip(first["sample_id"].to_pylist(), first["sent_ns"].to_pylist(), strict=True))
    rows = zip(good["sample_id"].to_pylist(), good["issued_ns"].to_pylist(), strict=True)
    return np.array([sent.get(sample) or issued for sample, issued in rows], dtype=np.int64)


def _decode_batch(first: NDArray[np.int64], last: NDArray[np.int64]) -> float | None:
    """Time that samples spent between first and last token, over the time in which any did."""
    if not len(first):
        return None
    order = np.argsort(first)
    begins, ends = first[order], np.maximum.accumulate(last[order])
    gaps = np.maximum(begins[1:] - ends[:-1], 0).sum()
    busy = ends[-1] - begins[0] - gaps
    return float((last - first).sum() / busy) if busy > 0 else None


def _column(column: pa.ChunkedArray, missing: int = -1) -> NDArray[np.int64]:
    values = pc.fill_null(pc.cast(column, pa.int64()), missing)
    return np.asarray(values.to_numpy(), dtype=np.int64)


def _spread(name: str, values: NDArray[np.int64]) -> Spread:
    if not len(values):
        return Spread(name, 0)
    ordered = np.sort(values)
    last = len(ordered) - 1
    return Spread(
        name,
        len(ordered),
        min=Span.exact(int(ordered[0])),
        max=Span.exact(int(ordered[-1])),
        mean=Span.exact(float(ordered.mean())),
        percentiles={p: Span.exact(int(ordered[min(last, int(len(ordered) * p / 100))])) for p in _PERCENTILES},
    )


def _counted_twice(run: RunEvidence, good: pa.Table) -> None:
    usage, text = _column(good["streamed_tokens"]), _column(good["text_tokens"])
    both = np.asarray(pc.fill_null(pc.equal(good["token_source"].cast(pa.string()), "usage"), False).to_numpy())
    both &= (usage >= 0) & (text >= 0)
    if both.any():
        run.outputs.usage_answers = int(both.sum())
        run.outputs.usage_tokens, run.outputs.text_tokens = int(usage[both].sum()), int(text[both].sum())


def _endings(run: RunEvidence, good: pa.Table, tokens: NDArray[np.int64]) -> None:
    reasons = pc.value_counts(good["finish_reason"].cast(pa.string())).to_pylist()
    counts = {item["values"]: int(item["counts"]) for item in reasons}
    outputs = run.outputs
    outputs.longest = int(tokens.max()) if (tokens >= 0).any() else None
    limits = _column(good["max_tokens"], outputs.limit or 0)
    limited = limits > 0
    outputs.overlong = int((limited & (tokens > limits * OUTPUT_ROOM + 1)).sum())
    if set(counts) == {None}:
        return
    outputs.ended_by_eos = counts.pop("stop", 0)
    outputs.ended_by_limit = counts.pop("length", 0)
    outputs.ended_otherwise = {str(reason): count for reason, count in counts.items()}
    by_limit = np.asarray(pc.fill_null(pc.equal(good["finish_reason"].cast(pa.string()), "length"), False).to_numpy())
    outputs.stopped_short = int((by_limit & limited & (tokens >= 0) & (tokens < limits)).sum())
