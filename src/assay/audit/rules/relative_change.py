"""A figure that is N % lower or higher than another's is so."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.claimed import ClaimedChange
from assay.audit.evidence import Evidence
from assay.audit.registry import Check, contradicted, evidence_rule, impossible, supported, unsupported
from assay.audit.spans import Span, ns


@evidence_rule(
    "relative-change",
    explain="""
    change = figure of the run / figure of the baseline - 1

within rounding. "N % lower" is over the baseline, so nothing is more than 100 % lower; the share by which the baseline
is higher is another number (100 ms against 150 ms is 33 % lower, and 150 ms is 50 % higher).
""",
    source="arithmetic",
)
def check(evidence: Evidence) -> Iterator[Check]:
    for claim in evidence.changes:
        found = _judge(claim)
        yield Check(found.verdict, found.statement, found.arithmetic, subject=claim.statement)


def _judge(claim: ClaimedChange) -> Check:
    if claim.share.high < -1:
        return impossible(claim.statement, "nothing is more than 100 % lower")
    before, after = claim.before, claim.after
    if before is None or after is None or before.low <= 0:
        return unsupported(claim.statement, f"the runs don't both state {claim.figure}")
    actual = after / before - 1.0
    new, old = (ns(value) if claim.of_time else str(value) for value in (after, before))
    sums = f"{new} / {old} - 1 = {actual.value:.4g}"
    if claim.share.agrees(actual, 1e-3):
        return supported(claim.statement, sums)
    if after.low > 0 and _swapped(claim.share, before / after - 1.0):
        sums += f"; {old} / {new} - 1 = {(before / after - 1.0).value:.4g} is the other's change"
    return contradicted(claim.statement, sums)


def _swapped(share: Span, other: Span) -> bool:
    return (share * -1.0).agrees(other, 1e-3)
