"""A file that takes no more, told from one process of a load to the next by what needs no disk.

A worker tells the load's process in a frame, and that the controller in a line of its standard output.
"""

from __future__ import annotations

import orjson

_KEY = "unwritable"


def unwritable_line(error: OSError) -> bytes:
    """The error as one line."""
    filename = None if error.filename is None else str(error.filename)
    return orjson.dumps({_KEY: [error.errno, error.strerror or str(error), filename]}) + b"\n"


def parse_unwritable(line: bytes) -> OSError | None:
    """The error of a line; None where it is any other line."""
    try:
        number, words, filename = orjson.loads(line)[_KEY]
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return None
    return OSError(number, words, filename)
