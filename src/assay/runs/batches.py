"""Rows written as they come, so that whatever happens to a run, what was measured is on disk: Arrow record batches.

A journal is a stream of them (Apache Arrow's IPC format); a batch that was cut off by a crash is ignored when it is
read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa


class BatchJournal:
    """A file of batches; each is whole or not there."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        """Raises FileExistsError where there is one: what it holds may be all there is of a run."""
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        self._size = 0
        self._write(schema.serialize())

    def write(self, batch: pa.RecordBatch) -> None:
        """Hand a batch to the operating system. Raises OSError where the disk takes no more; nothing of it stays."""
        self._write(batch.serialize())

    def _write(self, data: pa.Buffer) -> None:
        try:
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
