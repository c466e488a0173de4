"""Temporary folders that don't outlive their process for long, however it ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_PREFIX = "assay-"
_MARK = ".assay-scratch"


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """A new folder that is gone on the way out.

    Those that killed processes left are removed first: folders in the same place, of the same user, that carry the
    mark and whose lock nobody holds. The kernel lets go of a lock when its process ends.
    """
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/{_MARK}"):
        _remove_left(path)
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as name, _locked(Path(name) / f"{_MARK}-new") as mark:
        mark.rename(mark.with_name(_MARK))  # only now can another process see it, and then it is held
        yield Path(name)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[Path]:
    with path.open("wb") as file:
        _try_lock(file)
        yield path


def _remove_left(mark: Path) -> None:
    with contextlib.suppress(OSError):  # another process removes it now, or it isn't ours to open
        if mark.parent.is_symlink() or mark.parent.stat().st_uid != os.getuid():
            return
        with mark.open("rb") as file:
            if _try_lock(file):
                shutil.rmtree(mark.parent, ignore_errors=True)


def _try_lock(file: BinaryIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
