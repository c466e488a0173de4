"""Makes a run's report files: the one entry point for `assay run` and `assay report`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from assay.analysis.latency import Limits
from assay.analysis.run import analyse_run
from assay.benchmarks import Benchmark
from assay.report.data import run_report_json
from assay.report.run_page import run_extra_charts, run_page
from assay.report.writer import write_page
from assay.runs.atomic import write_json
from assay.runs.folder import RunFolder


def render_run(
    folder: RunFolder,
    benchmark: Benchmark,
    out: Path | None = None,
    limits: Mapping[str, Limits] | None = None,
) -> Path:
    """Write report.html, report.md, report.json, findings.json and charts/*.png; returns the path of the HTML.

    A pure function of the run folder's files: the same files give the same bytes.

    Args:
        folder: the run.
        benchmark: what was measured.
        out: where the files go; the run folder itself if None.
        limits: the user's TTFT and TPOT limits for goodput, by name.

    Raises:
        UserError: the folder isn't a run's, or a file in it can't be read.
    """
    analysis = analyse_run(folder, benchmark, limits)
    target = out or folder.path
    target.mkdir(parents=True, exist_ok=True)
    write_page(run_page(analysis), target, run_extra_charts(analysis))
    write_json(target / "findings.json", [finding.model_dump(mode="json") for finding in analysis.findings])
    write_json(target / "report.json", run_report_json(analysis))
    return target / "report.html"
