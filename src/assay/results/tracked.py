"""What a tracking server is told of a campaign and its runs: parameters, metrics, tags and files, whichever it is."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from assay.assets import sha256_of
from assay.results.campaign import LoadedCampaign, LoadedRun
from assay.results.figures import figures_row
from assay.runs import RunStatus
from assay.runs.folder import ReportFolder

_PARAMETERS = ("scenario", "mode", "nodes", "target_qps", "benchmark", "model", "official")
_WORDS = ("status", "valid", "verdict", "unanswered", "manifest", "notices", "quality_gate")
"""Of a run's row: what was asked for, and what must be known beside its figures. Its other numbers are metrics."""


@dataclass(frozen=True)
class Tracked:
    """A campaign, or one of its runs."""

    source: str
    """Which one, the same whenever it is told of."""
    name: str
    parameters: dict[str, str]
    metrics: dict[str, float]
    tags: dict[str, str]
    files: tuple[Path, ...]
    started_ms: int
    ended_ms: int | None
    """UTC, ms since 1970; None: it isn't over."""
    completed: bool

    @property
    def digest(self) -> str:
        """Of all that is told."""
        files = {path.name: sha256_of(path) for path in self.files}
        told = [self.name, self.parameters, self.metrics, self.tags, files, self.ended_ms, self.completed]
        return hashlib.sha256(orjson.dumps(told, option=orjson.OPT_SORT_KEYS)).hexdigest()


def tracked_campaign(campaign: LoadedCampaign) -> Tracked:
    state, report = campaign.state, ReportFolder(campaign.folder.path)
    return Tracked(
        source=f"campaign/{state.id}",
        name=state.id,
        parameters={"kind": state.kind, "runs": str(len(state.runs)), "seed": str(state.seed)},
        metrics={},
        tags={"assay.simulated": _text(state.simulated)},
        files=_there(campaign.folder.state, campaign.folder.config, report.html, report.data),
        started_ms=_ms(state.started_utc),
        ended_ms=None if state.ended_utc is None else _ms(state.ended_utc),
        completed=all(entry.status is RunStatus.COMPLETED for entry in state.runs),
    )


def tracked_run(campaign: LoadedCampaign, run: LoadedRun) -> Tracked:
    row = figures_row(campaign.state, run.entry, run.folder, run.result)
    named = {*_PARAMETERS, *_WORDS}
    numbers = {name: value for name, value in row.items() if name not in named and isinstance(value, int | float)}
    record, folder, report = run.record, run.folder, ReportFolder(run.folder.path)
    return Tracked(
        source=f"run/{run.id}",
        name=str(row["name"]),
        parameters={name: _text(row[name]) for name in _PARAMETERS if row[name] is not None} | dict(_served(run)),
        metrics={name: float(value) for name, value in numbers.items() if math.isfinite(value)},
        tags={f"assay.{name}": _text(row[name]) for name in _WORDS if row.get(name) not in (None, "")}
        | {"assay.simulated": _text(record.simulated)}
        | dict(_units(run)),
        files=_there(folder.result, folder.record, folder.config, folder.accuracy, report.html, report.data),
        started_ms=_ms(record.started_utc),
        ended_ms=None if record.ended_utc is None else _ms(record.ended_utc),
        completed=record.status is RunStatus.COMPLETED,
    )


def _served(run: LoadedRun) -> Iterator[tuple[str, str]]:
    """Data and servers; of the engine's settings those that are the same at all endpoints."""
    record = run.record
    yield "dataset", record.dataset_name
    yield "samples", str(record.samples)
    yield "max_tokens", str(record.max_tokens)
    yield "endpoints", str(len(record.endpoints))
    if not record.endpoints:
        return
    yield "engine", " + ".join(sorted({f"{e.engine} {e.engine_version or ''}".strip() for e in record.endpoints}))
    first = record.endpoints[0].settings
    for name, value in first.items():
        if all(endpoint.settings.get(name) == value for endpoint in record.endpoints):
            yield f"engine.{name}", _text(value)


def _units(run: LoadedRun) -> Iterator[tuple[str, str]]:
    """Of figures; percentiles have theirs, ns, in their names."""
    for name, figure in run.result.figures.items() if run.result else ():
        yield f"unit.{name}", figure.unit


def _there(*paths: Path) -> tuple[Path, ...]:
    return tuple(path for path in paths if path.is_file())


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value, default=str).decode()


def _ms(utc: str) -> int:
    return round(datetime.fromisoformat(utc).timestamp() * 1000)
