"""The runs that a comparison is of: what they are called on its page, where their own pages are, what limits belief."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from assay.analysis.run import RunAnalysis
from assay.report import format as fmt
from assay.report.became import became_words
from assay.report.findings import mend, shown_findings
from assay.report.machines import hardware_words, nodes_of
from assay.report.page import Problem, Rows, Table
from assay.report.run_page import verdict_reasons
from assay.runs.campaign import CampaignFolder
from assay.runs.folder import ReportFolder

_COLUMNS = ("Run", "Ran on", "Samples", "Verdict", "Its folder", "Campaign")


def names_of(runs: Sequence[RunAnalysis]) -> dict[str, str]:
    """What each is called, by its folder's name: its load and when it began; that name too where these are alike."""
    plain = {run.folder.id: f"{_load(run)}, {fmt.moment(run.record.started_utc)}" for run in runs}
    alike = len(set(plain.values())) < len(plain)
    return {run: f"{name} ({run})" for run, name in plain.items()} if alike else plain


def _load(run: RunAnalysis) -> str:
    record = run.record
    if record.shape is not None:
        return record.shape.title
    given = record.target_qps and record.scenario != "Offline"  # there it is LoadGen's guess
    rate = f", {fmt.number(record.target_qps)} samples/s asked for" if given else ""
    return f"{record.scenario}{rate}"


def runs_table(runs: Sequence[RunAnalysis], names: Mapping[str, str], beside: Path) -> Table:
    """A line a run with its verdict and the way to its page and its campaign's; links are for a page in `beside`."""
    rows: Rows = []
    links = {}
    for run in {run.folder.id: run for run in runs}.values():
        campaign = CampaignFolder(run.folder.campaign)
        of = campaign.path.name if campaign.state.is_file() else "none"
        on = hardware_words(run.record.endpoints, nodes_of([run.system]))
        samples = became_words([run.result])
        rows.append((names[run.folder.id], on, samples, run.result.verdict.words, run.folder.id, of))
        for text, page in ((run.folder.id, ReportFolder(run.folder.path).html), (of, campaign.report)):
            if page.is_file():
                links[text] = os.path.relpath(page, beside)
    return Table("What is compared", _COLUMNS, rows, source="run.json, system.json, ledger.json", links=links)


def runs_problems(runs: Sequence[RunAnalysis], names: Mapping[str, str]) -> Iterator[Problem]:
    """What limits belief in each run limits it in what is compared: why LoadGen's verdict isn't VALID, and findings."""
    for run in {run.folder.id: run for run in runs}.values():
        name = names[run.folder.id]
        if run.result.loadgen.result == "INVALID":
            titles = tuple(finding.title.rstrip(".").lower() for finding in run.findings)  # which stand below it
            reasons = "; ".join(text for text in verdict_reasons(run.result, "") if not text.lower().startswith(titles))
            yield Problem("warning", f"{name}: {run.result.verdict.words}.", f"{reasons}.")
        for finding in shown_findings(run.findings):
            if finding.severity != "note":
                figure = f"{finding.evidence[0].figure}."
                yield Problem(finding.severity, f"{name}: {finding.title}", figure, mend(finding))
