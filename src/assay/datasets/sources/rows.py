"""Rows of named fields from a file: JSON lines, or one JSON list; and checked values from a row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from assay.errors import UserError
from assay.plain_files import plain
from assay.quantities import A_YEAR_S, MOST_TOKENS

_LATEST_MS = 100 * A_YEAR_S * 1000
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Row:
    """One entry of a data set. A field that is null counts as absent."""

    where: str
    """What errors call it: the data set, and the number of its line or entry, from 1."""
    fields: Mapping[str, Any]

    def has(self, name: str) -> bool:
        return self.fields.get(name) is not None

    def text(self, name: str) -> str:
        """A text that isn't empty. Raises `UserError`."""
        value = self._needed(name)
        if not isinstance(value, str) or not value.strip():
            raise UserError(f"{self.where}: the field {name!r} must be a text that isn't empty.")
        return value

    def optional_text(self, *names: str) -> str | None:
        """The first of the fields that is there."""
        return next((self.text(name) for name in names if self.has(name)), None)

    def integer(self, name: str, least: int) -> int:
        """A number of tokens, at least `least`. Raises `UserError`."""
        value = self._needed(name)
        whole = int(value) if isinstance(value, float) and value.is_integer() else value
        # type() rather than isinstance: JSON's true is an int to Python, but no number.
        if type(whole) is not int or not least <= whole <= MOST_TOKENS:
            raise UserError(
                f"{self.where}: the field {name!r} must be a whole number, at least {least} and at most {MOST_TOKENS}."
            )
        return whole

    def optional_integer(self, name: str, least: int) -> int | None:
        return self.integer(name, least) if self.has(name) else None

    def optional_ns(self, name: str) -> int | None:
        """A time that the file gives in ms, in ns."""
        return milliseconds_to_ns(self.fields[name], name, self.where) if self.has(name) else None

    def items(self, name: str) -> list[Any]:
        """A list that isn't empty. Raises `UserError`."""
        value = self._needed(name)
        if not isinstance(value, list) or not value:
            raise UserError(f"{self.where}: the field {name!r} must be a list that isn't empty.")
        return value

    def _needed(self, name: str) -> Any:
        if not self.has(name):
            known = ", ".join(sorted(self.fields)) or "none"
            raise UserError(f"{self.where}: the field {name!r} is missing; it has {known}.")
        return self.fields[name]


def milliseconds_to_ns(value: Any, name: str, where: str) -> int:
    """Raises `UserError` unless `value` is a number of ms, 0 or more; a trace may count them from 1970."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LATEST_MS:
        raise UserError(f"{where}: the field {name!r} must be a time in ms, 0 or more and at most {_LATEST_MS}.")
    return round(value * 1_000_000)


def read_file(path: Path) -> bytes:
    """All of a file. Raises `UserError` where it can't be read; never waits for a FIFO or a device."""
    try:
        return plain(path).read_bytes()
    except OSError as error:
        raise UserError(f"dataset {path}: {error.strerror or error}.") from error


def rows_of(data: bytes, path: Path) -> Iterator[Row]:
    """The rows of a file's content; blank lines are passed over. Raises `UserError` by the entry's number, from 1."""
    if data.startswith(_UTF16_MARKS):
        raise UserError(f"dataset {path} is UTF-16 text; save it as UTF-8.")
    data = data.removeprefix(_BYTE_ORDER_MARK)
    if data.lstrip()[:1] == b"[":
        yield from _listed(data, path)
        return
    for number, line in enumerate(data.split(b"\n"), start=1):
        if line.strip():
            where = f"dataset {path}, line {number}"
            try:
                value = orjson.loads(line)
            except orjson.JSONDecodeError as error:
                raise UserError(
                    f"{where} is not JSON: {error}. Expected an object a line, or one list of objects."
                ) from error
            yield row(value, where)


def _listed(data: bytes, path: Path) -> Iterator[Row]:
    try:
        entries = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise UserError(f"dataset {path} is not JSON: {error}. Was it downloaded to the end?") from error
    for number, entry in enumerate(entries, start=1):
        yield row(entry, f"dataset {path}, entry {number}")


def row(value: Any, where: str) -> Row:
    """Raises `UserError` unless `value` has named fields."""
    if not isinstance(value, dict):
        raise UserError(f"{where}: expected an object with named fields, found {type(value).__name__}.")
    return Row(where, value)


def renamed(given: Row, fields: Mapping[str, str]) -> Row:
    """The row with fields under assay's names too: `fields` maps them to the file's."""
    return Row(given.where, {**given.fields, **{ours: given.fields.get(theirs) for ours, theirs in fields.items()}})
