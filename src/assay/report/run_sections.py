"""A run's page: figures over time, where every sample went, what drove the load, logs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from assay.analysis.expenses import EXPENSES
from assay.analysis.goodput import OF_ISSUED
from assay.analysis.phases import Phases
from assay.analysis.run import RunAnalysis
from assay.analysis.verdict import FINISHED
from assay.report import format as fmt
from assay.report.client import client_blocks
from assay.report.many import ENDS, MOST_ROWS, Values, ends
from assay.report.page import Block, Quote, Rows, Table, Text
from assay.report.run_charts import RunCharts
from assay.runs.ledger import reasons_in_words
from assay.runs.result import Figure
from assay.runs.scenarios import is_paced
from assay.serving.words import harmless

LEDGER = "ledger.json"
_BY_ITS_SETTINGS = (
    "LoadGen judges a run by the settings that it was given and doesn't know whether they are the rules': its word "
    "alone doesn't make the run valid for MLPerf. What counts is the verdict at the top."
)

_ONE_LESS = (
    "LoadGen leaves one sample out of its samples a second where samples arrive, so that these are a little lower than "
    "the page's; its tokens a second are of every sample."
)


def ledger_blocks(analysis: RunAnalysis) -> Iterator[Block]:
    ledger = analysis.ledger
    if ledger is None:
        yield Text("There is no ledger.json: what became of the samples isn't known.")
        return
    success = ledger.completed / ledger.issued if ledger.issued else None
    yield Text(
        f"Issued {fmt.number(ledger.issued)} = completed {fmt.number(ledger.completed)} + failed "
        f"{fmt.number(ledger.failed)} + lost {fmt.number(ledger.lost)}: "
        f"{'balanced' if ledger.balanced else 'not balanced'}. Completed of issued: {fmt.percent(success, 2)}. "
        f"{fmt.number(ledger.resent)} samples needed more than one attempt; {fmt.number(ledger.attempts)} attempts "
        "in all."
    )
    rows: Rows = [
        (
            e.endpoint,
            *map(fmt.number, (e.sent, e.ok, e.failed, e.lost)),
            reasons_in_words(e.reasons),
        )
        for e in ledger.endpoints
    ]
    columns = ("Endpoint", "Sent", "OK", "Failed", "Lost", "Reasons")
    table = Table("Attempts by endpoint", columns, rows, frozenset({1, 2, 3, 4}), "ledger.json")
    spread: dict[str, Values] = {
        "share of attempts answered": [e.ok / e.sent if e.sent else None for e in ledger.endpoints],
        "sent": [e.sent for e in ledger.endpoints],
        "failed": [e.failed for e in ledger.endpoints],
        "lost": [e.lost for e in ledger.endpoints],
    }
    yield from ends(table, spread, "ledger.json")
    if ledger.problems:
        shown, left = ledger.problems[:MOST_ROWS], len(ledger.problems) - MOST_ROWS
        yield Table("What does not balance", ("Problem",), [(problem,) for problem in shown], source="ledger.json")
        if left > 0:
            yield Text(f"{left:,} more are in ledger.json.")


def speed_blocks(analysis: RunAnalysis, charts: RunCharts | None) -> Iterator[Block]:
    """The figures, and how the rate went over time; nothing where nothing is reportable."""
    if charts is None:
        return
    known = analysis.result.figures.items()
    figures = {name: f for name, f in known if f.source != LEDGER and name not in EXPENSES}
    rows: Rows = [(_figure_name(name), *_figure_cells(figure)) for name, figure in figures.items()]
    columns = ("Figure", "Value", "95 % interval", "Unit")
    yield Table("Figures", columns, rows, frozenset({1, 2}), "requests.parquet")
    rows = [(_figure_name(name), f.formula, f.source) for name, f in figures.items()]
    yield Table("How the figures are computed", ("Figure", "Formula", "File"), rows, folded=True)
    yield charts.timeline()
    if analysis.phases is not None:
        yield from _phase_blocks(analysis.phases)


def _phase_blocks(parts: Phases) -> Iterator[Block]:
    of_the_rate = "of the whole run's tokens at the steady rate"
    rows: Rows = [
        ("Steady window", f"{parts.steady_from_s:.1f} s to {parts.steady_to_s:.1f} s of {parts.duration_s:.1f} s"),
        ("Tokens/s, whole run", fmt.number(parts.headline_tokens_per_s)),
        ("Tokens/s, steady window", fmt.with_interval(parts.steady_tokens_per_s, parts.steady_low, parts.steady_high)),
        ("Cost of the time before it", f"{fmt.percent(parts.start_cost)} {of_the_rate}"),
        ("Cost of the time after it", f"{fmt.percent(parts.tail_cost)} {of_the_rate}"),
        ("TPOT before it / within it", fmt.times(parts.cold_ratio, parts.cold_low, parts.cold_high)),
    ]
    yield Table("Start, steady window, tail", ("Fact", "Value"), rows, source="requests.parquet")
    yield Text(f"Rule: {parts.rule}")


def driver_blocks(analysis: RunAnalysis) -> Iterator[Block]:
    """What issued the samples, what it says itself, and whether the load generator could have shaped the result."""
    yield Text(_driver_words(analysis))
    metrics = analysis.result.loadgen.metrics
    if metrics:
        rows: Rows = [(name, fmt.number(value)) for name, value in metrics.items()]
        columns = ("Figure", "Value")
        yield Table("LoadGen's own figures", columns, rows, frozenset({1}), "mlperf_log_summary.txt", folded=True)
        if is_paced(analysis.record.scenario):
            yield Text(_ONE_LESS)
    yield from client_blocks(analysis)


def _driver_words(analysis: RunAnalysis) -> str:
    """What issued the samples, and what it says itself."""
    record, loadgen = analysis.record, analysis.result.loadgen
    if record.shape is not None:
        words = f"Driven by Assay's pacer: {record.shape.title} (seed {record.schedule_seed})."
        if analysis.samples is not None and analysis.samples.until_ns is not None:
            window_s = (analysis.samples.until_ns - analysis.samples.begin_ns) / 1e9
            words += (
                f" Requests were offered for {fmt.number(window_s)} s, and what was in flight then was let finish: "
                "rates are what was done within that time, over it, of each request the part of its time that lies "
                "within; latencies are of all."
            )
        return words
    reasons = "; ".join(loadgen.reasons)
    words = (
        f"Driven by LoadGen, whose own word on the run is {loadgen.result or 'missing'}"
        f"{f' ({reasons})' if reasons else ''}; {loadgen.errors} errors, {loadgen.warnings} warnings in its log."
    )
    if loadgen.result == "VALID" and not analysis.result.verdict.valid:
        words += f" {_BY_ITS_SETTINGS}"
    return words


def _figure_name(key: str) -> str:
    """Such as "Output tokens/s" from "output_tokens_per_s"."""
    words = key.replace("_per_s", "/s").removesuffix("_s").replace("_", " ")
    return f"{words[0].upper()}{words[1:]}"


def _figure_cells(figure: Figure) -> tuple[str, str, str]:
    """Value, interval and unit; a part of a whole in per cent."""
    if figure.unit == OF_ISSUED:
        low, high = (None if bound is None else 100 * bound for bound in (figure.low, figure.high))
        return fmt.number(100 * figure.value), fmt.span(low, high), f"% {OF_ISSUED}"
    return fmt.number(figure.value), fmt.span(figure.low, figure.high), figure.unit


def log_blocks(analysis: RunAnalysis) -> Iterator[Block]:
    """The logs' last lines, where a run didn't end well or samples went unanswered."""
    ledger = analysis.ledger
    if analysis.record.status in FINISHED and ledger is not None and not ledger.failed + ledger.lost:
        return
    folder = analysis.folder
    failed = {} if ledger is None else {entry.endpoint: entry.failed + entry.lost for entry in ledger.endpoints}
    logs = sorted(folder.endpoint_logs.glob("*.log"), key=lambda path: (-failed.get(path.stem, 0), path.name))
    ends = [(path, lines) for path in (folder.driver_log, *logs[:ENDS]) if (lines := _last_lines(path))]
    for path, lines in ends:
        yield Quote(f"Last lines of {path.relative_to(folder.path)}, as written", lines)
    kept = analysis.record.reason.partition("\n")[2]
    if kept and not ends:
        yield Quote("Ends of the logs as the run ended, as written", harmless(kept))
    if len(logs) > ENDS:
        where = folder.endpoint_logs.relative_to(folder.path)
        yield Text(f"Shown are the logs of the {ENDS} endpoints where most failed, of {len(logs):,} in {where}.")


def _last_lines(path: Path) -> str:
    """At most 20 lines of the file's last 8 KiB."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 8192))
        return "\n".join(map(harmless, file.read().decode(errors="replace").splitlines()[-20:]))
