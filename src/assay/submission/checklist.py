"""A tree's check as a list: for each result what holds and what doesn't, and what MLCommons' checker says beside it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assay.audit import AuditFinding, AuditOptions, AuditReport, audit_path
from assay.errors import UserError
from assay.submission.official import OfficialResult, OfficialVerdict, run_official
from assay.submission.texts import REHEARSAL, REHEARSAL_PAGE

WHOLE = "the submission"
_RESULT_PARTS = 5  # DIVISION/ORG/SYSTEM/BENCHMARK/SCENARIO
_CURVES = "results"  # a curve of MLPerf Endpoints is …/results/SYSTEM/MODEL; names of other results leave it out


@dataclass
class CheckedResult:
    """One result: the rules that hold, what was found, and the checker's word; None: it wasn't asked."""

    name: str
    holds: list[str] = field(default_factory=list)
    findings: list[AuditFinding] = field(default_factory=list)
    official: OfficialResult | None = None

    @property
    def differs(self) -> str:
        """How the two verdicts differ, in words; empty: they don't, or there is one alone."""
        if self.official is None or (self.official.metric is None) == bool(self.findings):
            return ""
        if self.findings:
            return "MLCommons' checker accepts what Assay finds fault with"
        return "MLCommons' checker refuses what Assay finds no fault with"


@dataclass
class TreeCheck:
    """What was found in a tree."""

    report: AuditReport
    results: list[CheckedResult]
    official: OfficialVerdict | None
    rehearsal: bool
    """It says itself that it must not be submitted."""

    @property
    def clean(self) -> bool:
        return self.report.clean and (self.official is None or self.official.accepted)


def check_tree(tree: Path, checkout: Path | None, of_round: str) -> TreeCheck:
    """Judge a tree by Assay's rules, and by MLCommons' checker where a checkout is given. Raises UserError."""
    if not tree.is_dir():
        raise UserError(f"{tree}: there is no such folder; --check takes a submission's root")
    report = audit_path(tree, AuditOptions(submitted_to=of_round))
    if report.not_judged and checkout is not None:
        raise UserError(
            "--official-checker is MLPerf Inference's, and this is a tree of MLPerf Endpoints: leave it out, and run "
            "submission-checker of github.com/mlcommons/endpoints-submission-cli on it"
        )
    official = run_official(tree, checkout, of_round) if checkout is not None else None
    return TreeCheck(report, _results(report, official), official, (tree / REHEARSAL_PAGE).is_file())


def _results(report: AuditReport, official: OfficialVerdict | None) -> list[CheckedResult]:
    by_result: dict[str, list[AuditFinding]] = defaultdict(list)
    for row in report.rows:
        by_result.setdefault(_result_of(row.run), [])
    for finding in report.findings:
        by_result[_result_of(finding.subject)].append(finding)
    found = []
    for name in sorted({*by_result, *(official.results if official else ())}, key=lambda name: (name == WHOLE, name)):
        findings = by_result.get(name, [])
        problems = [finding for finding in findings if not finding.clean]
        broken = {finding.rule for finding in problems}
        holds = sorted({finding.rule for finding in findings} - broken)
        theirs = official.results.get(name) if official else None
        if official is not None and theirs is None and name != WHOLE:
            theirs = OfficialResult(reasons=["it says nothing of this result"])
        found.append(CheckedResult(name, holds, problems, theirs))
    return found


def _result_of(subject: str) -> str:
    """The result that a run's name begins with, as trees have them; else the whole."""
    parts = subject.split("/")
    ends = parts.index(_CURVES) + 3 if _CURVES in parts else _RESULT_PARTS
    return "/".join(parts[:ends]) if len(parts) > ends else WHOLE


def checklist_text(check: TreeCheck, of_round: str) -> str:
    """The list for a terminal."""
    lines = [f"{REHEARSAL}: this tree must not be submitted"] if check.rehearsal else []
    lines += [line for result in check.results for line in _result_lines(result)]
    problems = len(check.report.problems)
    lines += [f"not judged: {words}" for words in check.report.not_judged]
    lines.append(f"Assay: {problems or 'no'} finding{'' if problems == 1 else 's'}")
    if check.official is not None:
        lines += [f"MLCommons' checker, {of_round}: {'accepted' if check.official.accepted else 'refused'}"]
        lines += [f"  {reason}" for reason in check.official.whole]
        lines += _differences(check.results)
    return "\n".join(lines)


def _result_lines(result: CheckedResult) -> Iterator[str]:
    yield result.name
    if result.holds:
        yield f"  holds: {', '.join(result.holds)}"
    for finding in result.findings:
        yield f"  {finding.verdict.upper()} {finding.rule}: {finding.statement}"
        yield f"    {finding.arithmetic}"
        yield f"    in {finding.source}"
    if result.official is not None:
        metric = result.official.metric
        yield f"  MLCommons' checker: {'refused' if metric is None else f'accepted, {metric}'}"
        yield from (f"    {reason}" for reason in result.official.reasons)


def _differences(results: Sequence[CheckedResult]) -> list[str]:
    found = [f"  {result.name}: {result.differs}" for result in results if result.differs]
    return ["Where the two differ:", *found] if found else ["The two agree on every result."]


def checklist_json(check: TreeCheck) -> dict[str, Any]:
    """The list as data; the audit's report is whole in it."""
    official = check.official
    return {
        "clean": check.clean,
        "rehearsal": check.rehearsal,
        "audit": check.report,
        "official": None if official is None else {"accepted": official.accepted, "whole": official.whole},
        "results": [
            {
                "result": result.name,
                "holds": result.holds,
                "findings": [finding.rule for finding in result.findings],
                "official": None
                if result.official is None
                else {"metric": result.official.metric, "reasons": result.official.reasons},
                "differs": result.differs,
            }
            for result in check.results
        ],
    }
