"""An audit report as text for a terminal and as a section of an HTML page."""

from __future__ import annotations

import io
from pathlib import Path

from assay.audit.verdicts import AuditReport, Judgement, RunRow
from assay.digits import percent_text
from assay.serving.words import harmless

_COLUMNS = ("run", "scenario", "result", "samples", "samples/s", "tokens/s", "ceiling", "MBU", "MFU", "verdict")


def render_text(report: AuditReport, *, width: int = 120, verbose: bool = False) -> str:
    """A table of runs, then each finding with its arithmetic and source. `verbose` shows the supported ones too."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=None, box=None, pad_edge=False)
    for column in _COLUMNS:
        right = column not in ("run", "scenario", "result", "verdict")
        table.add_column(column, justify="right" if right else "left", overflow="fold", no_wrap=right)
    for row in report.rows:
        table.add_row(*(Text(cell) for cell in _cells(row)))
    out = io.StringIO()
    console = Console(file=out, width=width, color_system=None, highlight=False)
    console.print(Text(f"{report.kind}: {report.path}"))
    if report.manifest:
        console.print(Text(f"manifest: {report.manifest}"))
    console.print(table)
    shown = report.findings if verbose else report.problems
    for finding in shown:
        console.print()
        console.print(Text(f"{finding.verdict.upper()}  {finding.rule}  {finding.subject}"))
        for name in ("statement", "arithmetic", "source"):
            console.print(Text(f"  {name}: {getattr(finding, name)}"))
    if verbose:
        for row in report.rows:
            for words in (*row.utilisation_arithmetic, *row.notes):
                console.print(Text(f"{row.run}: {words}"))
    console.print()
    console.print(Text(summary_line(report)))
    return harmless(out.getvalue())


def summary_line(report: AuditReport) -> str:
    """The number of runs and of each verdict, in one line."""
    counts = ", ".join(f"{count} {verdict}" for verdict, count in report.counts.items())
    return f"{len(report.rows)} runs and parts of runs; {counts}"


def render_html_section(report: AuditReport) -> str:
    """A `<section>` without style or script of its own; every value is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    supported = [finding for finding in report.findings if finding.verdict is Judgement.SUPPORTED]
    return environment.get_template("section.html.j2").render(
        report=report,
        columns=_COLUMNS,
        rows=[(row, _cells(row)) for row in report.rows],
        supported=supported,
        summary=summary_line(report),
    )


def _cells(row: RunRow) -> list[str]:
    return [
        row.run,
        row.scenario or "-" if row.mode == "performance" else f"{row.scenario or '-'} accuracy",
        row.result or "-",
        "-" if row.samples is None else str(row.samples),
        _number(row.samples_per_s),
        _number(row.tokens_per_s),
        _number(row.ceiling_samples_per_s),
        _share(row.mbu),
        _share(row.mfu),
        str(row.verdict) if not row.findings else f"{row.verdict} ({row.findings})",
    ]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.6g}" if value < 1e6 else f"{value:,.0f}"


def _share(value: float | None) -> str:
    return "-" if value is None else percent_text(value, 2)
