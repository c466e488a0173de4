"""What `assay compare` prints: the answer, what limits it, each quantity, what else differs, and the answer again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from assay.analysis.campaign_compare import CampaignComparison, CampaignMeasured
from assay.analysis.changes import Change
from assay.analysis.compare import Comparison
from assay.analysis.differences import Difference
from assay.analysis.run import RunAnalysis
from assay.commands.terminal import width
from assay.report import format as fmt
from assay.report.compare_campaigns_page import campaigns_beside, campaigns_served, comparison_answer
from assay.report.compare_page import changes_shown, runs_beside, runs_shaped
from assay.report.compared_campaigns import campaigns_shaped
from assay.report.run_page import banner_of_all, doubts
from assay.report.subject import served_words
from assay.runs.record import RunRecord
from assay.runs.result import Result
from assay.wrapping import between_words, first_clause

_SIDES = ("the baseline", "the other")


def runs_text(comparison: Comparison, base: RunAnalysis, other: RunAnalysis, step: str) -> str:
    """Each quantity in both runs, its ratio with its 95 % interval below it; `step`: the page's next one."""
    shown = changes_shown(comparison)
    measured = [(run.result, run.record) for run in (base, other)]
    lines = [
        f"{shown[:1].upper()}{shown[1:]}.",
        *_limits(measured, runs_shaped((base, other), _SIDES)),
        *runs_beside((base, other)),
        served_words([base.record, other.record]),
        "Ratios are the other run's over the baseline's; their 95 % intervals hold together.",
        *_changes(comparison.changes, ""),
        *_besides(comparison.differences, comparison.notes),
    ]
    return _text(comparison, lines, shown, measured, step)


def campaigns_text(comparison: CampaignComparison, base: CampaignMeasured, other: CampaignMeasured, step: str) -> str:
    """The same of every load."""
    answer = comparison_answer(comparison, other)
    measured = [(result, load.record) for own in (base, other) for load in own.loads for result in load.results]
    lines = [
        *answer,
        *_limits(measured, campaigns_shaped((base, other), [comparison], _SIDES)),
        *campaigns_beside((base, other), [comparison]),
        campaigns_served((base, other)),
        "Ratios are the other campaign's over the baseline's; their 95 % intervals hold together.",
    ]
    for load in comparison.loads:
        lines += [f"{load.load}: {load.outcome}", *_changes(load.changes, "  ")]
    lines += _besides(comparison.differences, comparison.notes)
    return _text(comparison, lines, answer[0], measured, step)


def _text(
    comparison: Comparison | CampaignComparison,
    lines: Iterable[str],
    answer: str,
    measured: Sequence[tuple[Result, RunRecord]],
    step: str,
) -> str:
    """In the terminal's width but for long names; last, where a screen ends, the answer and why it may not hold."""
    doubted = "; ".join(doubts(measured))
    every = [
        comparison.other,
        f"  against the baseline {comparison.baseline}",
        *(f"  {line}" for line in lines),
        *([step] if step else []),
        f"answer: {first_clause(answer)}{doubted and f' ({doubted})'}",
    ]
    return "\n".join(between_words(line, width()) for line in every)


def _limits(measured: Sequence[tuple[Result, RunRecord]], shaped: Iterable[str]) -> Iterator[str]:
    """What pages say in their strip, and whose figures aren't the server's."""
    if strip := banner_of_all(measured):
        yield f"{strip[:1].upper()}{strip[1:]}."
    yield from shaped


def _changes(changes: Iterable[Change], indent: str) -> Iterator[str]:
    for change in changes:
        values = f"{fmt.number(change.baseline)} → {fmt.number(change.other)} {change.unit}"
        yield f"{indent}{change.quantity}: {values}"
        yield f"{indent}  {fmt.times(change.ratio, change.low, change.high)}, {change.words}"


def _besides(differences: Iterable[Difference], notes: Iterable[str]) -> Iterator[str]:
    yield from (f"differs: {d.where} {d.fact}: {d.baseline} → {d.other}" for d in differences)
    yield from (f"note: {note}" for note in notes)
