"""The attempts of `requests.parquet` as columns, and whether each answer's chunks agree with its row."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay.audit.folder import MISSING, Ints, Mask, Rows, Words
from assay.runs import answered, read_request_batches, read_request_columns, read_requests

_NUMBERS = (
    *("sample_id", "qsl_idx", "attempt", "issued_ns", "scheduled_ns", "sent_ns", "first_ns", "last_ns", "done_ns"),
    *("input_tokens", "prompt_tokens_sent", "prompt_tokens_guessed", "prompt_tokens_counted"),
    *("output_tokens", "streamed_tokens"),
)
_CHUNKS = ("final", "status", "qsl_idx", "sent_ns", "first_ns", "last_ns", "streamed_tokens", "output_tokens")
_LISTS = ("chunk_ns", "chunk_tokens", "output_ids")
_NEAR_NS = 1_000
"""Room for tools that compute a time from another; the worker's own are exact."""


def read_rows(path: Path, *, answers: bool) -> Rows:
    """Read every attempt; with `answers` their token ids too. Raises UserError where damaged."""
    table = read_requests(path, ["final", "status", "endpoint", "token_source"])
    status, endpoint = _words(table["status"]), _words(table["endpoint"])
    faults: Counter[str] = Counter()
    ids: dict[int, set[bytes]] = defaultdict(set)
    for part in read_request_batches(path, [*_CHUNKS, *_LISTS]):
        for batch in answered(part).combine_chunks().to_batches():
            _judge(batch, faults)
            if answers:
                _gather(batch, ids)
    return Rows(
        numbers=dict(zip(_NUMBERS, map(_numbers, read_request_columns(path, _NUMBERS)), strict=True)),
        final=np.asarray(table["final"].to_numpy(), dtype=bool),
        ok=status.are("ok"),
        status=status,
        endpoint=endpoint,
        token_source=_words(table["token_source"]),
        chunk_faults=dict(faults),
        answers={sample: frozenset(found) for sample, found in ids.items()},
    )


def _words(column: pa.ChunkedArray) -> Words:
    words = column.cast(pa.string())
    names = sorted(set(pc.unique(words).to_pylist()) - {None})
    codes = pc.fill_null(pc.index_in(words, value_set=pa.array(names, pa.string())), MISSING)
    return Words(names, np.asarray(codes.to_numpy(), dtype=np.int32))


def _numbers(column: pa.ChunkedArray) -> Ints:
    """A column that no row has takes no memory."""
    nowhere = column.null_count == len(column)
    return np.broadcast_to(np.int64(MISSING), len(column)) if nowhere else _ints(column)


def _judge(batch: pa.RecordBatch, faults: Counter[str]) -> None:
    chunks, lengths = batch["chunk_ns"], _lengths(batch["chunk_ns"])
    timed = lengths > 0
    values = _ints(chunks.flatten())
    ends = np.cumsum(lengths)[timed]
    firsts, lasts = values[ends - lengths[timed]], values[ends - 1]
    sent, first, last = (_ints(batch[name])[timed] for name in ("sent_ns", "first_ns", "last_ns"))
    faults["first_ns isn't the first chunk's time"] += _count(abs(sent + firsts - first) > _NEAR_NS)
    faults["last_ns isn't the last chunk's time"] += _count(abs(sent + lasts - last) > _NEAR_NS)
    inner = np.ones(len(values), dtype=bool)
    inner[ends - lengths[timed]] = False  # an answer's first chunk follows none
    faults["chunks go back in time"] += _count(inner[1:] & (np.diff(values) < 0))
    streamed = _ints(batch["streamed_tokens"])
    streamed = np.where(streamed == MISSING, _ints(batch["output_tokens"]), streamed)
    told = _lengths(batch["chunk_tokens"])
    known = (told > 0) & (streamed != MISSING)
    faults["chunk_ns and chunk_tokens are of different lengths"] += _count(known & timed & (told != lengths))
    sums = _sums(batch["chunk_tokens"], told)
    faults["the chunks' tokens aren't streamed_tokens"] += _count(known & (sums != streamed))
    ids = _lengths(batch["output_ids"])
    faults["output_ids aren't as many as its tokens"] += _count((ids > 0) & (streamed != MISSING) & (ids != streamed))
    for name in [name for name, count in faults.items() if not count]:
        del faults[name]


def _gather(batch: pa.RecordBatch, ids: dict[int, set[bytes]]) -> None:
    for sample, answer in zip(batch["qsl_idx"].to_pylist(), batch["output_ids"], strict=True):
        if answer.is_valid:
            ids[sample].add(np.asarray(answer.values.to_numpy(), dtype="<i4").tobytes())


def _lengths(lists: pa.Array) -> Ints:
    return np.maximum(_ints(pc.list_value_length(lists)), 0)


def _sums(lists: pa.Array, lengths: Ints) -> Ints:
    """The sum of each list; 0 of an empty one."""
    totals = np.concatenate([[0], np.cumsum(_ints(lists.flatten()))])
    ends = np.cumsum(lengths)
    return np.asarray(totals[ends] - totals[ends - lengths], dtype=np.int64)


def _count(wrong: Mask) -> int:
    return int(wrong.sum())


def _ints(column: pa.ChunkedArray | pa.Array) -> Ints:
    values = pc.fill_null(pc.cast(column, pa.int64()), MISSING)
    return np.asarray(values.to_numpy(zero_copy_only=False), dtype=np.int64)
