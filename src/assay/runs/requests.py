"""`requests.parquet`: one row an attempt to get one sample answered by one endpoint."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from assay.errors import UserError
from assay.plain_files import plain
from assay.runs.atomic import named

REQUESTS_SCHEMA = pa.schema(
    [
        pa.field("sample_id", pa.int64(), nullable=False),  # order of issue, from 0; -1 never occurs
        pa.field("qsl_idx", pa.int32(), nullable=False),  # the sample's place in the data set
        pa.field("attempt", pa.int16(), nullable=False),  # from 1; 0 where the sample was never sent
        pa.field("final", pa.bool_(), nullable=False),  # the attempt that decided the sample: one a sample
        pa.field("endpoint", pa.dictionary(pa.int16(), pa.string())),  # null where the sample was never sent
        pa.field("worker", pa.int16()),
        pa.field("status", pa.dictionary(pa.int16(), pa.string()), nullable=False),  # "ok", a reason, or "lost"
        pa.field("detail", pa.string()),
        pa.field("http_status", pa.int16()),
        # Times: CLOCK_MONOTONIC of the host that runs LoadGen, ns. Null where it didn't happen.
        pa.field("issued_ns", pa.int64(), nullable=False),  # LoadGen's callback
        pa.field("scheduled_ns", pa.int64()),  # LoadGen's schedule, Server and Interactive only
        pa.field("sent_ns", pa.int64()),
        pa.field("first_ns", pa.int64()),  # first chunk that carried a token
        pa.field("first_answer_ns", pa.int64()),  # first chunk that carried a token of the answer, not of reasoning
        pa.field("last_ns", pa.int64()),  # last chunk that carried a token
        pa.field("done_ns", pa.int64()),  # end of the response, or of the attempt
        pa.field("chunk_ns", pa.list_(pa.int64())),  # arrival of each token-bearing chunk, ns after sent_ns
        pa.field("chunk_tokens", pa.list_(pa.int32())),  # tokens in each chunk; null where the server didn't say
        pa.field("input_tokens", pa.int32()),  # as the server counted them, else as they were sent
        pa.field("prompt_tokens_sent", pa.int32()),  # ids sent, or the text's by the tokenizer; null where neither
        pa.field("prompt_tokens_guessed", pa.int32()),  # where those sent aren't known: of text, about
        pa.field("prompt_tokens_counted", pa.int32()),  # by the server's usage
        pa.field("cached_tokens", pa.int32()),  # of the prompt, from the server's cache; null where it didn't say
        pa.field("output_tokens", pa.int32()),  # all that were generated, hidden reasoning too
        pa.field("streamed_tokens", pa.int32()),  # those that were streamed: all but hidden reasoning
        pa.field("text_tokens", pa.int32()),  # of the text that came, by the tokenizer, beside the server's usage
        pa.field("reasoning_tokens", pa.int32()),  # by the server's usage
        pa.field("max_tokens", pa.int32()),  # longest answer that the request allowed; null: the run's
        pa.field("token_source", pa.dictionary(pa.int8(), pa.string())),  # "ids", "usage" or "tokenizer"
        pa.field("finish_reason", pa.dictionary(pa.int16(), pa.string())),  # int16: servers make words up
        pa.field("answer_model", pa.dictionary(pa.int16(), pa.string())),  # its name in the answer; null: not told
        pa.field("output_ids", pa.list_(pa.int32())),
        pa.field("reused", pa.bool_()),  # sent on a kept-alive connection
    ],
    metadata={b"assay_requests_version": b"1"},
)

_ROWS_PER_GROUP = 16_384
_CELLS_PER_GROUP = 1 << 18  # of the lists: as Python objects they are what fills the memory
_LISTS = ("chunk_ns", "chunk_tokens", "output_ids")


class RequestWriter:
    """Writes rows to a Parquet file in groups; the file appears under its name only when closed without error."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._temporary = path.with_name(f".{path.name}.partial")
        self._writer = pq.ParquetWriter(
            self._temporary,
            REQUESTS_SCHEMA,
            compression="zstd",
            use_dictionary=["endpoint", "status", "token_source", "finish_reason", "answer_model"],
            column_encoding={"chunk_ns.list.element": "DELTA_BINARY_PACKED"},  # half the time to read, and to write
        )

    def write(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Append rows; a missing key is null."""
        batch: list[Mapping[str, Any]] = []
        cells = 0
        for row in rows:
            batch.append(row)
            cells += sum(len(row.get(name) or ()) for name in _LISTS)
            if len(batch) == _ROWS_PER_GROUP or cells >= _CELLS_PER_GROUP:
                self._flush(batch)
                batch, cells = [], 0
        if batch:
            self._flush(batch)

    def _flush(self, rows: list[Mapping[str, Any]]) -> None:
        self.write_table(pa.Table.from_pylist(rows, schema=REQUESTS_SCHEMA))

    def write_table(self, table: pa.Table) -> None:
        """Append a table of this schema as one row group; readers hold one at a time, so some thousand rows."""
        with named(self._path):
            self._writer.write_table(table)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            with named(self._path):
                self._writer.close()
            if kind is None:
                self._temporary.replace(self._path)
        finally:
            self._temporary.unlink(missing_ok=True)


def read_requests(path: Path, columns: list[str] | None = None) -> pa.Table:
    """Read the rows (only `columns`, if given; the nested columns are by far the largest).

    A column that a file of an earlier version lacks is null. Raises UserError where the file is missing, damaged or of
    another kind.
    """
    names = REQUESTS_SCHEMA.names if columns is None else columns
    with _told(path):
        held = set(pq.read_schema(plain(path)).names)
        table = pq.read_table(path, columns=[name for name in names if name in held])
        return _completed(table, names)


def read_request_batches(path: Path, columns: list[str]) -> Iterator[pa.Table]:
    """The rows as `read_requests` gives them, some thousand at a time: the lists of a million don't fit in memory."""
    with _told(path):
        file = _opened(path)
        held = set(file.schema_arrow.names)
        batches = file.iter_batches(columns=[name for name in columns if name in held], batch_size=_ROWS_PER_GROUP)
        for batch in batches:
            yield _completed(pa.Table.from_batches([batch]), columns)


def answered(table: pa.Table) -> pa.Table:
    """The rows by which samples were answered; the table itself where all are: lists take long to copy."""
    good = pc.and_(table["final"], pc.equal(table["status"].cast(pa.string()), "ok"))
    return table if pc.all(good, skip_nulls=False).as_py() else table.filter(good)


def read_request_columns(path: Path, columns: Sequence[str]) -> Iterator[pa.ChunkedArray]:
    """The columns as `read_requests` gives them, one after another: of a large run, all fill several times the memory
    that the figures need."""
    with _told(path):
        file = _opened(path)
        held = set(file.schema_arrow.names)
        for name in columns:
            if name in held:
                yield _completed(file.read(columns=[name]), [name])[name]
            else:
                yield pa.chunked_array([pa.nulls(file.metadata.num_rows, REQUESTS_SCHEMA.field(name).type)])


def _opened(path: Path) -> pq.ParquetFile:
    return pq.ParquetFile(plain(path), pre_buffer=False)  # which would keep all that was read until the file's end


def _completed(table: pa.Table, names: list[str]) -> pa.Table:
    """The columns in their order and types; null where the file lacks one."""
    wanted = pa.schema([(name, REQUESTS_SCHEMA.field(name).type) for name in names])
    for field in wanted:
        if field.name not in table.column_names:
            table = table.append_column(field, pa.nulls(table.num_rows, field.type))
    return table.select(names).cast(wanted)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Tells what keeps a file from being read in one line."""
    try:
        yield
    except (OSError, pa.ArrowException, ValueError) as error:
        told = (getattr(error, "strerror", None) or str(error)).partition("\n")[0]
        raise UserError(f"{path}: can't be read as a run's requests: {told}") from None
