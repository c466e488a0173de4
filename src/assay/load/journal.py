"""What was issued, written before anything is sent, so that whatever happens to a run, no sample is forgotten.

A binary file of (sample_id, qsl_idx, issued_ns, due_ns); a record that was cut off by a crash is ignored when it is
read.
"""

from __future__ import annotations

import itertools
import os
import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assay.load.source import NO_TIME, Issues
from assay.runs.atomic import named
from assay.runs.batches import write_all

_ISSUED = struct.Struct("<qiqq")
ISSUED = np.dtype([("sample", "<i8"), ("qsl_idx", "<i4"), ("issued_ns", "<i8"), ("due_ns", "<i8")])
"""`due_ns` is NO_TIME where the source gave no schedule."""


class IssuedJournal:
    """What the source of load handed over, written before anything of it is sent."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def write(self, first: int, issues: Issues, issued_ns: Sequence[int]) -> None:
        """`issues` are the samples from `first` on. One that was handed over early is issued when it is due."""
        dues = [issue.due_ns for issue in issues.particular] or itertools.repeat(NO_TIME)
        records, pack = bytearray(), _ISSUED.pack
        columns = zip(itertools.count(first), issues.qsl_idx, issued_ns, dues, strict=False)
        for sample, qsl_idx, now_ns, due_ns in columns:
            records += pack(sample, qsl_idx, now_ns if now_ns > due_ns else due_ns, due_ns)
        with named(self._path):
            write_all(self._file, records)


def read_issued(path: Path) -> NDArray[np.void]:
    """What was issued, in order, as records of `ISSUED`; empty where nothing was."""
    if not path.exists():
        return np.zeros(0, dtype=ISSUED)
    return np.fromfile(path, dtype=ISSUED, count=path.stat().st_size // ISSUED.itemsize)
