"""The `:::MLLOG` lines of LoadGen's detail log as objects, whatever their text holds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from assay.plain_files import plain

_LONGEST = 1 << 24  # loaded_qsl_set of a million samples is 8 MB; anything longer isn't a log line
_MARK = b":::MLLOG"
_ENDED = re.compile(rb"\}\s*$")
_BARE = re.compile(rb'("value":\s*)([+-]?)(nan|inf)(?:inity)?(?=\s*[,}])', re.IGNORECASE)
_JSON_WORD = {b"nan": b"NaN", b"inf": b"Infinity"}
_PARTS = re.compile(
    rb'^\{"key": "([^"]+)", "value": "(.*)", "time_ms": ([\d.]+), '
    rb'.*"is_error": (true|false), "is_warning": (true|false)',
    re.DOTALL,
)


def read_entries(path: Path) -> Iterator[dict[str, Any] | None]:
    """Each line that isn't blank as its object, in constant memory; None for one that can't be read.

    Raises OSError where the file can't be opened or read.
    """
    for line in _lines(path):
        if line.strip():
            yield _entry(line)


def _lines(path: Path) -> Iterator[bytes]:
    """Log lines; one whose string holds line breaks (a git status, an exception's text) is put together again."""
    held = b""
    with plain(path).open("rb") as file:
        while line := file.readline(_LONGEST):
            if held and (_MARK in line or len(held) + len(line) > _LONGEST):
                yield held
                held = b""
            if held:
                held += line
            elif _MARK in line and not _ENDED.search(line[-8:]):
                held = line
            else:
                yield line
            if held and _ENDED.search(held[-8:]):
                yield held
                held = b""
    if held:
        yield held


def _entry(line: bytes) -> dict[str, Any] | None:
    mark = line.find(_MARK)
    if mark < 0:
        return None
    body = line[mark + len(_MARK) :].strip()
    try:
        entry = orjson.loads(body)
    except orjson.JSONDecodeError:
        # LoadGen prints C++'s nan and inf, and copies control characters in messages as they are
        body = _BARE.sub(_spelt_for_json, body)
        try:
            entry = json.loads(body.decode("utf-8", "replace"), strict=False, parse_int=_int_or_float)
        except (ValueError, RecursionError):  # brackets a thousand deep
            return _unescaped(body)
    return entry if isinstance(entry, dict) and isinstance(entry.get("key"), str) else None


def _spelt_for_json(match: re.Match[bytes]) -> bytes:
    word = match[3].lower()
    sign = b"" if word == b"nan" else match[2].strip(b"+")
    return bytes(match[1] + sign + _JSON_WORD[word])


def _int_or_float(text: str) -> float:
    return int(text) if len(text) < 20 else float(text)


def _unescaped(body: bytes) -> dict[str, Any] | None:
    """A line whose text holds quotes, which LoadGen doesn't escape (a commit's subject, a message)."""
    match = _PARTS.match(body)
    if not match:
        return None
    key, value, time_ms, error, warning = (part.decode("utf-8", "replace") for part in match.groups())
    flags = {"is_error": error == "true", "is_warning": warning == "true"}
    return {"key": key, "value": value, "time_ms": time_ms, "metadata": flags}
