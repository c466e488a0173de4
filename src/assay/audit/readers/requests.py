"""A run's figures computed again from requests.parquet, by code that shares nothing with what wrote result.json."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from assay.audit.evidence import OUTPUT_ROOM, Rated, Recomputed, RunEvidence, Spread
from assay.audit.spans import Span
from assay.runs import read_request_columns, read_requests

Mask = NDArray[np.bool_]

_PERCENTILES = (50.0, 90.0, 95.0, 97.0, 99.0, 99.9)


def measure(path: Path, run: RunEvidence) -> Recomputed | None:
    """Figures over the deciding attempts. None where no sample succeeded.

    Fills `run.outputs` with how the answers ended. Raises OSError, ValueError or KeyError for a damaged file.
    """
    keys = read_requests(path, ["final", "status"])
    final = np.asarray(keys["final"].to_numpy(), dtype=bool)
    good = final & _are(keys["status"], "ok")
    completed, decided = int(good.sum()), int(final.sum())
    if not completed:
        return None
    start = _starts(path, good, from_sending=run.scenario == "Concurrency")
    first, last, sent, tokens = _read(path, good, "first_ns", "last_ns", "sent_ns", "output_tokens")  # -1: not told
    (done,) = _read(path, final, "done_ns")
    over_ns = done.max()  # what failed took its time too
    done = done[good[final]]
    counted = bool((tokens >= 0).all())
    _endings(run, path, good, tokens)
    _counted_twice(run, path, good)
    window_s = run.shape.window_s(decided, float(over_ns - start.min()) / 1e9) if run.shape else None
    end_ns = over_ns if window_s is None else start.min() + int(window_s * 1e9)
    if bool(((done > end_ns) & ((first < 0) | (first == last)) & (tokens != 1)).any()):
        end_ns = over_ns  # of answers in one piece nobody knows how much was done before
    share = _done_until(end_ns, np.where(sent >= 0, sent, start), first, done)
    timed = first >= 0
    several = timed & (tokens >= 2)
    lost = int((final & _are(keys["status"], "lost")).sum())
    return Recomputed(
        completed=completed,
        failed=decided - completed - lost,
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


def _done_until(
    end_ns: int, sent: NDArray[np.int64], first: NDArray[np.int64], done: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The part of each answer that was done by then: what waits in the server's queue isn't in progress yet."""
    timed = first >= 0
    least = (first - sent)[timed].min(initial=np.iinfo(np.int64).max)
    begun = np.where(timed, np.maximum(sent, first - least), sent)
    share: NDArray[np.float64] = (end_ns - begun) / np.maximum(done - begun, 1)
    return np.clip(share, 0.0, 1.0)


def _starts(path: Path, good: Mask, *, from_sending: bool) -> NDArray[np.int64]:
    """When each sample started: at its first sending in a load of fixed concurrency, else when it was due or issued."""
    scheduled, issued = _read(path, good, "scheduled_ns", "issued_ns")
    if not from_sending:
        return np.where(scheduled >= 0, scheduled, issued)
    sample, attempt, sent = _read(path, np.ones(len(good), dtype=bool), "sample_id", "attempt", "sent_ns")
    firsts = np.flatnonzero(attempt == 1)
    firsts = firsts[np.argsort(sample[firsts], kind="stable")]
    if not len(firsts):
        return issued
    place = np.maximum(np.searchsorted(sample[firsts], sample[good], side="right") - 1, 0)
    own = firsts[place]
    return np.where((sample[own] == sample[good]) & (sent[own] > 0), sent[own], issued)


def _decode_batch(first: NDArray[np.int64], last: NDArray[np.int64]) -> float | None:
    """Time that samples spent between first and last token, over the time in which any did."""
    if not len(first):
        return None
    order = np.argsort(first)
    begins, ends = first[order], np.maximum.accumulate(last[order])
    gaps = np.maximum(begins[1:] - ends[:-1], 0).sum()
    busy = ends[-1] - begins[0] - gaps
    return float((last - first).sum() / busy) if busy > 0 else None


def _read(path: Path, rows: Mask, *names: str) -> list[NDArray[np.int64]]:
    """Columns of the rows, -1 for null; one column of all rows in memory at a time."""
    return [_column(column)[rows] for column in read_request_columns(path, names)]


def _words(path: Path, rows: Mask, name: str) -> pa.ChunkedArray:
    (column,) = read_request_columns(path, [name])
    return column.filter(pa.array(rows)).cast(pa.string())


def _are(column: pa.ChunkedArray, word: str) -> Mask:
    return np.asarray(pc.fill_null(pc.equal(column.cast(pa.string()), word), False).to_numpy(), dtype=bool)


def _column(column: pa.ChunkedArray) -> NDArray[np.int64]:
    return np.asarray(pc.fill_null(pc.cast(column, pa.int64()), -1).to_numpy(), dtype=np.int64)


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


def _counted_twice(run: RunEvidence, path: Path, good: Mask) -> None:
    usage, text = _read(path, good, "streamed_tokens", "text_tokens")
    both = _are(_words(path, good, "token_source"), "usage") & (usage >= 0) & (text >= 0)
    if both.any():
        run.outputs.usage_answers = int(both.sum())
        run.outputs.usage_tokens, run.outputs.text_tokens = int(usage[both].sum()), int(text[both].sum())


def _endings(run: RunEvidence, path: Path, good: Mask, tokens: NDArray[np.int64]) -> None:
    ends = _words(path, good, "finish_reason")
    reasons = pc.value_counts(ends).to_pylist()
    counts = {item["values"]: int(item["counts"]) for item in reasons}
    outputs = run.outputs
    outputs.longest = int(tokens.max()) if (tokens >= 0).any() else None
    (limits,) = _read(path, good, "max_tokens")
    limits = np.where(limits == -1, outputs.limit or 0, limits)
    limited = limits > 0
    outputs.overlong = int((limited & (tokens > limits * OUTPUT_ROOM + 1)).sum())
    if set(counts) == {None}:
        return
    outputs.ended_by_eos = counts.pop("stop", 0)
    outputs.ended_by_limit = counts.pop("length", 0)
    outputs.ended_otherwise = {str(reason): count for reason, count in counts.items()}
    by_limit = _are(ends, "length")
    outputs.stopped_short = int((by_limit & limited & (tokens >= 0) & (tokens < limits)).sum())
