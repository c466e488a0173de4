"""What is opened by a name that others chose: regular files only."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path


def plain(path: Path) -> Path:
    """`path`, once it is known to be a regular file: to open a FIFO waits for ever, and a device may have no end.

    Raises OSError, whose `strerror` says what it is instead, where it is anything else or isn't there.
    """
    try:
        mode = path.stat().st_mode
    except ValueError:  # what Python makes of a null byte
        raise OSError(errno.EINVAL, "a path can't hold a null byte", str(path)) from None
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "no regular file (a FIFO, a socket or a device)", str(path))
    return path
