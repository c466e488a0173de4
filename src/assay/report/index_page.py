"""The page over all campaigns of a folder, from the rows that `assay runs` prints."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from assay.analysis.client_findings import CLIENT_RULE
from assay.analysis.finding import Finding, gravest_first
from assay.analysis.listing import names
from assay.analysis.names import titles_of
from assay.analysis.verdict import FINISHED, random_weights
from assay.errors import UserError
from assay.report import format as fmt
from assay.report.page import Page, Rows, Section, Table
from assay.report.run_page import CLIENT_BOUND, RANDOM_WEIGHTS, SIMULATED, said_once
from assay.report.subject import drawn_from
from assay.report.what_next import state_next
from assay.runs.campaign import CampaignFolder, campaign_title, read_campaign
from assay.runs.folder import ReportFolder, RunFolder
from assay.runs.index import IndexRow
from assay.runs.reading import read_record
from assay.runs.record import RunRecord
from assay.runs.result import Figure
from assay.runs.stored import read_object

_PLANNED = "planned"
_NO_REPORT = "there is no report of it"


def index_page(rows: Sequence[IndexRow], beside: Path) -> Page:
    """What each campaign found and its runs, the newest first; links are for a page in the folder `beside`."""
    campaigns: dict[str, list[IndexRow]] = {}
    for row in rows:
        campaigns.setdefault(row.campaign, []).append(row)
    newest_first = list(reversed(campaigns.values()))
    sections = [
        Section("campaigns", "Campaigns", [_overview(newest_first, beside)]),
        Section("runs", "Runs", [_runs(own, beside) for own in newest_first]),
    ]
    return Page(
        title=f"{_count(len(campaigns), 'campaign')}, {_count(len(rows), 'run')}",
        what="Campaigns of this folder, the newest first.",
        answer=[_became(rows)],
        verdict="",
        kind="none",
        verdict_reasons=[],
        headlines=[],
        problems=[],
        sections=sections if campaigns else [],
        problems_title="What to know",
    )


def _became(rows: Sequence[IndexRow]) -> str:
    """How many runs did not complete, and what became of them; one that LoadGen calls INVALID came to its end."""
    begun = [row.status for row in rows if row.status != _PLANNED]
    if not begun:
        return "No run was started."
    without = Counter(status for status in begun if status not in FINISHED)
    if not without:
        more = f"; {_count(len(rows) - len(begun), 'run')} more planned" if len(begun) < len(rows) else ""
        return f"All runs that were started came to their end{more}."
    how = names([f"{count} {status}" for status, count in without.items()])
    return f"{without.total()} of {_count(len(rows), 'run')} did not complete: {how}."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def _overview(campaigns: Sequence[Sequence[IndexRow]], beside: Path) -> Table:
    """A line a campaign: what it found, of what, what its own page says beside its title, and the gravest of what
    limits belief in it."""
    rows: Rows = []
    links = {}
    for runs in campaigns:
        first = runs[0]
        folder = CampaignFolder(Path(first.folder))
        answer, findings, next_step = _told(folder)
        record = _record(runs)
        model, data = (", ".join(record.served_models), drawn_from(record)) if record else ("", "")
        verdict = _verdict(runs, findings, record)
        rows.append((first.campaign, _title(first), answer, verdict, model, data, _gravest(findings), next_step))
        if folder.report.is_file():
            links[first.campaign] = os.path.relpath(folder.report, beside)
    columns = ("Campaign", "What", "Answer", "Verdict", "Model", "Data", "Gravest finding", "Next")
    return Table("What each found", columns, rows, source="report.json of each", links=links)


def _title(row: IndexRow) -> str:
    return f"{campaign_title(row.kind, row.name)}, {fmt.moment(row.started_utc)}"


def _told(folder: CampaignFolder) -> tuple[str, list[Finding], str]:
    """The first sentence of its report's answer, its findings, and its next step.

    Where there is no report, or it can't be read, what is left to carry out is the next step.
    """
    try:
        report = read_object(folder.report_json) or {}
        sentences = [str(sentence) for sentence in report.get("answer", [])]
        findings = [Finding.model_validate(found) for found in report.get("findings", [])]
    except (UserError, ValidationError, TypeError):
        sentences = []
    if not sentences:
        return _NO_REPORT, [], _column(state_next(read_campaign(folder), {}))
    return sentences[0], findings, _column(str(report.get("next", "")))


def _column(next_step: str) -> str:
    """The step in a column that is headed so."""
    return next_step.removeprefix("Next: ")


def _verdict(runs: Sequence[IndexRow], findings: Sequence[Finding], record: RunRecord | None) -> str:
    """What must stand beside any figure of the campaign."""
    words = said_once(row.verdict for row in runs if row.verdict)
    beside = {
        CLIENT_BOUND: any(found.rule == CLIENT_RULE for found in findings),
        SIMULATED: runs[0].simulated,
        RANDOM_WEIGHTS: record is not None and random_weights(record),
    }
    return "; ".join([*words, *(own for own, holds in beside.items() if holds)])


def _gravest(findings: Sequence[Finding]) -> str:
    worst = [f"{found.severity}: {found.title}" for found in gravest_first(findings) if found.severity != "note"]
    return worst[0] if worst else ""


def _record(runs: Sequence[IndexRow]) -> RunRecord | None:
    """What the first run recorded that recorded its models and its data."""
    for row in runs:
        try:
            record = read_record(RunFolder(Path(row.path))) if row.path is not None else None
        except UserError:  # such a run is told of where the rows were read
            continue
        if record is not None:
            return record
    return None


def _runs(rows: Sequence[IndexRow], beside: Path) -> Table:
    first = rows[0]
    titles = titles_of(read_campaign(CampaignFolder(Path(first.folder))).runs)
    cells: Rows = [
        (
            titles.get(row.key, row.key), row.mode, row.status, row.verdict or "",
            fmt.beside(fmt.figure(_speed(row, row.samples_per_s)), row.unanswered),
            fmt.figure(_speed(row, row.output_tokens_per_s)), row.campaign,
        )
        for row in rows
    ]  # fmt: skip
    columns = ("Run", "Mode", "Status", "Verdict", "Samples/s", "Output tokens/s", "Campaign")
    report = CampaignFolder(Path(first.folder)).report
    links = {first.campaign: os.path.relpath(report, beside)} if report.is_file() else {}
    for row in rows:
        if row.path is not None and (page := ReportFolder(Path(row.path)).html).is_file():
            links[titles.get(row.key, row.key)] = os.path.relpath(page, beside)
    return Table(_title(first), columns, cells, frozenset({4, 5}), links=links)


def _speed(row: IndexRow, figure: Figure | None) -> Figure | None:
    """An accuracy run's rate is no speed, and doesn't stand beside them."""
    return figure if row.mode == "performance" else None
