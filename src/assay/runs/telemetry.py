"""`telemetry.parquet`: node, metric, time, value."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from assay.errors import UserError
from assay.plain_files import plain
from assay.runs.batches import BatchJournal, read_batches

TELEMETRY_SCHEMA = pa.schema(
    [
        pa.field("node", pa.dictionary(pa.int16(), pa.string()), nullable=False),
        # host: cpu_percent, memory_used_bytes, …; GPU: gpu<i>_…; engine: <endpoint>/<its metric's name>
        pa.field("metric", pa.dictionary(pa.int32(), pa.string()), nullable=False),
        pa.field("time_ns", pa.int64(), nullable=False),  # CLOCK_MONOTONIC of the controller
        pa.field("value", pa.float64(), nullable=False),
    ],
    metadata={b"assay_telemetry_version": b"1"},
)


JOURNAL_SCHEMA = pa.schema(
    [(field.name, pa.string() if pa.types.is_dictionary(field.type) else field.type) for field in TELEMETRY_SCHEMA]
)


class TelemetryJournal:
    """What is sampled while a run lasts, on disk once it is flushed: it may last for days, and end by a kill."""

    def __init__(self, path: Path) -> None:
        self._journal = BatchJournal(path, JOURNAL_SCHEMA)
        self._clear()

    def add(self, node: str, metric: str, time_ns: int, value: float) -> None:
        for column, item in zip(self._columns, (node, metric, time_ns, value), strict=True):
            column.append(item)

    def flush(self) -> None:
        """Raises OSError where the disk takes no more: what has gathered is kept."""
        if self._columns[0]:
            arrays = [pa.array(column, field.type) for column, field in zip(self._columns, JOURNAL_SCHEMA, strict=True)]
            self._journal.write(pa.RecordBatch.from_arrays(arrays, schema=JOURNAL_SCHEMA))
            self._clear()

    def close(self) -> None:
        self.flush()
        self._journal.close()

    def _clear(self) -> None:
        self._columns: tuple[list[object], ...] = ([], [], [], [])


def write_telemetry(journal: Path, path: Path) -> None:
    """Make `telemetry.parquet` of what a journal holds, some of it at a time."""
    temporary = path.with_name(f".{path.name}.partial")
    with pq.ParquetWriter(temporary, TELEMETRY_SCHEMA, compression="zstd") as writer:
        for batch in read_batches(journal):
            writer.write_table(pa.Table.from_batches([batch]).cast(TELEMETRY_SCHEMA))
    temporary.replace(path)


def read_telemetry(path: Path) -> pa.Table:
    """Raises UserError where the file is damaged."""
    try:
        return pq.read_table(plain(path)).select(TELEMETRY_SCHEMA.names).cast(TELEMETRY_SCHEMA)
    except (OSError, pa.ArrowException, ValueError, KeyError) as error:
        raise UserError(f"{path}: can't be read: {error}") from None
