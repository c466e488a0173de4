"""All campaigns of an output folder and their runs, with filters."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from assay.errors import UserError
from assay.runs.campaign import CampaignFolder, CampaignKind, CampaignState, RunEntry, find_campaigns, read_campaign
from assay.runs.reading import read_result
from assay.runs.result import Figure
from assay.runs.scenarios import Mode, Scenario

_AGES = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


class IndexRow(BaseModel):
    """One planned run of one campaign."""

    model_config = ConfigDict(extra="forbid")

    campaign: str
    folder: str = Field(description="the campaign's folder")
    kind: CampaignKind
    name: str
    started_utc: str = Field(description="of the campaign")
    simulated: bool
    key: str
    scenario: Scenario
    mode: Mode
    nodes: list[str]
    repeat: int
    status: str = Field(description="a run's status, or `planned` where it has none yet")
    reason: str
    run: str | None = Field(description="the run folder's name; null: not begun")
    path: str | None = Field(description="the run's folder")
    benchmark: str | None = Field(default=None, description="this and what follows: null where there is no result")
    verdict: str | None = Field(default=None, description="the verdict's words")
    valid: bool | None = None
    samples_per_s: Figure | None = None
    output_tokens_per_s: Figure | None = None
    unanswered: str = Field(default="", description="samples that failed or were lost, in words; empty: none")


@dataclass(frozen=True)
class Filter:
    """Which rows are wanted; what is empty or None lets everything through."""

    statuses: Collection[str] = ()
    scenarios: Collection[str] = ()
    mode: str | None = None
    kind: str | None = None
    node: str | None = None
    since: datetime | None = None

    def takes_campaign(self, state: CampaignState) -> bool:
        recent = self.since is None or datetime.fromisoformat(state.started_utc) >= self.since
        return recent and self.kind in (None, state.kind)

    def takes(self, entry: RunEntry) -> bool:
        return (
            (not self.statuses or _status(entry) in self.statuses)
            and (not self.scenarios or entry.scenario in self.scenarios)
            and self.mode in (None, entry.mode)
            and (self.node is None or self.node in entry.nodes)
        )


def index(output: Path, wanted: Filter) -> tuple[list[IndexRow], list[str]]:
    """The rows that `wanted` takes, oldest campaign first, and what couldn't be read.

    Raises UserError where there is no such folder.
    """
    if not output.is_dir():
        raise UserError(f"{output}: no such folder; `assay run` makes one, `assay runs FOLDER` looks elsewhere")
    rows: list[IndexRow] = []
    problems: list[str] = []
    for folder in find_campaigns(output):
        try:
            state = read_campaign(folder)
        except UserError as error:
            problems.append(str(error))
            continue
        if wanted.takes_campaign(state):
            rows += [row_of(folder, state, entry, problems) for entry in state.runs if wanted.takes(entry)]
    return rows, problems


def parse_since(text: str, now: datetime | None = None) -> datetime:
    """A UTC date or time, or an age such as 12h, before `now`. Raises UserError."""
    if found := re.fullmatch(r"(\d+)([mhdw])", text):
        try:
            return (now or datetime.now(UTC)) - int(found[1]) * _AGES[found[2]]
        except OverflowError:
            raise UserError(f"--since {text}: longer ago than there are dates") from None
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise UserError(f"--since {text}: write 2026-01-31, 2026-01-31T12:00, or an age: 30m, 12h, 7d, 2w") from None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _status(entry: RunEntry) -> str:
    return str(entry.status) if entry.status else "planned"


def row_of(folder: CampaignFolder, state: CampaignState, entry: RunEntry, problems: list[str]) -> IndexRow:
    """One planned run's row; what can't be read is added to `problems`."""
    row = IndexRow(
        campaign=state.id,
        folder=str(folder.path),
        kind=state.kind,
        name=state.name,
        started_utc=state.started_utc,
        simulated=state.simulated,
        key=entry.key,
        scenario=entry.scenario,
        mode=entry.mode,
        nodes=entry.nodes,
        repeat=entry.repeat,
        status=_status(entry),
        reason=entry.reason,
        run=entry.run,
        path=str(folder.run(entry.run).path) if entry.run else None,
    )
    try:
        result = read_result(folder.run(entry.run)) if entry.run else None
    except UserError as error:  # the row stands without figures
        problems.append(str(error))
        return row
    if result is not None:
        row.benchmark, row.verdict, row.valid = result.benchmark, result.verdict.words, result.verdict.valid
        row.samples_per_s = result.figures.get("samples_per_s")
        row.output_tokens_per_s = result.figures.get("output_tokens_per_s")
        row.unanswered = result.unanswered_words
    return row
