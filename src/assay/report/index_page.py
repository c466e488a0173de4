"""The page over all campaigns of a folder, from the rows that `assay runs` prints."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from assay.analysis.names import titles_of
from assay.report import format as fmt
from assay.report.page import Page, Rows, Section, Table
from assay.runs.campaign import CampaignFolder, campaign_title, read_campaign
from assay.runs.index import IndexRow


def index_page(rows: Sequence[IndexRow], beside: Path) -> Page:
    """One section a campaign, the newest first; its links are for a page in the folder `beside`."""
    campaigns: dict[str, list[IndexRow]] = {}
    for row in rows:
        campaigns.setdefault(row.campaign, []).append(row)
    sections = [_section(place, own, beside) for place, own in enumerate(reversed(campaigns.values()), start=1)]
    bad = sum(row.status not in ("completed", "planned") for row in rows)
    return Page(
        title=f"{_count(len(campaigns), 'campaign')}, {_count(len(rows), 'run')}",
        what="All campaigns of this folder, the newest first.",
        answer=[f"{_count(bad, 'run')} did not complete." if bad else "All runs that were started have completed."],
        verdict="",
        kind="none",
        verdict_reasons=[],
        headlines=[],
        problems=[],
        sections=sections,
        problems_title="What to know",
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def _section(place: int, rows: Sequence[IndexRow], beside: Path) -> Section:
    first = rows[0]
    titles = titles_of(read_campaign(CampaignFolder(Path(first.folder))).runs)
    cells: Rows = [
        (
            titles.get(row.key, row.key), row.mode, row.status, row.verdict or "",
            fmt.beside(fmt.figure(row.samples_per_s), row.unanswered),
            fmt.figure(row.output_tokens_per_s), row.campaign,
        )
        for row in rows
    ]  # fmt: skip
    columns = ("Run", "Mode", "Status", "Verdict", "Samples/s", "Output tokens/s", "Campaign")
    report = os.path.relpath(CampaignFolder(Path(first.folder)).report, beside)
    title = f"{campaign_title(first.kind, first.name)}, {fmt.moment(first.started_utc)}"
    table = Table("Runs", columns, cells, frozenset({4, 5}), links={first.campaign: report})
    return Section(f"campaign-{place}", title, [table])
