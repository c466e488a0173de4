"""Follows a campaign's folder: which run is on, how it goes, what is done and what is to come."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import psutil

from assay.analysis.names import load_key, title_in
from assay.benchmarks import campaign_benchmark
from assay.digits import moment_text
from assay.errors import UserError
from assay.runs import (
    CampaignFolder,
    CampaignState,
    RunEntry,
    RunFolder,
    SystemRecord,
    TelemetryReader,
    read_campaign,
    read_model,
    read_record,
)
from assay.runs.alerts import AlertEvent, AlertReader, StandingAlerts
from assay.runs.campaign import find_campaigns
from assay.runs.progress import ProgressReader
from assay.watch.course import Course
from assay.watch.history import History
from assay.watch.nodes import Node, Nodes

_LOG_BYTES = 1 << 14
_LOG_LINES = 8
_ALERTS = 100


@dataclass(frozen=True)
class Limits:
    """Of the scenario's 99th percentiles, ns; None where it has none."""

    ttft_ns: int | None = None
    tpot_ns: int | None = None


@dataclass(frozen=True)
class Left:
    """How long until the last run ends."""

    seconds: float
    """With runs to come as long as those like them; else, the least that their plans ask for."""
    least: int = 0
    """Runs to come of which only that is known."""
    unknown: int = 0
    """Runs to come of which not even that is."""

    @property
    def known_s(self) -> float | None:
        """None where it may be more."""
        return None if self.least or self.unknown else self.seconds


@dataclass(frozen=True)
class Scene:
    """What there is to see at one moment."""

    state: CampaignState
    controller: str
    """Why nothing is going on, in words; empty: the campaign is being carried out."""
    run: RunEntry | None
    """The run that is on, else the last one that was."""
    title: str
    course: Course
    limits: Limits
    left: Left
    log: Sequence[str] = ()
    nodes: Sequence[Node] = ()
    """Those whose hardware tells of itself during the run."""
    alerts: Sequence[AlertEvent] = ()
    """Those that stand, the oldest first."""
    alert_events: Sequence[AlertEvent] = ()
    """The last ones that were raised or cleared, the oldest first."""
    hardware: History | None = None
    """What the nodes told over the whole run, where the follower keeps that."""

    @property
    def over(self) -> bool:
        """Nothing more will be seen, unless somebody resumes it."""
        return bool(self.controller)

    @property
    def done(self) -> int:
        return sum(entry.ended for entry in self.state.runs)


@dataclass
class Follower:
    """Each `poll` reads what was added to the files since."""

    folder: CampaignFolder
    only: str | None = None
    """This run; None: the one that is on."""
    kept: str = ""
    """Metrics of which all is kept that was sampled since the run's begin, as a pattern; empty: none."""
    _state: CampaignState | None = None
    _changed_ns: int = 0
    _loads: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Mode and load of each planned run."""
    _run: str | None = None
    _reader: ProgressReader | None = None
    _course: Course = field(default_factory=Course)
    _telemetry: TelemetryReader | None = None
    _nodes: Nodes = field(default_factory=Nodes)
    _history: History | None = None
    _history_reader: TelemetryReader | None = None
    _system: SystemRecord | None = None
    _alerts: AlertReader | None = None
    _standing: StandingAlerts = field(default_factory=StandingAlerts)
    _alert_events: deque[AlertEvent] = field(default_factory=lambda: deque(maxlen=_ALERTS))
    _limits: Limits = field(default_factory=Limits)
    _durations_s: dict[str, float] = field(default_factory=dict)

    def poll(self) -> Scene:
        """How things stand. Raises UserError where the folder is no campaign's, or its files are damaged."""
        state = self._read()
        entry = current(state) if self.only is None else named(state, self.only)
        if entry is not None and entry.run != self._run:
            self._begin(entry)
        if self._reader is not None:
            for event in self._reader.poll():
                self._course.take(event)
        if self._telemetry is not None:
            for batch in self._telemetry.poll():
                self._nodes.take(batch)
        if self._history is not None and self._history_reader is not None:
            for batch in self._history_reader.poll():
                self._history.take(batch)
        if self._alerts is not None:
            events = self._alerts.poll()
            self._standing.take(events)
            self._alert_events.extend(events)
        if entry is not None and self._system is None:  # it comes after the folder
            self._system = read_model(self.folder.run(entry.run or "").system, SystemRecord)
        return Scene(
            state=state,
            controller=controller_words(state),
            run=entry,
            title="" if entry is None else title_in(state.runs, entry),
            course=self._course,
            limits=self._limits,
            left=self._left(state, entry),
            log=[] if entry is None else log_lines(self.folder, self.folder.run(entry.run or "")),
            nodes=self._nodes.seen(self._system),
            alerts=self._standing.now,
            alert_events=list(self._alert_events),
            hardware=self._history,
        )

    def _read(self) -> CampaignState:
        try:
            changed_ns = self.folder.state.stat().st_mtime_ns
        except OSError:
            changed_ns = 0
        if self._state is None or changed_ns != self._changed_ns:
            self._state, self._changed_ns = read_campaign(self.folder), changed_ns
            self._loads = {entry.key: (entry.mode, load_key(entry)) for entry in self._state.runs}
        return self._state

    def _begin(self, entry: RunEntry) -> None:
        run = self.folder.run(entry.run or "")
        self._run, self._course = entry.run, Course()
        self._reader = ProgressReader(run.progress)
        self._telemetry, self._nodes, self._system = TelemetryReader(run, late=True), Nodes(), None
        if self.kept:
            self._history, self._history_reader = History(self.kept), TelemetryReader(run)
        self._alerts, self._standing = AlertReader(run.alerts), StandingAlerts()
        self._alert_events.clear()
        benchmark = campaign_benchmark(self.folder)
        spec = None if benchmark is None else benchmark.scenarios.get(entry.scenario)
        self._limits = Limits() if spec is None else Limits(spec.ttft_limit_ns, spec.tpot_limit_ns)

    def _left(self, state: CampaignState, current: RunEntry | None) -> Left:
        seconds, least, unknown = 0.0, 0, 0
        newest = self._course.newest
        known = self._known_s(state)
        for entry in state.todo:
            like = known.get(self._loads[entry.key])
            so_far_s = newest.elapsed_ns / 1e9 if entry is current and newest else 0.0
            if entry is current and newest is not None and newest.left is not None:
                seconds += newest.left.ns / 1e9
            elif like:
                seconds += max(0.0, sum(like) / len(like) - so_far_s)
            elif entry.shape is not None and (sent_s := entry.shape.least_s) is not None:
                seconds += max(0.0, sent_s - so_far_s)
                least += 1
            else:
                unknown += 1
        return Left(seconds, least, unknown)

    def _known_s(self, state: CampaignState) -> dict[tuple[str, str], list[float]]:
        """How long runs of each mode and load took."""
        found: dict[tuple[str, str], list[float]] = {}
        for entry in state.runs:
            if entry.ended and (duration_s := self._duration_s(entry)) is not None:
                found.setdefault(self._loads[entry.key], []).append(duration_s)
        return found

    def _duration_s(self, entry: RunEntry) -> float | None:
        run = entry.run or ""
        if run not in self._durations_s:
            try:
                record = read_record(self.folder.run(run))
                begun, ended = record.started_utc, record.ended_utc or ""
                self._durations_s[run] = (datetime.fromisoformat(ended) - datetime.fromisoformat(begun)).total_seconds()
            except (UserError, ValueError):
                return None
        return self._durations_s[run]


def newest(output: Path) -> CampaignFolder:
    """The campaign that began last. Raises UserError where there is none."""
    found = find_campaigns(output)
    if not found:
        raise UserError(f"no campaign in {output}: name its folder")
    return found[-1]


def current(state: CampaignState) -> RunEntry | None:
    """The run that is on, else the last one that was; None before the first."""
    begun = [entry for entry in state.runs if entry.run is not None]
    on = [entry for entry in begun if not entry.ended]
    return on[0] if on else max(begun, key=lambda entry: entry.run or "", default=None)


def named(state: CampaignState, run: str) -> RunEntry:
    """The run of this folder's name. Raises UserError where there is none."""
    for entry in state.runs:
        if entry.run == run:
            return entry
    raise UserError(f"{state.id}: no run {run}")


def controller_words(state: CampaignState) -> str:
    """Why nobody carries the campaign out; empty where somebody does."""
    if not state.sessions:
        return "not started"
    last = state.sessions[-1]
    if last.ended_utc is not None:
        at = moment_text(last.ended_utc)
        return f"over since {at}" if state.ended_utc else f"stopped at {at}, not all was measured"
    if psutil.pid_exists(last.pid):
        return ""
    return f"its controller, process {last.pid}, isn't running on this machine"


def log_lines(campaign: CampaignFolder, run: RunFolder) -> list[str]:
    """The last lines of the log that was written to last: of the load, or of a server."""
    logs = [run.driver_log, *_files(run.endpoint_logs), *_files(campaign.path / "endpoints")]
    written = {path: when for path in logs if (when := _written_ns(path)) is not None}
    # Others may have written the folder, and a link in it may lead to what isn't theirs to read.
    inside = [path for path in written if path.resolve().is_relative_to(campaign.path.resolve())]
    if not inside:
        return []
    path = max(inside, key=lambda path: written[path])
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _LOG_BYTES))
        lines = file.read().decode(errors="replace").splitlines()
    return [f"{path.name}: {line}" for line in lines[-_LOG_LINES:] if line.strip()]


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.log")) if folder.is_dir() else []


def _written_ns(path: Path) -> int | None:
    """When; None where there is nothing in it."""
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_mtime_ns if facts.st_size else None


def age_s(course: Course) -> float | None:
    """Since the run last said something, s."""
    last_ns = course.last_utc_ns
    return None if last_ns is None else max(0.0, time.time() - last_ns / 1e9)
