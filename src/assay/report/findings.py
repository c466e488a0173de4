"""Findings as pages show them: each once, and of many that are alike the first with the names of the others."""

from __future__ import annotations

from collections.abc import Sequence

from assay.analysis.finding import Finding
from assay.report.many import NAMED, the_same


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
