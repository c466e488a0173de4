"""What `assay run` and `assay bench` print when a campaign is over."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from assay.analysis.advice import invalid_words, mends
from assay.analysis.alert_findings import alert_lines
from assay.analysis.loads import load_rows, with_rates
from assay.analysis.names import title_in, titles_in
from assay.benchmarks import campaign_benchmark
from assay.campaign.reporting import answer_lines
from assay.campaign.runner import CampaignOutcome
from assay.commands.notices import notices_text
from assay.commands.table import Grid, drawn, scores_text, table_text
from assay.commands.wrapping import between_words
from assay.digits import number_text
from assay.runs import CampaignState, Result, RunEntry, read_ledger, read_object, read_record
from assay.runs.alerts import read_alerts

_MOST_ALERTS = 8


def outcome_text(outcome: CampaignOutcome, width: int, *, figures: bool, table: str = "") -> str:
    """The campaign's answer, the `table` that its question has of its own, its `figures` unless they were printed
    before, what became of the samples, the verdicts, the alerts, and what to do next: in `width` columns wherever names
    and numbers leave room for it."""
    report = read_object(outcome.folder.report_json) or {}
    answer = answer_lines(outcome.folder)
    parts = [
        _wrapped(answer, width),
        table,
        figures_text(outcome.state, outcome.results, width, report.get("groups", [])) if figures else "",
        drawn(_ledgers(outcome), width, words={"ledger"}),
        _wrapped(_verdicts(outcome, " ".join(answer)), width),
        "".join(f"{line}\n" for line in _last_words(outcome)),  # of logs: as they are
        _wrapped(_alerts(outcome), width),
        "".join(f"{line}\n" for line in _next(outcome)),  # commands and paths are copied: in one piece
    ]
    return "".join(f"\n{part}" for part in parts if part)


def figures_text(
    state: CampaignState, results: Sequence[Result], width: int, groups: Sequence[Mapping[str, Any]] = ()
) -> str:
    """Speeds, latencies and scores, with what must be known beside them; empty where nothing was measured.

    `groups` are the report's, where there is one: terminal and page say the same.
    """
    rows = with_rates(load_rows(state, results), groups)
    of_run = {result.run: result for result in results}
    scored = [(entry, of_run[entry.run].accuracy) for entry in state.runs if entry.run in of_run]
    scores = [(title_in(state.runs, entry), accuracy) for entry, accuracy in scored if accuracy is not None]
    table = table_text(rows, width) if any(row.samples_per_s or row.latency for row in rows) else ""
    parts = [
        f"{table}{notices_text(rows, width)}".lstrip("\n"),
        scores_text(scores, width) if scores else "",
    ]
    return "\n".join(part for part in parts if part)


def _ledgers(outcome: CampaignOutcome) -> Grid:
    grid = [["run", "issued", "= completed", "+ failed", "+ lost", "ledger"]]
    for entry in outcome.state.runs:
        title = title_in(outcome.state.runs, entry)
        if entry.run is None or not (folder := outcome.folder.run(entry.run)).ledger.exists():
            grid.append([title, *["-"] * 4, "none"])
            continue
        ledger = read_ledger(folder)
        counts = (ledger.issued, ledger.completed, ledger.failed, ledger.lost)
        resent = f", {ledger.resent:,} re-sent" if ledger.resent else ""
        grid.append([title, *map(number_text, counts), f"{'balanced' if ledger.balanced else 'NOT BALANCED'}{resent}"])
    return grid


def _verdicts(outcome: CampaignOutcome, answer: str) -> Iterator[str]:
    """Each verdict once, with the runs that it is of; why a run failed, unless the `answer` says it."""
    of_run = {result.run: result for result in outcome.results}
    runs = outcome.state.runs
    said: dict[str, list[RunEntry]] = {}
    for entry in runs:
        said.setdefault(_verdict(entry, of_run.get(entry.run or ""), answer), []).append(entry)
        if entry.run and (folder := outcome.folder.run(entry.run)).ledger.exists():
            for problem in read_ledger(folder).problems:
                said.setdefault(f"ledger: {problem}", []).append(entry)
    for words, entries in said.items():
        yield words if len(entries) == len(runs) > 1 else f"{titles_in(runs, entries)}: {words}"
    for node, reason in outcome.state.left_out.items():
        yield f"node {node} is left out: {reason}"


def _alerts(outcome: CampaignOutcome) -> Iterator[str]:
    """What was raised while runs lasted, a run's first ones."""
    for entry in outcome.state.runs:
        lines = alert_lines(read_alerts(outcome.folder.run(entry.run).alerts)) if entry.run else []
        title = title_in(outcome.state.runs, entry)
        for line in lines[:_MOST_ALERTS]:
            yield f"alert in {title}: {line}"
        if len(lines) > _MOST_ALERTS:
            yield f"and {len(lines) - _MOST_ALERTS} more alerts in {title}"


def _verdict(entry: RunEntry, result: Result | None, answer: str) -> str:
    reason = (entry.reason if result is None else result.reason).partition("\n")[0]
    why = "" if reason.rstrip(".") in answer else reason
    if result is None:
        return f"{entry.status or 'not started'}: {why}".removesuffix(": ")
    words = result.verdict.words
    if result.loadgen.result == "INVALID" and (invalid := invalid_words(result.loadgen)):
        words += f": {invalid}"
    return f"{words}; {why}" if why else words


def _last_words(outcome: CampaignOutcome) -> Sequence[str]:
    """The last lines of logs that a run's reason ends with: of the first run that has some, since they are alike."""
    return next((lines for entry in outcome.state.runs if (lines := entry.reason.splitlines()[1:])), [])


def _next(outcome: CampaignOutcome) -> Iterator[str]:
    """What helps where something is missing, then where everything is told."""
    resume = f"`assay run --resume {shlex.quote(str(outcome.folder.path))}`"
    if any(entry.ended and entry.status != "completed" and not entry.may_fail for entry in outcome.state.runs):
        yield f"next: {resume.removesuffix('`')} --retry-failed` runs again what failed"
    for words in dict.fromkeys(_settings(outcome)):
        yield f"next: {words}"
    if outcome.unreported:
        yield f"no report of {', '.join(outcome.unreported)}: {resume} makes it"
    else:
        yield f"report: {outcome.folder.report}"


def _settings(outcome: CampaignOutcome) -> Iterator[str]:
    """The settings that LoadGen's INVALID asks for."""
    benchmark = campaign_benchmark(outcome.folder)
    for result in outcome.results:
        if result.loadgen.result == "INVALID" and benchmark is not None:
            record = read_record(outcome.folder.run(result.run))
            yield from mends(result.loadgen, record, benchmark.scenarios.get(record.scenario))


def _wrapped(lines: Iterable[str], width: int) -> str:
    return "".join(f"{between_words(line, width)}\n" for line in lines)
