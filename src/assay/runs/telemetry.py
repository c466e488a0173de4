"""`telemetry.parquet`: node, metric, time, value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from assay.errors import UserError
from assay.plain_files import plain
from assay.runs.atomic import named
from assay.runs.batches import BatchJournal, BatchReader, read_batches
from assay.runs.folder import RunFolder

_TAIL_ROWS = 200_000

TELEMETRY_SCHEMA = pa.schema(
    [
        pa.field("node", pa.dictionary(pa.int16(), pa.string()), nullable=False),
        # host: cpu_percent, …; GPU: gpu<i>_…; CPU package: cpu<i>_…; engine: <endpoint>/<its metric's name>
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
    with named(path), pq.ParquetWriter(temporary, TELEMETRY_SCHEMA, compression="zstd") as writer:
        for batch in read_batches(journal):
            writer.write_table(pa.Table.from_batches([batch]).cast(TELEMETRY_SCHEMA))
    temporary.replace(path)


def read_telemetry(path: Path, last: int | None = None) -> pa.Table:
    """All rows, or about as many as `last` of those that were written last.

    Raises UserError where the file is damaged.
    """
    try:
        with pq.ParquetFile(plain(path)) as file:
            groups = range(0 if last is None else _group_of(file.metadata, last), file.num_row_groups)
            return file.read_row_groups(groups, TELEMETRY_SCHEMA.names).cast(TELEMETRY_SCHEMA)
    except (OSError, pa.ArrowException, ValueError, KeyError) as error:
        raise UserError(f"{path}: can't be read: {error}") from None


def read_matching(path: Path, metric: re.Pattern[str]) -> pa.Table:
    """The rows of the metrics whose whole name the pattern is; of a large run the rest wouldn't fit beside them.

    Raises UserError where the file is damaged.
    """
    try:
        return pa.Table.from_batches(_matching(path, metric), TELEMETRY_SCHEMA)
    except (OSError, pa.ArrowException, ValueError, KeyError) as error:
        raise UserError(f"{path}: can't be read: {error}") from None


def _matching(path: Path, metric: re.Pattern[str]) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(plain(path), pre_buffer=False) as file:
        for batch in file.iter_batches(columns=TELEMETRY_SCHEMA.names):
            names = batch.column("metric")
            wanted = pc.match_substring_regex(names.dictionary, f"^(?:{metric.pattern})$")
            kept = batch.filter(wanted.take(names.indices))
            yield kept.select(TELEMETRY_SCHEMA.names).cast(TELEMETRY_SCHEMA)


def _group_of(metadata: pq.FileMetaData, last: int) -> int:
    """The row group from which on there are `last` rows."""
    group, rows = metadata.num_row_groups, 0
    while group and rows < last:
        group -= 1
        rows += metadata.row_group(group).num_rows
    return int(group)


class TelemetryReader:
    """Follows what is sampled while a run lasts; each `poll` gives what was added, in JOURNAL_SCHEMA.

    Of a run that is closed, what hasn't been given yet comes from its table.
    """

    def __init__(self, folder: RunFolder, *, late: bool = False) -> None:
        """`late`: begin with what was sampled last, so that joining takes no longer the longer the run has lasted."""
        self._folder = folder
        self._late = late
        self._journal = BatchReader(folder.telemetry_journal, late=late)
        self._closed = False
        self._newest_ns: int | None = None

    def poll(self) -> Iterator[pa.RecordBatch]:
        """Batches in the order in which they were written; nothing where there are no files yet.

        Raises UserError where a file can't be read.
        """
        open_still = self._folder.telemetry_journal.exists()
        try:
            for batch in self._journal.poll():
                batch = batch.select(JOURNAL_SCHEMA.names).cast(JOURNAL_SCHEMA)
                self._note(batch)
                yield batch
        except (OSError, pa.ArrowException, KeyError) as error:
            raise UserError(f"{self._folder.telemetry_journal}: can't be read: {error}") from None
        if not open_still and not self._closed and self._folder.telemetry.exists():
            self._closed = True
            yield from self._rest()

    def _note(self, batch: pa.RecordBatch) -> None:
        newest_ns = pc.max(batch["time_ns"]).as_py()
        if newest_ns is not None:
            self._newest_ns = max(newest_ns, self._newest_ns or newest_ns)

    def _rest(self) -> Iterator[pa.RecordBatch]:
        """What the closed run's table has that is newer than what the journal gave."""
        table = read_telemetry(self._folder.telemetry, _TAIL_ROWS if self._late else None)
        if self._newest_ns is not None:
            table = table.filter(pc.greater(table["time_ns"], self._newest_ns))
        yield from table.cast(JOURNAL_SCHEMA).to_batches()
