"""`progress.jsonl`: how a run goes, one event a line, for whoever follows it while it runs or looks at it afterwards.

Counts and latencies are totals since the load began, so the newest line alone says how things stand, and the difference
of two says what happened between them. Of many endpoints only some lines tell.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from assay.errors import UserError
from assay.plain_files import plain
from assay.runs.record import RunStatus
from assay.runs.sketch import Sketch

_VERSION = 1
_TAIL_BYTES = 1 << 20  # holds the last event that tells of a thousand endpoints, and those after it

Phase = Literal["warmup", "start", "load", "drain", "closing", "done"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Event(_Model):
    """What every line has."""

    version: Literal[1] = 1
    time_ns: int = Field(description="CLOCK_MONOTONIC of the host that runs the load")
    clock_offset_ns: int = Field(description="UTC minus CLOCK_MONOTONIC as the run's process started, ns")

    @property
    def utc_ns(self) -> int:
        """UTC, ns since 1970."""
        return self.time_ns + self.clock_offset_ns


class PhaseEvent(_Event):
    """A phase begins.

    warmup: prompts that don't count; start: the load is set up; load: samples are issued; drain: all are issued, some
    are unanswered; closing: the load is over, its records are put together.
    """

    event: Literal["phase"] = "phase"
    phase: Phase


class WarmupWave(_Model):
    """One endpoint's part of a wave of warm-up prompts."""

    places: int = Field(description="prompts that were sent at once")
    tokens_per_s: float = Field(description="output tokens")
    steady: bool = Field(description="as fast as the wave before, within the tolerance")


class WarmupEvent(_Event):
    """A wave of warm-up prompts was answered."""

    event: Literal["warmup"] = "warmup"
    phase: Literal["warmup"] = "warmup"
    wave: int = Field(description="counted from 1, those that look for a window included")
    endpoints: dict[str, WarmupWave]


class WaitEvent(_Event):
    """An endpoint is busy (429, 503) and asks for nothing to be sent for seconds; told once a wait."""

    event: Literal["wait"] = "wait"
    phase: Phase
    endpoint: str
    wait_ns: int = Field(description="as it asks: it is sent nothing for so long")


class EndpointProgress(_Model):
    """One endpoint since the load began."""

    completed: int = 0
    failed: int = Field(default=0, description="attempts; the samples may be answered elsewhere")
    in_flight: int = 0
    out: bool = Field(default=False, description="it gets no samples until it answers a probe")
    input_tokens: int = Field(default=0, description="of the prompts of completed samples")
    output_tokens: int = 0


class TimeLeft(_Model):
    """How long until the last answer, and what that rests on."""

    ns: int
    basis: Literal["completed so far", "arrivals", "duration"]


class ProgressEvent(_Event):
    """How the load stands."""

    event: Literal["progress"] = "progress"
    phase: Phase
    elapsed_ns: int = Field(description="since the load began")
    expected: int | None = Field(description="samples that will be issued; null: only time ends the load")
    issued: int
    completed: int
    failed: int = Field(description="samples given up after their last attempt")
    in_flight: int
    queued: int = Field(description="issued, and waiting for an endpoint that has room")
    input_tokens: int = Field(description="of the prompts of completed samples")
    output_tokens: int
    tokens_estimated: bool = Field(default=False, description="some answers' tokens aren't known: chunks are counted")
    endpoints: dict[str, EndpointProgress] = Field(
        description="all of them, or none: those of more than 64 are told of every some seconds, and in the last event"
    )
    ttft: Sketch = Field(description="issue to first token")
    tpot: Sketch = Field(description="first to last token, a token; answers of at least 2")
    latency: Sketch = Field(description="issue to last token")
    left: TimeLeft | None = Field(description="null: nothing is known to compute it from")


class DoneEvent(_Event):
    """The run is closed; nothing follows, unless it is closed again."""

    event: Literal["done"] = "done"
    phase: Literal["done"] = "done"
    status: RunStatus
    reason: str = ""


AnyEvent = PhaseEvent | WarmupEvent | WaitEvent | ProgressEvent | DoneEvent
Event = Annotated[AnyEvent, Field(discriminator="event")]
_EVENT: TypeAdapter[AnyEvent] = TypeAdapter(Event)


def event_line(event: AnyEvent) -> bytes:
    """The event as one line."""
    return _EVENT.dump_json(event) + b"\n"


def append_event(path: Path, event: AnyEvent) -> None:
    """Add an event; a line that a killed process left unfinished is ended first."""
    with path.open("a+b", buffering=0) as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 1))
        torn = size > 0 and file.read(1) != b"\n"
        file.write(b"\n" * torn + event_line(event))


def parse_event(line: bytes) -> AnyEvent | None:
    """The event of a line; None where the line is torn. Raises ValueError where it is no event of this version."""
    try:
        data: Any = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    version = data.get("version") if isinstance(data, dict) else None
    if version != _VERSION:
        raise ValueError(f"it is of version {version!r}, this assay reads {_VERSION}; use the assay that wrote it")
    return _EVENT.validate_python(data)


class ProgressReader:
    """Reads a file that may still grow; each `poll` gives the events since the last one."""

    def __init__(self, path: Path, *, late: bool = False) -> None:
        """`late`: begin with the newest events instead of the first."""
        self._path = path
        self._late = late
        self._offset = 0
        self.torn = 0
        """Lines that a killed process left unfinished, and that were passed over."""

    def poll(self) -> list[AnyEvent]:
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

    def _event(self, line: bytes) -> AnyEvent | None:
        try:
            event = parse_event(line)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise UserError(f"{self._path}: can't be read as progress: {place}: {first['msg']}; {_MEND}") from None
        except ValueError as error:
            raise UserError(f"{self._path}: can't be read as progress: {error}") from None
        self.torn += event is None
        return event


_MEND = "nothing but the course of the run is lost: its results are in the other files"


def read_progress(path: Path) -> list[AnyEvent]:
    """All events of a file; raises UserError where it can't be read."""
    return ProgressReader(path).poll()
