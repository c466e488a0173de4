"""Rows written as they come, so that whatever happens to a run, what was measured is on disk: Arrow record batches.

A journal is a stream of them (Apache Arrow's IPC format); a batch that was cut off by a crash is ignored when it is
read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from assay.plain_files import plain
from assay.runs.atomic import named

_TAIL_BYTES = 16 << 20
_MARK = b"\xff\xff\xff\xff"  # begins every message of the format, at a multiple of _ALIGNED
_ALIGNED = 8


class BatchJournal:
    """A file of batches; each is whole or not there."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        """Raises FileExistsError where there is one: what it holds may be all there is of a run."""
        self._path = path
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        self._size = 0
        self._write(schema.serialize())

    def write(self, batch: pa.RecordBatch) -> None:
        """Hand a batch to the operating system. Raises OSError where the disk takes no more; nothing of it stays."""
        self._write(batch.serialize())

    def _write(self, data: pa.Buffer) -> None:
        try:
            with named(self._path):
                write_all(self._file, memoryview(data))
        except OSError:  # the disk is full: what is written once there is room again follows what is whole
            os.ftruncate(self._file, self._size)
            os.lseek(self._file, self._size, os.SEEK_SET)
            raise
        self._size += data.size

    def close(self) -> None:
        os.close(self._file)


def write_all(handle: int, data: bytes | bytearray | memoryview) -> None:
    """Write to a file that may take a part at a time."""
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


def read_batches(path: Path, fields: list[int] | None = None) -> Iterator[pa.RecordBatch]:
    """The batches of a journal, or these fields of them; one that was cut off by a crash is left out.

    Raises pa.ArrowInvalid or OSError where more follows one that can't be read.
    """
    size = path.stat().st_size
    with pa.OSFile(str(path)) as file:
        try:
            yield from pa.ipc.open_stream(file, options=pa.ipc.IpcReadOptions(included_fields=fields))
        except (pa.ArrowInvalid, OSError):
            if file.tell() < size:
                raise


class BatchReader:
    """Follows a journal that may still grow; each `poll` gives the batches that were added."""

    def __init__(self, path: Path, *, late: bool = False) -> None:
        """`late`: begin with the last 16 MiB, so that joining takes no longer the longer the journal is."""
        self._path = path
        self._late = late
        self._schema: pa.Schema | None = None
        self._offset = 0

    def poll(self) -> Iterator[pa.RecordBatch]:
        """Nothing where there is no file yet. A batch that isn't whole waits; one that is damaged is passed over.

        Raises OSError where the file can't be read.
        """
        try:
            file = pa.OSFile(str(plain(self._path)))
        except FileNotFoundError:
            return
        with file:
            file.seek(self._offset)
            while (message := _next_message(file)) is not None:
                self._offset = file.tell()
                if self._schema is None:
                    self._schema = pa.ipc.read_schema(message)
                    self._join(file)
                elif (batch := _batch_of(message, self._schema)) is not None:
                    yield batch

    def _join(self, file: pa.NativeFile) -> None:
        begin = (file.size() - _TAIL_BYTES) // _ALIGNED * _ALIGNED
        if not self._late or begin <= self._offset:
            return
        assert self._schema is not None
        file.seek(begin)
        first = _first_batch(file.read(), self._schema)
        self._offset = self._offset if first is None else begin + first
        file.seek(self._offset)


def _next_message(file: pa.NativeFile) -> pa.Message | None:
    """None where no whole one follows."""
    try:
        return pa.ipc.read_message(file)
    except (EOFError, OSError, pa.ArrowInvalid):
        return None


def _batch_of(message: pa.Message, schema: pa.Schema) -> pa.RecordBatch | None:
    """None where it holds none."""
    try:
        batch = pa.ipc.read_record_batch(message, schema)
        batch.validate(full=True)
    except (OSError, pa.ArrowException):
        return None
    return batch


def _first_batch(data: bytes, schema: pa.Schema) -> int | None:
    """Where the first batch begins in a part of a journal; None where no whole one does."""
    at = data.find(_MARK)
    while at >= 0:
        if at % _ALIGNED == 0:
            message = _next_message(pa.BufferReader(pa.py_buffer(data).slice(at)))
            if message is not None and _batch_of(message, schema) is not None:
                return at
        at = data.find(_MARK, at + 1)
    return None
