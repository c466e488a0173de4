"""From the workers' records, and from what was issued, to rows of `requests.parquet`; a table of some thousand each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from assay.load.ledger import LOST, Attempts, Ints
from assay.load.plan import LoadPlan
from assay.load.source import NO_TIME
from assay.load.transport import Outcome
from assay.runs import REQUESTS_SCHEMA

_ROWS = 16_384
_NEVER_SENT, _WAITING = "never sent", "waiting to be sent again"

CountTokens = Callable[[list[str]], list[int]]


class RequestRows:
    """Completes the records of a run's attempts.

    Args:
        plan: the load's.
        issued: records of `journal.ISSUED`.
        attempts: of all journals.
        final: those of them that decided a sample, by sample.
    """

    def __init__(self, plan: LoadPlan, issued: NDArray[np.void], attempts: Attempts, final: Ints) -> None:
        self._issued = issued
        self._by_sample = np.argsort(issued["sample"], kind="stable")
        self._known = np.ascontiguousarray(issued["sample"][self._by_sample])
        self._attempts = attempts
        self._decided, self._deciding = attempts.sample[final], attempts.attempt[final]
        self._max_tokens = plan.max_tokens
        self._limits = None if plan.answer_limits is None else np.asarray(plan.answer_limits, dtype=np.int32)
        self._tokenizer = plan.tokenizer

    def finished(self, table: pa.Table) -> pa.Table:
        """The rows of attempts that ended; those of samples that were never issued are left out."""
        sample = _ints(table["sample_id"])
        place = _place(self._known, sample)
        table, sample, place = table.filter(pa.array(place >= 0)), sample[place >= 0], place[place >= 0]
        table = _with_counted_tokens(_with_chunk_times(table), self._count_tokens)
        decided = _place(self._decided, sample)
        attempt = np.where(decided >= 0, self._deciding[decided], 0) if len(self._deciding) else np.zeros(len(sample))
        return _rows(table, self._times(self._by_sample[place]) | {
            "final": pa.array(attempt == _ints(table["attempt"])),
            "status": lost_if_cancelled(table["status"]),
            "max_tokens": self._limit(_ints(table["qsl_idx"])),
        })  # fmt: skip

    def never_answered(self) -> Iterator[pa.Table]:
        """A row for each sample that was still waiting when the run ended."""
        waiting = np.flatnonzero(~np.isin(self._issued["sample"], self._decided))
        for begin in range(0, len(waiting), _ROWS):
            places = waiting[begin : begin + _ROWS]
            sample, qsl_idx = self._issued["sample"][places], self._issued["qsl_idx"][places]
            tried = np.isin(sample, self._attempts.sample)
            count = len(places)
            yield _rows(pa.table({"sample_id": sample, "qsl_idx": qsl_idx}), self._times(places) | {
                "attempt": pa.array(np.zeros(count, dtype=np.int16)),
                "final": pa.array(np.ones(count, dtype=np.bool_)),
                "status": pa.array([LOST] * count),
                "detail": pa.array(np.where(tried, _WAITING, _NEVER_SENT)),
                "max_tokens": self._limit(qsl_idx),
            })  # fmt: skip

    def _times(self, places: Ints) -> dict[str, pa.Array]:
        due_ns = self._issued["due_ns"][places]
        return {
            "issued_ns": pa.array(self._issued["issued_ns"][places]),
            "scheduled_ns": pa.array(due_ns, mask=due_ns == NO_TIME),
        }

    def _limit(self, qsl_idx: NDArray[np.integer]) -> pa.Array:
        if self._limits is None:
            return pa.array(np.full(len(qsl_idx), self._max_tokens, dtype=np.int32))
        return pa.array(self._limits[qsl_idx])

    @cached_property
    def _count_tokens(self) -> CountTokens | None:
        if not self._tokenizer:
            return None
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(self._tokenizer)

        def count(texts: list[str]) -> list[int]:
            return [len(found.ids) for found in tokenizer.encode_batch_fast(texts, add_special_tokens=False)]

        return count


def warmup_rows(table: pa.Table) -> pa.Table:
    """The rows of `warmup.parquet`: each attempt is its sample's only one, and counts from its sending."""
    begun = pc.coalesce(table["sent_ns"], table["done_ns"])
    return _rows(_with_chunk_times(table), {"final": pa.array(np.ones(len(table), dtype=np.bool_)), "issued_ns": begun})


def lost_if_cancelled(status: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    """A run's end cancels what an endpoint still owes: that was lost."""
    return pc.if_else(pc.equal(status, str(Outcome.CANCELLED)), LOST, status)


def _rows(table: pa.Table, more: dict[str, pa.Array | pa.ChunkedArray]) -> pa.Table:
    """All columns in their order and types: from `more`, else from the table, else null."""
    held = set(table.column_names)
    columns = [
        more[field.name] if field.name in more else table[field.name] if field.name in held else
        pa.nulls(len(table), field.type)
        for field in REQUESTS_SCHEMA
    ]  # fmt: skip
    return pa.table(columns, names=REQUESTS_SCHEMA.names).cast(REQUESTS_SCHEMA)


def _with_chunk_times(table: pa.Table) -> pa.Table:
    """`chunk_ns` counts from the sending."""
    lists = table["chunk_at_ns"].combine_chunks()
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    since = lists.flatten().to_numpy(zero_copy_only=False) - np.repeat(_ints(table["sent_ns"]), lengths)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    chunks = pa.ListArray.from_arrays(pa.array(offsets), pa.array(since), mask=lists.is_null())
    return table.append_column("chunk_ns", chunks)


def _with_counted_tokens(table: pa.Table, count_tokens: CountTokens | None) -> pa.Table:
    """Tokens of the text that came: the only count where the server gave none, a second beside its usage."""
    texts = table["text"].to_pylist()
    if count_tokens is None or not any(text is not None for text in texts):
        return table
    found = iter(count_tokens([text for text in texts if text is not None]))
    counts = pa.array([None if text is None else next(found) for text in texts], pa.int32())
    by_usage = pc.is_valid(table["token_source"])
    alone = pc.and_(pc.invert(by_usage), pc.fill_null(pc.greater(pc.utf8_length(table["text"]), 0), False))
    for name in ("output_tokens", "streamed_tokens"):
        table = _replaced(table, name, pc.if_else(alone, counts, table[name]))
    table = _replaced(table, "token_source", pc.if_else(alone, "tokenizer", table["token_source"]))
    return table.append_column("text_tokens", pc.if_else(by_usage, counts, pa.scalar(None, pa.int32())))


def _replaced(table: pa.Table, name: str, column: pa.ChunkedArray) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, column)


def _place(ordered: Ints, values: Ints) -> Ints:
    """Where each value stands in a sorted array, at the last place of several; -1 where it isn't there."""
    place = np.searchsorted(ordered, values, side="right") - 1
    if not len(ordered):
        return place
    return np.where(ordered[np.maximum(place, 0)] == values, place, -1)


def _ints(column: pa.ChunkedArray) -> Ints:
    return np.asarray(pc.fill_null(column.cast(pa.int64()), 0).to_numpy(), dtype=np.int64)
