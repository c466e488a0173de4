"""Records written as they come, so that whatever happens to a run, what was measured is on disk.

Attempts are JSON lines whose keys are columns of `requests.parquet`; what was issued is a binary file of
(sample_id, qsl_idx, issued_ns, due_ns). A line or record cut off by a crash is ignored when they are read.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from assay.load.source import Issue

_ISSUED = struct.Struct("<qiqq")
_FLUSH_BYTES = 256 * 1024


def attempts_path(parts: Path, worker: int) -> Path:
    return parts / f"attempts-{worker}.jsonl"


def warmup_path(parts: Path, worker: int) -> Path:
    return parts / f"warmup-{worker}.jsonl"


class AttemptJournal:
    """Appends attempts; `flush` hands what has gathered to the operating system in one write."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._lines: list[bytes] = []
        self._size = 0

    def add(self, row: dict[str, Any]) -> None:
        line = orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
        self._lines.append(line)
        self._size += len(line)
        if self._size >= _FLUSH_BYTES:
            self.flush()

    def flush(self) -> None:
        if self._lines:
            _write_all(self._file, b"".join(self._lines))
            self._lines.clear()
            self._size = 0


def read_attempts(path: Path) -> Iterator[dict[str, Any]]:
    """The attempts of one journal; an unfinished last line is left out."""
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield orjson.loads(line)


class Issued(NamedTuple):
    sample: int
    qsl_idx: int
    issued_ns: int
    due_ns: int  # NO_TIME where the source gave no schedule


class IssuedJournal:
    """What the source of load handed over, written before anything is sent."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def add(self, first: int, issues: Sequence[Issue], issued_ns: int) -> None:
        """`issues` are the samples from `first` on. One that was handed over early is issued when it is due."""
        records = (
            _ISSUED.pack(first + place, issue.qsl_idx, max(issued_ns, issue.due_ns), issue.due_ns)
            for place, issue in enumerate(issues)
        )
        _write_all(self._file, b"".join(records))


def read_issued(path: Path) -> list[Issued]:
    """What was issued, in order; empty where nothing was."""
    if not path.exists():
        return []
    data = path.read_bytes()
    return [Issued(*record) for record in _ISSUED.iter_unpack(data[: len(data) // _ISSUED.size * _ISSUED.size])]


def _write_all(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]
