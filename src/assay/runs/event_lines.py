"""Files of events, one JSON object a line, that grow while a run lasts: written, followed, joined late."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from assay.errors import UserError
from assay.plain_files import plain

_VERSION = 1
_TAIL_BYTES = 1 << 20  # holds the last event of progress that tells of a thousand endpoints, and those after it


class RunEvent(BaseModel):
    """What every line has."""

    model_config = ConfigDict(extra="forbid")

    version: Literal[1] = 1
    time_ns: int = Field(description="CLOCK_MONOTONIC of the host that runs the load")
    clock_offset_ns: int = Field(description="UTC minus CLOCK_MONOTONIC as the run's process started, ns")

    @property
    def utc_ns(self) -> int:
        """UTC, ns since 1970."""
        return self.time_ns + self.clock_offset_ns


E = TypeVar("E", bound=RunEvent)


def append_line(path: Path, line: bytes) -> None:
    """Add a whole line; one that a killed process left unfinished is ended first."""
    with path.open("a+b", buffering=0) as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 1))
        torn = size > 0 and file.read(1) != b"\n"
        file.write(b"\n" * torn + line)


def parse_line(line: bytes, kind: TypeAdapter[E]) -> E | None:
    """The event of a line; None where the line is torn. Raises ValueError where it is no event of this version."""
    try:
        data: Any = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    version = data.get("version") if isinstance(data, dict) else None
    if version != _VERSION:
        raise ValueError(f"it is of version {version!r}, this assay reads {_VERSION}; use the assay that wrote it")
    return kind.validate_python(data)


class EventReader(Generic[E]):
    """Reads a file that may still grow; each `poll` gives the events since the last one."""

    def __init__(self, path: Path, parse: Callable[[bytes], E | None], what: str, mend: str, *, late: bool) -> None:
        """`what` follows "can't be read as", and `mend` is what the user of a damaged file should know.

        `late`: begin with the newest events instead of the first.
        """
        self._path = path
        self._parse = parse
        self._what = what
        self._mend = mend
        self._late = late
        self._offset = 0
        self.torn = 0
        """Lines that a killed process left unfinished, and that were passed over."""

    def poll(self) -> list[E]:
        """Events that were added, the oldest first; empty where there is no file yet. An unfinished last line waits.

        Raises UserError where a line is no event of this version.
        """
        try:
            with plain(self._path).open("rb") as file:
                if self._late:
                    self._join(file.seek(0, 2), file)
                file.seek(self._offset)
                data = file.read()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise UserError(f"{self._path}: can't be read: {error.strerror or error}") from None
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        return [event for line in whole.splitlines() if (event := self._event(line)) is not None]

    def _join(self, size: int, file: Any) -> None:
        self._late = False
        if size <= _TAIL_BYTES:
            return
        file.seek(size - _TAIL_BYTES)
        self._offset = size - _TAIL_BYTES + file.read(_TAIL_BYTES).find(b"\n") + 1

    def _event(self, line: bytes) -> E | None:
        before = f"{self._path}: can't be read as {self._what}: "
        try:
            event = self._parse(line)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise UserError(f"{before}{place}: {first['msg']}; {self._mend}") from None
        except ValueError as error:
            raise UserError(f"{before}{error}") from None
        self.torn += event is None
        return event
