"""The part of a run's page that says whether its figures can be true: the audit's rules, ceilings, MBU and MFU."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assay.audit import AuditFinding, AuditReport, Judgement, audit_path
from assay.errors import UserError
from assay.report import format as fmt
from assay.report.many import MOST_ROWS
from assay.report.page import Block, Problem, Rows, Table, Text
from assay.runs.folder import RunFolder

REFUSED = "not reportable: its own records contradict it"
_REFUSED = (Judgement.CONTRADICTED, Judgement.IMPOSSIBLE)


def audit_of(folder: RunFolder) -> AuditReport | None:
    """The audit of a run's own result; None where it has none, or it can't be read."""
    if not folder.result.exists():
        return None
    try:
        return audit_path(folder.path)
    except UserError:
        return None


def refused(audit: AuditReport | None) -> bool:
    """Whether the audit forbids to print the result as a headline."""
    return audit is not None and any(finding.verdict in _REFUSED for finding in audit.findings)


def audit_problems(audit: AuditReport | None) -> list[Problem]:
    """What isn't supported, the worst first."""
    if audit is None:
        return []
    return [
        Problem(
            "error" if finding.verdict in _REFUSED else "warning",
            f"{finding.verdict.upper() if finding.verdict is Judgement.IMPOSSIBLE else finding.verdict.capitalize()}: "
            f"{finding.statement}.",
            finding.arithmetic,
        )
        for finding in _told_once(audit.problems)
    ]


def _told_once(findings: Sequence[AuditFinding]) -> list[AuditFinding]:
    """All, or of a rule's same verdicts on very many endpoints the first."""
    kinds: dict[tuple[str, Judgement], list[AuditFinding]] = {}
    for finding in findings:
        kinds.setdefault((finding.rule, finding.verdict), []).append(finding)
    told = []
    for alike in kinds.values():
        more = f" (and {len(alike) - 1:,} more such statements, in report.json)"
        long = len(alike) > MOST_ROWS
        told += [alike[0].model_copy(update={"statement": alike[0].statement + more})] if long else alike
    return told


def plausibility_blocks(audit: AuditReport | None) -> Iterator[Block]:
    """Use of the hardware against its ceilings, then every rule's word."""
    if audit is None:
        return
    first = audit.rows[0] if audit.rows else None
    if first is not None and (first.mfu is not None or first.ceiling_samples_per_s is not None):
        facts: Rows = [
            ("Ceiling, samples/s", fmt.number(first.ceiling_samples_per_s)),
            ("Achieved / ceiling", _share(first.samples_per_s, first.ceiling_samples_per_s)),
            ("MBU (memory bandwidth used)", fmt.percent(first.mbu)),
            ("MFU (arithmetic used)", fmt.percent(first.mfu)),
        ]
        yield Table("Use of the hardware", ("Figure", "Value"), facts, frozenset({1}), "docs/ceilings.md")
        for words in first.utilisation_arithmetic:
            yield Text(words + ".")
    else:
        yield Text("MBU and MFU: not computed; the model or the hardware isn't among the known ones.")
    counts = ", ".join(f"{verdict} {count}" for verdict, count in audit.counts.items() if count)
    yield Text(f"Rules applied to this run's own files: {counts or 'none applies'}.")
    ordered = _told_once([*audit.problems, *(finding for finding in audit.findings if finding.clean)])
    rows: Rows = [
        (f.verdict, f.rule, f.statement, f.arithmetic, f.source.removeprefix(f"{f.subject}; ")) for f in ordered
    ]
    if audit.problems:
        told: Rows = [(f.verdict, f.statement) for f in _told_once(audit.problems)]
        yield Table("What the rules don't support", ("Verdict", "Statement"), told)
    columns = ("Verdict", "Rule", "Statement", "Arithmetic", "Source")
    yield Table("Every rule with its arithmetic", columns, rows, folded=True)


def _share(value: float | None, ceiling: float | None) -> str:
    return fmt.NOT_MEASURED if value is None or not ceiling else fmt.percent(value / ceiling)
