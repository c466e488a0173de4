"""What `assay run`, `assay bench` and `assay tune` print when a campaign is over.

The answer comes first and, in a few words, last: what is between may be longer than a screen.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from assay.analysis.advice import invalid_words
from assay.analysis.alert_findings import alert_lines
from assay.analysis.campaign import load_of
from assay.analysis.finding import Finding
from assay.analysis.loads import LoadRow, load_rows, with_rates
from assay.analysis.names import titles_in, titles_of
from assay.analysis.verdict import SHORT_RUN, SHORT_VALID
from assay.campaign.reporting import answer_lines
from assay.campaign.runner import CampaignOutcome
from assay.commands.notices import finding_lines, notice_lines
from assay.commands.table import Grid, drawn, scores_text, table_text
from assay.digits import number_text
from assay.report.what_next import state_next
from assay.runs import CampaignState, Ledger, Result, RunEntry, read_ledger, read_object
from assay.runs.alerts import read_alerts
from assay.wrapping import between_words, first_clause

_MOST_ALERTS = 8


def outcome_text(outcome: CampaignOutcome, width: int, *, table: str = "") -> str:
    """The campaign's answer; its figures, or the `table` that its question has of its own; what became of the samples
    and the verdicts; what was found, and what to do next. In `width` columns wherever names and numbers leave room.
    """
    report = read_object(outcome.folder.report_json) or {}
    answer, entries = answer_lines(outcome.folder), by_load(outcome.state.runs)
    rows = _rows(outcome.state, outcome.results, report.get("groups", []))
    findings = [Finding.model_validate(found) for found in report.get("findings", [])]
    parts = [
        _wrapped(answer, width),
        table or _measured(rows, width),
        _scores(outcome.state, outcome.results, width),
        drawn(_ledgers(outcome, entries), width, words={"ledger"}),
        _wrapped(_verdicts(outcome, entries, " ".join(answer)), width),
        "".join(f"{line}\n" for line in _last_words(outcome)),  # of logs: as they are
        _wrapped(_alerts(outcome), width),
        _wrapped([*finding_lines(findings, entries), *notice_lines(rows, found=bool(report))], width),
        _wrapped(_next(outcome, report), width),
        f"{_wrapped(_in_short(answer), width)}{_pages(outcome)}\n",  # which scripts look for: in one piece
    ]
    return "".join(f"\n{part}" for part in parts if part)


def figures_text(state: CampaignState, results: Sequence[Result], width: int) -> str:
    """Speeds, latencies and scores of a campaign without a report, with what must be known beside them."""
    rows = _rows(state, results, [])
    parts = (_measured(rows, width), _scores(state, results, width), _wrapped(notice_lines(rows, found=False), width))
    return "\n".join(part for part in parts if part)


def by_load(entries: Sequence[RunEntry]) -> list[RunEntry]:
    """From the lowest load to the highest, where each has one; else as planned. Plans are in random order."""
    loads = {entry.key: load for entry in entries if (load := load_of(entry)) is not None}
    return sorted(entries, key=lambda entry: loads[entry.key]) if len(loads) == len(entries) else list(entries)


def _rows(state: CampaignState, results: Sequence[Result], groups: Sequence[Mapping[str, Any]]) -> Sequence[LoadRow]:
    """`groups` are the report's, where there is one: terminal and page say the same."""
    ordered = state.model_copy(update={"runs": by_load(state.runs)})
    return with_rates(load_rows(ordered, results), groups)


def _measured(rows: Sequence[LoadRow], width: int) -> str:
    return table_text(rows, width) if any(row.samples_per_s or row.latency for row in rows) else ""


def _scores(state: CampaignState, results: Sequence[Result], width: int) -> str:
    of_run = {result.run: result for result in results}
    scored = [(entry, of_run[entry.run].accuracy) for entry in state.runs if entry.run in of_run]
    titles = titles_of(state.runs)
    scores = [(titles[entry.key], accuracy) for entry, accuracy in scored if accuracy is not None]
    return scores_text(scores, width) if scores else ""


def _ledgers(outcome: CampaignOutcome, entries: Sequence[RunEntry]) -> Grid:
    """Runs of which every sample was answered at once in one row, each other one in its own."""
    known = {entry.key: _ledger(outcome, entry) for entry in entries}
    whole = [entry for entry in entries if (own := known[entry.key]) is not None and _in_order(own)]
    together = whole if len(whole) > 1 else []
    grid = [["run", "issued", "= completed", "+ failed", "+ lost", "ledger"]]
    if together:
        others = "" if len(whole) == len(entries) else "other "
        name = "both runs" if len(entries) == len(whole) == 2 else f"all {len(whole)} {others}runs"
        total = [own for entry in together if (own := known[entry.key]) is not None]
        grid.append(_ledger_row(name, total))
    titles = titles_of(outcome.state.runs)
    grid += [
        _ledger_row(titles[entry.key], [own] if (own := known[entry.key]) is not None else [])
        for entry in entries
        if entry not in together
    ]
    return grid


def _ledger(outcome: CampaignOutcome, entry: RunEntry) -> Ledger | None:
    if entry.run is None or not (folder := outcome.folder.run(entry.run)).ledger.exists():
        return None
    return read_ledger(folder)


def _in_order(ledger: Ledger) -> bool:
    """Whether nothing is to be told of it: all samples that were issued, and there were some, were answered at once."""
    return ledger.balanced and 0 < ledger.issued == ledger.completed and not ledger.resent


def _ledger_row(title: str, ledgers: Sequence[Ledger]) -> list[str]:
    if not ledgers:
        return [title, *["-"] * 4, "none"]
    counts = [sum(getattr(own, count) for own in ledgers) for count in ("issued", "completed", "failed", "lost")]
    resent = sum(own.resent for own in ledgers)
    balanced = "balanced" if all(own.balanced for own in ledgers) else "NOT BALANCED"
    return [title, *map(number_text, counts), f"{balanced}, {resent:,} re-sent" if resent else balanced]


def _verdicts(outcome: CampaignOutcome, entries: Sequence[RunEntry], answer: str) -> Iterator[str]:
    """Each verdict once, with the runs that it is of; why a run failed, unless the `answer` says it."""
    of_run = {result.run: result for result in outcome.results}
    runs = outcome.state.runs
    said: dict[str, list[RunEntry]] = {}
    for entry in entries:
        said.setdefault(_verdict(entry, of_run.get(entry.run or ""), answer), []).append(entry)
        for problem in own.problems if (own := _ledger(outcome, entry)) is not None else []:
            said.setdefault(f"ledger: {problem}", []).append(entry)
    for words, of in said.items():
        yield words if len(of) == len(runs) > 1 else f"{titles_in(runs, of)}: {words}"
    told = [why for entry in runs if (why := _first_line(entry.reason)) and why.rstrip(".") in answer]
    for node, reason in outcome.state.left_out.items():
        yield f"node {node} is left out" + ("" if any(why in reason for why in told) else f": {reason}")


def _alerts(outcome: CampaignOutcome) -> Iterator[str]:
    """What was raised while runs lasted, a run's first ones."""
    titles = titles_of(outcome.state.runs)
    for entry in outcome.state.runs:
        lines = alert_lines(read_alerts(outcome.folder.run(entry.run).alerts)) if entry.run else []
        title = titles[entry.key]
        for line in lines[:_MOST_ALERTS]:
            yield f"alert in {title}: {line}"
        if len(lines) > _MOST_ALERTS:
            yield f"and {len(lines) - _MOST_ALERTS} more alerts in {title}"


def _verdict(entry: RunEntry, result: Result | None, answer: str) -> str:
    reason = _first_line(entry.reason if result is None else result.reason)
    why = "" if entry.may_fail or reason.rstrip(".") in answer else reason  # of tries their own table says it
    if result is None:
        return f"{entry.status or 'not started'}: {why}".removesuffix(": ")
    words = result.verdict.words
    if result.loadgen.result == "INVALID" and (invalid := invalid_words(result.loadgen)):
        words += f": {invalid}"
    elif result.loadgen.result == "VALID" and words.startswith(SHORT_RUN):
        words += f" (LoadGen: {SHORT_VALID})"
    return f"{words}; {why}" if why else words


def _first_line(reason: str) -> str:
    """Why a run ended as it did; then come ends of logs."""
    return reason.partition("\n")[0]


def _last_words(outcome: CampaignOutcome) -> Sequence[str]:
    """The last lines of logs that a run's reason ends with: of the first run that has some, since they are alike. A
    try that fails is no fault to be mended."""
    runs = [entry for entry in outcome.state.runs if not entry.may_fail]
    return next((lines for entry in runs if (lines := entry.reason.splitlines()[1:])), [])


def _next(outcome: CampaignOutcome, report: Mapping[str, Any]) -> Iterator[str]:
    """The page's next step, in its words; of runs without a result also where no page could be made."""
    ledgers = {entry.key: _ledger(outcome, entry) for entry in outcome.state.runs}
    if words := state_next(outcome.state, ledgers) or report.get("next", ""):
        yield words


def _resume(outcome: CampaignOutcome) -> str:
    return f"assay run --resume {shlex.quote(str(outcome.folder.path))}"


def _in_short(answer: Sequence[str]) -> Iterator[str]:
    """The answer's number once more, where the last lines of a screen are."""
    if answer:
        yield f"answer: {first_clause(answer[0])}"


def _pages(outcome: CampaignOutcome) -> str:
    """Where everything is told, or how to get what is missing of it."""
    if outcome.unreported:
        return f"no report of {', '.join(outcome.unreported)}: `{_resume(outcome)}` makes it"
    return f"report: {outcome.folder.report}"


def _wrapped(lines: Iterable[str], width: int) -> str:
    return "".join(f"{between_words(line, width)}\n" for line in lines)
