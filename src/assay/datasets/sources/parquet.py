"""Rows of a Parquet file, as MLPerf publishes gpt-oss-120b's data sets; lists of integers stay arrays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from assay.datasets.sources.rows import Row
from assay.errors import UserError

PARQUET_START = b"PAR1"
_ROWS = 256  # at a time: a prompt of thousands of ids is large as Python's numbers


def parquet_rows(data: bytes, path: Path) -> Iterator[Row]:
    """Raises `UserError` where the file can't be read."""
    number = 0
    try:
        for batch in pq.ParquetFile(pa.BufferReader(data)).iter_batches(batch_size=_ROWS):
            columns = {name: _values(batch.column(at)) for at, name in enumerate(batch.schema.names)}
            for place in range(batch.num_rows):
                number += 1
                fields = {name: values[place] for name, values in columns.items()}
                yield Row(f"dataset {path}, entry {number}", fields)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise UserError(f"dataset {path} can't be read as Parquet: {error}. Was it downloaded to the end?") from None


def _values(column: pa.Array) -> list[Any]:
    """A column's values; each list of integers without gaps as an array of its own."""
    kind = column.type
    lists = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    if not lists or not pa.types.is_integer(kind.value_type) or column.flatten().null_count:
        found: list[Any] = column.to_pylist()
        return found
    return [item.values.to_numpy() if item.is_valid else None for item in column]
