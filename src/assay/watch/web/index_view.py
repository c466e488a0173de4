"""All campaigns of a folder as parts of a page."""

from __future__ import annotations

from collections.abc import Sequence

from assay.report import format as fmt
from assay.runs import CampaignFolder, CampaignState, RunStatus
from assay.serving.words import harmless
from assay.watch.follow import controller_words
from assay.watch.web.parts import Cell, Link, Row, View


def index_view(campaigns: Sequence[tuple[CampaignFolder, CampaignState]], problems: Sequence[str]) -> View:
    """The newest campaign first."""
    rows = [_row(folder, state) for folder, state in reversed(campaigns)]
    count = "no campaign yet" if not rows else fmt.count(len(rows), "campaign")
    return View({"headline": count, "campaigns": rows, "problems": [harmless(problem) for problem in problems]})


def _row(folder: CampaignFolder, state: CampaignState) -> Row:
    address = f"campaigns/{folder.path.name}/"
    ended = [entry for entry in state.runs if entry.ended]
    failed = sum(entry.status != RunStatus.COMPLETED for entry in ended)
    runs = f"{len(ended)} of {len(state.runs)}" + (f", {failed} not completed" if failed else "")
    kind = f"{state.kind}, simulated" if state.simulated else state.kind
    report: Cell = Link("report", f"{address}report.html") if folder.report.is_file() else ""
    name = Link(harmless(state.name) or folder.path.name, address)
    cells: list[Cell] = [name, kind, fmt.moment(state.started_utc), runs, controller_words(state) or "going on", report]
    return Row(folder.path.name, cells, "bad" if failed else "")
