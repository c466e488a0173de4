"""Makes report files: the entry points for the commands. All are pure functions of the folders that they read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from assay.analysis.campaign import analyse_campaign
from assay.analysis.compare import Comparison, compare
from assay.analysis.latency import Limits
from assay.analysis.run import analyse_run
from assay.report.campaign_page import campaign_page
from assay.report.compare_page import compare_page
from assay.report.data import campaign_report_json, run_report_json
from assay.report.index_page import index_page, index_rows
from assay.report.plausibility import audit_of
from assay.report.run_page import run_extra_charts, run_page
from assay.report.writer import page_html, write_page
from assay.runs.atomic import write_json, write_text
from assay.runs.campaign import CampaignFolder
from assay.runs.folder import RunFolder


def render_run(
    folder: RunFolder,
    out: Path | None = None,
    limits: Mapping[str, Limits] | None = None,
) -> Path:
    """Write report.html, report.md, report.json, findings.json and charts/*.png; returns the path of the HTML.

    Args:
        folder: the run.
        out: where the files go; the run folder itself if None.
        limits: the user's TTFT and TPOT limits for goodput, by name.

    Raises:
        UserError: the folder isn't a run's, a file in it can't be read, or its benchmark isn't known.
    """
    analysis = analyse_run(folder, limits)
    target = _folder(out or folder.path)
    audit = audit_of(folder)
    write_page(run_page(analysis, audit), target, run_extra_charts(analysis))
    write_json(target / "findings.json", [finding.model_dump(mode="json") for finding in analysis.findings])
    write_json(target / "report.json", run_report_json(analysis, audit))
    return target / "report.html"


def render_campaign(folder: CampaignFolder, out: Path | None = None) -> Path | None:
    """Write a campaign's report.html, report.md, report.json, findings.json and charts; None where no run was started.

    Raises UserError where the folder isn't a campaign's, or a run in it can't be read.
    """
    analysis = analyse_campaign(folder)
    if analysis is None:
        return None
    target = _folder(out or folder.path)
    write_page(campaign_page(analysis), target)
    write_json(target / "findings.json", [finding.model_dump(mode="json") for finding in analysis.findings])
    write_json(target / "report.json", campaign_report_json(analysis))
    return target / "report.html"


def render_comparison(folders: Sequence[RunFolder], out: Path | None = None) -> list[Comparison]:
    """Compare each run with the first; with `out`, write report.html, report.md, report.json and the chart there.

    Raises UserError where the runs are unlike, or one has no reportable result.
    """
    runs = [analyse_run(folder) for folder in folders]
    comparisons = compare(runs)
    if out is not None:
        write_page(compare_page(runs, comparisons), _folder(out))
        write_json(out / "report.json", [comparison.model_dump(mode="json") for comparison in comparisons])
    return comparisons


def render_index(output: Path) -> Path:
    """Write `index.html`, a page over all campaigns in `output`; returns its path."""
    path = _folder(output) / "index.html"
    write_text(path, page_html(index_page(index_rows(output))))
    return path


def _folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path
