"""`alerts.jsonl`: what went wrong while a run lasted, a line as each alert was raised and one as it was cleared.

An alert is known by its rule and by what it is about. One that isn't cleared stood until the run's end. There is no
file where nothing was raised.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import Field, TypeAdapter

from assay.runs.event_lines import EventReader, RunEvent, append_line, parse_line

Key = tuple[str, str, str, str]


class AlertEvent(RunEvent):
    """An alert is raised, or cleared."""

    event: Literal["raised", "cleared"]
    rule: str = Field(description="its name in `alerts.rules` of the configuration")
    node: str = Field(default="", description="which node it is about; empty: none by itself")
    endpoint: str = Field(default="", description="which endpoint; empty: none by itself")
    device: str = Field(default="", description="which accelerator of the node: gpu0, …")
    since_ns: int = Field(description="CLOCK_MONOTONIC: since when it was so; cleared: since when it isn't any more")
    value: float = Field(description="what was measured last, in `unit`")
    limit: float = Field(description="what it was held against, in `unit`")
    unit: str = Field(description="empty: a share, 1 is all")
    words: str = Field(description="one sentence")
    stops: bool = Field(default=False, description="the run ends by it, as its user asked")

    @property
    def key(self) -> Key:
        """Which alert it is."""
        return self.rule, self.node, self.endpoint, self.device

    @property
    def subject(self) -> str:
        """What it is about, in words; empty: the whole run."""
        if self.endpoint:
            return self.endpoint
        return f"{self.device} of {self.node}" if self.device else self.node


_EVENT: TypeAdapter[AlertEvent] = TypeAdapter(AlertEvent)
_MEND = "restore it from a copy, or move it away: the run's results are in the other files"


def append_alert(path: Path, event: AlertEvent) -> None:
    """Add an event; a line that a killed process left unfinished is ended first."""
    append_line(path, _EVENT.dump_json(event) + b"\n")


def parse_alert(line: bytes) -> AlertEvent | None:
    """The event of a line; None where the line is torn. Raises ValueError where it is no event of this version."""
    return parse_line(line, _EVENT)


class AlertReader(EventReader[AlertEvent]):
    """Reads a file that may still grow, or isn't there yet; each `poll` gives the events since the last one."""

    def __init__(self, path: Path, *, late: bool = False) -> None:
        """`late`: begin with the newest events instead of the first."""
        super().__init__(path, parse_alert, "alerts", _MEND, late=late)


def read_alerts(path: Path) -> list[AlertEvent]:
    """All events of a file, none where there is no file; raises UserError where it can't be read."""
    return AlertReader(path).poll()


@dataclass
class StandingAlerts:
    """Takes a run's events in, the oldest first; knows which alerts stand."""

    _raised: dict[Key, AlertEvent] = field(default_factory=dict)

    def take(self, events: Iterable[AlertEvent]) -> None:
        for event in events:
            if event.event == "raised":
                self._raised[event.key] = event
            else:
                self._raised.pop(event.key, None)

    @property
    def now(self) -> list[AlertEvent]:
        """As they were raised, the oldest first."""
        return list(self._raised.values())
