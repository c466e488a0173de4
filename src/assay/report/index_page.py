"""The index of all campaigns below a folder: rows for `assay runs`, and a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from assay.analysis.campaign import name_of
from assay.report import format as fmt
from assay.report.page import Page, Problem, Rows, Section, Table
from assay.runs.campaign import CampaignFolder, RunEntry, find_campaigns, read_campaign
from assay.runs.result import Figure, Result
from assay.runs.stored import read_model


class IndexRow(BaseModel):
    """One run of one campaign; figures are null where the run has no result."""

    model_config = ConfigDict(extra="forbid")

    campaign: str
    kind: str
    name: str
    started_utc: str
    run: str | None
    what: str
    benchmark: str | None
    scenario: str
    mode: str
    nodes: list[str]
    repeat: int
    status: str = Field(description="a run status, or 'not started'")
    verdict: str | None
    valid: bool
    samples_per_s: Figure | None
    output_tokens_per_s: Figure | None
    path: str | None


def index_rows(output: Path) -> list[IndexRow]:
    """Every run of every campaign below `output`, the oldest campaign first. Reads result.json only.

    Raises UserError where a campaign.json or result.json can't be read.
    """
    rows = []
    for folder in find_campaigns(output):
        state = read_campaign(folder)
        for entry in state.runs:
            result = _result(folder, entry)
            rows.append(
                IndexRow(
                    campaign=state.id,
                    kind=state.kind,
                    name=state.name,
                    started_utc=state.started_utc,
                    run=entry.run,
                    what=name_of(entry),
                    benchmark=result.benchmark if result else None,
                    scenario=entry.scenario,
                    mode=entry.mode,
                    nodes=entry.nodes,
                    repeat=entry.repeat,
                    status=str(entry.status or "not started"),
                    verdict=result.verdict.words if result else None,
                    valid=bool(result and result.verdict.valid),
                    samples_per_s=result.figures.get("samples_per_s") if result else None,
                    output_tokens_per_s=result.figures.get("output_tokens_per_s") if result else None,
                    path=None if entry.run is None else str(folder.run(entry.run).path.relative_to(output)),
                )
            )
    return rows


def index_page(rows: Sequence[IndexRow]) -> Page:
    """One section a campaign, the newest first."""
    campaigns: dict[str, list[IndexRow]] = {}
    for row in rows:
        campaigns.setdefault(row.campaign, []).append(row)
    sections = [_section(place, own) for place, own in enumerate(reversed(campaigns.values()), start=1)]
    bad = sum(row.status not in ("completed", "not started") for row in rows)
    return Page(
        title=f"{_count(len(campaigns), 'campaign')}, {_count(len(rows), 'run')}",
        what="All campaigns of this folder, the newest first.",
        verdict="",
        kind="none",
        verdict_reasons=[],
        headlines=[],
        problems=[Problem("warning", f"{_count(bad, 'run')} did not complete.")] if bad else [],
        sections=sections,
        problems_title="What to know",
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def _section(place: int, rows: Sequence[IndexRow]) -> Section:
    cells: Rows = [
        (
            row.what, row.mode, str(row.repeat), row.status, row.verdict or "", fmt.figure(row.samples_per_s),
            fmt.figure(row.output_tokens_per_s), row.campaign,
        )
        for row in rows
    ]  # fmt: skip
    columns = ("Run", "Mode", "Repeat", "Status", "Verdict", "Samples/s", "Output tokens/s", "Campaign")
    first = rows[0]
    caption = f"Started {first.started_utc}"
    table = Table(
        caption, columns, cells, frozenset({2, 5, 6}), links={first.campaign: f"{first.campaign}/report.html"}
    )
    return Section(f"campaign-{place}", f"{first.kind} {first.name}".strip(), [table])


def _result(folder: CampaignFolder, entry: RunEntry) -> Result | None:
    return None if entry.run is None else read_model(folder.run(entry.run).result, Result)
