"""`progress.jsonl`: how a run goes, one event a line, for whoever follows it while it runs or looks at it afterwards.

Counts and latencies are totals since the load began, so the newest line alone says how things stand, and the difference
of two says what happened between them. Of many endpoints only some lines tell.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from assay.runs.event_lines import EventReader, RunEvent, append_line, parse_line
from assay.runs.record import RunStatus
from assay.runs.sketch import Sketch

Phase = Literal["warmup", "start", "load", "drain", "closing", "done"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PhaseEvent(RunEvent):
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


class WarmupEvent(RunEvent):
    """A wave of warm-up prompts was answered."""

    event: Literal["warmup"] = "warmup"
    phase: Literal["warmup"] = "warmup"
    wave: int = Field(description="counted from 1, those that look for a window included")
    endpoints: dict[str, WarmupWave]


class WaitEvent(RunEvent):
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


class ProgressEvent(RunEvent):
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


class DoneEvent(RunEvent):
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
    append_line(path, event_line(event))


def parse_event(line: bytes) -> AnyEvent | None:
    """The event of a line; None where the line is torn. Raises ValueError where it is no event of this version."""
    return parse_line(line, _EVENT)


class ProgressReader(EventReader[AnyEvent]):
    """Reads a file that may still grow; each `poll` gives the events since the last one."""

    def __init__(self, path: Path, *, late: bool = False) -> None:
        """`late`: begin with the newest events instead of the first."""
        super().__init__(path, parse_event, "progress", _MEND, late=late)


_MEND = "nothing but the course of the run is lost: its results are in the other files"


def read_progress(path: Path) -> list[AnyEvent]:
    """All events of a file; raises UserError where it can't be read."""
    return ProgressReader(path).poll()
