"""What is compared, or projected from, did its work."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import Evidence, RunEvidence
from assay.audit.registry import Check, evidence_rule, unsupported
from assay.audit.rules.answered_share import lack, lacks_too_much


@evidence_rule(
    "same-answers",
    explain="""
    unanswered share of each run in a comparison or behind a projection <= 50 %, and <= 1 % where it isn't stated

A comparison is of the same work, and a sample without an answer is work that wasn't done: a baseline that answered a
part of its samples makes an efficiency or a speed-up too high or too low, and a projection from it is one of failing.
""",
    source="the law of comparisons: the same work with the same settings",
)
def check(evidence: Evidence) -> Iterator[Check]:
    for claim in evidence.comparisons:
        yield from _lacking(claim.statement, [claim.combined, *claim.baselines])
    for projection in evidence.projections:
        yield from _lacking(projection.statement, [projection.run])


def _lacking(statement: str, runs: list[RunEvidence | None]) -> Iterator[Check]:
    words = [f"{run.name}: {lack(run)}" for run in runs if run is not None and lacks_too_much(run)]
    if words:
        found = unsupported(statement, "; ".join(words))
        yield Check(found.verdict, found.statement, found.arithmetic, subject=statement)
