"""An audit report as text for a terminal and as a section of an HTML page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from assay.audit.verdicts import AuditReport, Judgement, RunRow
from assay.digits import number_text, percent_text
from assay.serving.words import harmless
from assay.wrapping import between_words

_COLUMNS = ("run", "scenario", "result", "samples", "samples/s", "tokens/s", "ceiling", "MBU", "MFU", "verdict")
_NUMBERS = ("samples", "samples/s", "tokens/s", "ceiling", "MBU", "MFU")


def render_text(report: AuditReport, *, width: int = 120, verbose: bool = False) -> str:
    """What was judged and the counts of verdicts; a table of runs; each finding with its arithmetic and source; the
    counts again. `verbose` shows the supported ones too. Lines end between words, and are longer only for what is one.
    """
    about = [f"{report.kind}: {report.path}", *([f"manifest: {report.manifest}"] if report.manifest else [])]
    shown = report.findings if verbose else report.problems
    blocks = [[*about, summary_line(report)], _table(report.rows)]
    for finding in shown:
        head = f"{finding.verdict.upper()}  {finding.rule}  {finding.subject}"
        blocks.append(
            [head, *(f"  {name}: {getattr(finding, name)}" for name in ("statement", "arithmetic", "source"))]
        )
    if verbose:
        notes = [f"{row.run}: {words}" for row in report.rows for words in (*row.utilisation_arithmetic, *row.notes)]
        blocks += [notes] if notes else []
    blocks += [[summary_line(report)]] if shown else []
    text = "\n\n".join("\n".join(between_words(line, width) for line in block) for block in blocks if block)
    return harmless(f"{text}\n")


def _table(rows: Sequence[RunRow]) -> list[str]:
    """Each run's name and verdict above its figures; those of its parts, such as endpoints, below it."""
    if not rows:
        return []
    wholes, cells = list(_wholes(rows)), [dict(zip(_COLUMNS, _cells(row), strict=True)) for row in rows]
    columns = [column for column in _NUMBERS if any(own[column] != "-" for own in cells)]
    grid = [["", *columns]]
    for row, whole, own in zip(rows, wholes, cells, strict=True):
        name = own["scenario"].removeprefix("-").lstrip() if whole is None else row.run.removeprefix(f"{whole}: ")
        grid.append([f"  {name}", *(own[column] for column in columns)])
    head, *lines = _aligned(grid)
    shown = [head]
    for row, whole, own, line in zip(rows, wholes, cells, lines, strict=True):
        if whole is None or row.verdict is not Judgement.SUPPORTED:
            stated = f"; {row.result}" if row.result else ""
            shown.append(f"{row.run}: {own['verdict']}{stated}")
        shown.append(line)
    return shown


def _wholes(rows: Sequence[RunRow]) -> Iterator[str | None]:
    """The run before it that each row is a part of; None: it is a run itself."""
    runs: list[str] = []
    for row in rows:
        whole = next((run for run in reversed(runs) if row.run.startswith(f"{run}: ")), None)
        runs += [row.run] if whole is None else []
        yield whole


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Numbers below each other, to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join([name.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(own, widths[1:], strict=True))])
        for name, *own in rows
    ]


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


def _scenario(row: RunRow) -> str:
    return row.scenario or "-" if row.mode == "performance" else f"{row.scenario or '-'} accuracy"


def _cells(row: RunRow) -> list[str]:
    """Rates of an accuracy run are no performance result."""
    rates = (row.samples_per_s, row.tokens_per_s, row.ceiling_samples_per_s)
    return [
        row.run,
        _scenario(row),
        row.result or "-",
        _number(row.samples),
        *(_number(rate if row.mode == "performance" else None) for rate in rates),
        _share(row.mbu),
        _share(row.mfu),
        str(row.verdict) if not row.findings else f"{row.verdict} ({row.findings})",
    ]


def _number(value: float | None) -> str:
    return "-" if value is None else number_text(value)


def _share(value: float | None) -> str:
    return "-" if value is None else percent_text(value)
