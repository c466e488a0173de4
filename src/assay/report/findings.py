"""Findings as pages show them: each once, with the runs that show it and what to try."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assay.analysis.finding import LIKELY, UNKNOWN, Finding
from assay.analysis.listing import NAMED, names, the_same
from assay.report.page import Rows, Table


def nothing_found(*, measured: bool) -> str:
    """What stands where there are no findings."""
    return "No check found anything." if measured else "There is no result that could be checked."


def shown_findings(findings: Sequence[Finding]) -> list[Finding]:
    """The findings in their order; where a rule says more than a few of one run's nodes, one stands for them."""
    kinds: dict[tuple[str, ...], list[Finding]] = {}
    for place, finding in enumerate(findings):
        about = "one of many" if finding.subject else str(place)
        kinds.setdefault((finding.severity, finding.rule, finding.evidence[0].run, about), []).append(finding)
    return [finding for kind in kinds.values() for finding in _together(kind)]


def _together(alike: list[Finding]) -> list[Finding]:
    if len(alike) <= NAMED:
        return alike
    first, *others = alike
    return [first.model_copy(update={"title": the_same(first.title, [one.subject for one in others])})]


def grouped(findings: Sequence[Finding]) -> list[list[Finding]]:
    """Findings that say the same together, in the order in which the first of each came."""
    found: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in shown_findings(findings):
        found.setdefault((finding.severity, finding.rule, finding.title), []).append(finding)
    return list(found.values())


def mend(finding: Finding) -> str:
    """What to try, in a sentence of its own; empty where that isn't known."""
    text = finding.suggestion.removesuffix(".")
    if text.startswith(UNKNOWN):
        return ""
    return f"Likely: {text.removeprefix(LIKELY)}." if text.startswith(LIKELY) else f"Try: {text}."


def findings_table(findings: Sequence[Finding], labels: Mapping[str, str]) -> Table:
    """One row for all that say the same. `labels`: what a run is called on this page, by its folder's name."""
    rows: Rows = []
    for alike in grouped(findings):
        first = alike[0]
        runs = list(dict.fromkeys(e.run for finding in alike for e in finding.evidence))
        shown = [labels.get(run, run) for run in runs]
        evidence = " / ".join(f"{e.figure} ({e.file})" for e in first.evidence)
        named = names(shown, "; ")
        rows.append((first.severity, first.title, named, evidence, first.suggestion, first.expect))
    columns = ("Severity", "Finding", "Shown by", "Evidence of the first", "What to try", "Effect to expect")
    return Table("Findings", columns, rows)
