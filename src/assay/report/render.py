"""Makes report files: the entry points for the commands. All are pure functions of the folders that they read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from assay.analysis.campaign import RunLine, analyse_campaign, run_line
from assay.analysis.campaign_compare import CampaignComparison, CampaignMeasured, compare_campaigns
from assay.analysis.compare import Comparison, compare
from assay.analysis.finding import Finding
from assay.analysis.latency import Limits
from assay.analysis.run import RunAnalysis, analyse_run
from assay.audit import AuditReport
from assay.report.campaign_page import campaign_page
from assay.report.chart import Chart
from assay.report.compare_campaigns_page import compare_campaigns_page
from assay.report.compare_page import compare_page
from assay.report.data import campaign_report_json, run_report_json
from assay.report.index_page import index_page
from assay.report.plausibility import audit_of
from assay.report.run_charts import RunCharts
from assay.report.run_page import run_page
from assay.report.writer import page_html, write_page
from assay.runs.atomic import write_json, write_text
from assay.runs.campaign import CampaignFolder, RunEntry, read_campaign
from assay.runs.folder import ReportFolder, RunFolder
from assay.runs.index import IndexRow


def render_run(
    folder: RunFolder, out: Path | None = None, limits: Mapping[str, Limits] | None = None, *, single_file: bool = False
) -> Path:
    """Write report.html, report.md, report.json, findings.json and charts/*.png; returns the path of the HTML.

    Args:
        folder: the run.
        out: where the files go; the run folder itself if None.
        limits: the user's TTFT and TPOT limits for goodput, by name.
        single_file: the page needs nothing beside it.

    Raises:
        UserError: the folder isn't a run's, a file in it can't be read, or its benchmark isn't known.
    """
    audit = audit_of(folder)  # first: its records and the analysis' samples at once take twice the memory
    return _write_run(analyse_run(folder, limits), audit, out or folder.path, single_file)


def render_campaign(folder: CampaignFolder, out: Path | None = None) -> Path | None:
    """Write a campaign's report.html, report.md, report.json, findings.json and charts; None where no run was started.

    Raises UserError where the folder isn't a campaign's, or a run in it can't be read.
    """
    return CampaignPages(folder).render(out)


class CampaignPages:
    """The pages of a campaign and of its runs. Each run is read and analysed once, for both.

    Raises UserError where the folder isn't a campaign's.
    """

    def __init__(self, folder: CampaignFolder, *, single_file: bool = False) -> None:
        """`single_file`: each page needs nothing beside it."""
        self._folder, self._single_file = folder, single_file
        self._lines: dict[str, RunLine] = {}
        self._picture: Chart | None = None
        self.started = [entry for entry in read_campaign(folder).runs if self._started(entry)]

    def _started(self, entry: RunEntry) -> bool:
        return entry.run is not None and self._folder.run(entry.run).record.exists()

    def render_run(self, entry: RunEntry, out: Path | None = None) -> Path:
        """Write a started run's page, as `render_run` does. Raises UserError where the run can't be read."""
        assert entry.run is not None
        audit = audit_of(self._folder.run(entry.run))
        analysis = self._analyse(entry)
        return _write_run(analysis, audit, out or analysis.folder.path, self._single_file)

    def render(self, out: Path | None = None) -> Path | None:
        """Write the campaign's page; None where no run was started. Raises UserError where a run can't be read."""
        for entry in self.started:
            if entry.key not in self._lines:
                self._analyse(entry)
        analysis = analyse_campaign(self._folder, [self._lines[entry.key] for entry in self.started])
        if analysis is None:
            return None
        target = _folder(out or self._folder.path)
        _write_data(target, analysis.findings, campaign_report_json(analysis))
        return write_page(campaign_page(analysis, self._picture), target, single_file=self._single_file)[-1]

    def _analyse(self, entry: RunEntry) -> RunAnalysis:
        """The whole analysis, which holds every sample, is the caller's; the campaign keeps a line of it.

        Of the only run that measures speed also the picture.
        """
        assert entry.run is not None
        analysis = analyse_run(self._folder.run(entry.run))
        self._lines[entry.key] = run_line(entry, analysis)
        if analysis.samples is not None and self._only(entry):
            self._picture = RunCharts(analysis).performance()
        return analysis

    def _only(self, entry: RunEntry) -> bool:
        """Whether it is the only run that measures speed: then its picture is the campaign's."""
        return [each.key for each in self.started if each.mode == "performance"] == [entry.key]


def render_comparison(
    folders: Sequence[RunFolder], out: Path | None = None
) -> tuple[list[RunAnalysis], list[Comparison]]:
    """Compare each run with the first; with `out`, write report.html, report.md, report.json and the chart there.

    What was measured in each, and what changed.

    Raises UserError where the runs are unlike, or one has no reportable result.
    """
    runs = [analyse_run(folder) for folder in folders]
    comparisons = compare(runs)
    if out is not None:
        write_page(compare_page(runs, comparisons, _folder(out)), out)
        write_json(ReportFolder(out).data, [comparison.model_dump(mode="json") for comparison in comparisons])
    return runs, comparisons


def render_campaign_comparison(
    folders: Sequence[CampaignFolder], out: Path | None = None
) -> tuple[list[CampaignMeasured], list[CampaignComparison]]:
    """The same of whole campaigns, load by load, from their small files; what was measured in each, and what changed.

    Raises UserError where they have no load in common, or one measured something else.
    """
    campaigns = [CampaignMeasured(folder) for folder in folders]
    comparisons = compare_campaigns(campaigns)
    if out is not None:
        write_page(compare_campaigns_page(campaigns, comparisons, _folder(out)), out)
        write_json(ReportFolder(out).data, [comparison.model_dump(mode="json") for comparison in comparisons])
    return campaigns, comparisons


def render_index(rows: Sequence[IndexRow], path: Path) -> None:
    """Write one HTML page over the campaigns that `rows` are of, linked to their reports."""
    write_text(path, page_html(index_page(rows, _folder(path.parent))))


def _write_run(analysis: RunAnalysis, audit: AuditReport | None, out: Path, single_file: bool) -> Path:
    target = _folder(out)
    _write_data(target, analysis.findings, run_report_json(analysis, audit))
    return write_page(run_page(analysis, audit), target, single_file=single_file)[-1]


def _write_data(target: Path, findings: Sequence[Finding], report: dict[str, Any]) -> None:
    files = ReportFolder(target)
    write_json(files.findings, [finding.model_dump(mode="json") for finding in findings])
    write_json(files.data, report)


def _folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path
