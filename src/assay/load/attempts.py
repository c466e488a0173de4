"""The workers' records, one attempt a row, in a journal of theirs each."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from assay.runs import REQUESTS_SCHEMA
from assay.runs.batches import BatchJournal, read_batches

_AT_CLOSING = ("final", "issued_ns", "scheduled_ns", "text_tokens", "max_tokens")
_CHUNKS = pa.field("chunk_at_ns", pa.list_(pa.int64()))  # CLOCK_MONOTONIC; `chunk_ns` counts from `sent_ns`
_TEXT = pa.field("text", pa.string())  # where its tokens are counted when the run is closed


def _as_written(field: pa.Field) -> pa.Field:
    if field.name == "chunk_ns":
        return _CHUNKS
    return pa.field(field.name, pa.string()) if pa.types.is_dictionary(field.type) else field


ATTEMPTS_SCHEMA = pa.schema([*(_as_written(f) for f in REQUESTS_SCHEMA if f.name not in _AT_CLOSING), _TEXT])
_LISTS = {field.name: "q" if field.type.value_type == pa.int64() else "i" for field in ATTEMPTS_SCHEMA
          if pa.types.is_list(field.type)}  # fmt: skip
_OVER = object()
_ROWS_PER_BATCH = 256  # about half a millisecond's work, in which no chunk is stamped


def attempts_path(parts: Path, worker: int) -> Path:
    return parts / f"attempts-{worker}.arrows"


def warmup_path(parts: Path, worker: int) -> Path:
    return parts / f"warmup-{worker}.arrows"


class _Gathered:
    """Attempts that aren't written yet."""

    def __init__(self) -> None:
        self.rows: list[Mapping[str, Any]] = []
        self.lists: dict[str, list[array[int] | None]] = {name: [] for name in _LISTS}

    def add(self, row: Mapping[str, Any]) -> None:
        self.rows.append(row)
        for name, code in _LISTS.items():
            values = row.get(name)
            # Packed at once, for the objects of hundreds of answers turn into columns in no short time.
            self.lists[name].append(None if values is None else array(code, values))

    def take(self, later: _Gathered) -> None:
        self.rows += later.rows
        for name, values in later.lists.items():
            self.lists[name] += values

    def column(self, field: pa.Field) -> pa.Array:
        name = field.name
        if name in _LISTS:
            return _list_array(self.lists[name], field.type)
        return pa.array([row.get(name) for row in self.rows], field.type)


class AttemptJournal:
    """Gathers attempts, and hands what has gathered to the operating system in one write."""

    def __init__(self, path: Path) -> None:
        self._journal = BatchJournal(path, ATTEMPTS_SCHEMA)
        self._gathered = _Gathered()
        self._steps: Iterator[None] = iter(())

    def add(self, row: Mapping[str, Any]) -> None:
        """`row` has columns of `ATTEMPTS_SCHEMA`; one that is missing is null."""
        self._gathered.add(row)
        if len(self._gathered.rows) >= _ROWS_PER_BATCH:
            self.flush()

    def flush(self) -> None:
        """Write all at once. Raises OSError where the disk takes no more."""
        while self.step():
            pass

    def step(self) -> bool:
        """Do a part of the writing, one column's; whether more is to be done.

        A whole batch takes milliseconds where the caches hold other things, and no chunk is stamped meanwhile.
        """
        if next(self._steps, _OVER) is not _OVER:
            return True
        if not self._gathered.rows:
            return False
        self._steps, self._gathered = self._written(self._gathered), _Gathered()
        return True

    def _written(self, gathered: _Gathered) -> Iterator[None]:
        columns = []
        for field in ATTEMPTS_SCHEMA:
            columns.append(gathered.column(field))
            yield
        try:
            self._journal.write(pa.RecordBatch.from_arrays(columns, schema=ATTEMPTS_SCHEMA))
        except OSError:  # tried again with those that came meanwhile
            gathered.take(self._gathered)
            self._gathered = gathered
            raise


def _list_array(lists: list[array[int] | None], kind: pa.ListType) -> pa.Array:
    lengths = [0 if values is None else len(values) for values in lists]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    packed = b"".join(values for values in lists if values is not None)
    cells = pa.Array.from_buffers(kind.value_type, int(offsets[-1]), [None, pa.py_buffer(packed)])
    missing = pa.array([values is None for values in lists], pa.bool_())
    return pa.ListArray.from_arrays(pa.array(offsets), cells, type=kind, mask=missing)


def read_attempts(path: Path, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
    """The attempts of one journal as they were written, or these columns of them, in the schema's order.

    A batch that was cut off by a crash is left out. Raises pa.ArrowInvalid or OSError where more follows one that can't
    be read.
    """
    names = ATTEMPTS_SCHEMA.names
    return read_batches(path, None if columns is None else [names.index(name) for name in columns])
