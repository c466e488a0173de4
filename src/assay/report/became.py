"""What a campaign's page says of all that was planned: samples that were answered, and runs that have no end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assay.analysis.campaign import CampaignAnalysis
from assay.analysis.listing import names
from assay.report import format as fmt
from assay.report.run_answer import answered
from assay.runs.campaign import RunEntry
from assay.runs.record import RunStatus
from assay.runs.result import Result

_OVER = (RunStatus.COMPLETED, RunStatus.INVALID)


def short_of_plan(analysis: CampaignAnalysis) -> str:
    """How many runs didn't come to their end, such as "1 of 3 runs failed, 1 skipped"; empty where all did."""
    counts = [(status, len(entries)) for status, entries in _without_end(analysis).items()]
    if not counts:
        return ""
    (first, count), *others = counts
    total = fmt.count(len(analysis.state.runs), "run")
    return ", ".join([f"{count:,} of {total} {first}", *(f"{own:,} {status}" for status, own in others)])


def unended(analysis: CampaignAnalysis) -> Iterator[str]:
    """Which runs have no end, a sentence for each status, with the first reason that one gives."""
    for status, entries in _without_end(analysis).items():
        titles = [analysis.titles[entry.key] for entry in entries]
        reason = next((entry.reason.splitlines()[0].rstrip(".") for entry in entries if entry.reason), "")
        yield f"{names(titles)} {status}{f': {reason}' if reason else ''}."


def became(analysis: CampaignAnalysis) -> Iterator[str]:
    """What became of all planned samples; nothing where the ledger of a run that began is missing."""
    ledgers = [line.ledger for line in analysis.lines if line.ledger is not None]
    if not ledgers or len(ledgers) < len(analysis.lines):
        return
    planned, issued = _planned(analysis), sum(ledger.issued for ledger in ledgers)
    if (planned is None and not _without_end(analysis)) or planned == issued:
        yield from answered(ledgers)
        return
    of = f" of {planned:,} planned samples" if planned is not None else " of the planned samples"
    if not issued:
        yield f"None{of} was issued."
        return
    completed, failed, lost = (sum(getattr(own, name) for own in ledgers) for name in ("completed", "failed", "lost"))
    became = "all of them were answered" if completed == issued else f"{fmt.number(completed)} of them were answered"
    without = f", {fmt.number(failed)} failed, {fmt.number(lost)} lost" if failed + lost else ""
    yield f"{fmt.number(issued)}{of} were issued; {became}{without}."


def became_words(results: Sequence[Result]) -> str:
    """What became of all samples, such as "all 24 answered" or "22 of 24 answered, 1 failed, 1 lost"."""
    counts = {"issued": 0.0, "completed": 0.0, "failed": 0.0, "lost": 0.0}
    for result in results:
        for name in counts:
            figure = result.figures.get(f"samples_{name}")
            if figure is None:
                return "unknown"
            counts[name] += figure.value
    issued, completed, failed, lost = (fmt.number(count) for count in counts.values())
    if not counts["failed"] + counts["lost"]:
        return f"all {issued} answered"
    return f"{completed} of {issued} answered, {failed} failed, {lost} lost"


def _without_end(analysis: CampaignAnalysis) -> dict[str, list[RunEntry]]:
    """Runs that were begun or given up and have no end, by their status. A try that may fail is a result."""
    found: dict[str, list[RunEntry]] = {}
    for entry in analysis.state.runs:
        if entry.status is not None and entry.status not in _OVER and not entry.may_fail:
            found.setdefault(str(entry.status), []).append(entry)
    return found


def _planned(analysis: CampaignAnalysis) -> int | None:
    """How many samples were to be issued; None where a run that has no end doesn't say how many it was to have.

    A run that came to its end has issued its own: a load that lasts a time has as many as come in it.
    """
    issued = {line.entry.key: line.ledger.issued for line in analysis.lines if line.ledger is not None}
    total = 0
    for entry in analysis.state.runs:
        own = issued.get(entry.key, 0)
        if entry.status in _OVER or entry.may_fail:
            total += own
        elif entry.queries is None:
            return None
        else:
            total += max(own, entry.queries)
    return total
