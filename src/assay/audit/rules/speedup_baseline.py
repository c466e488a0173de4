"""A speed-up is against the best that was there before."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import ClaimedRatio, Evidence, RunEvidence
from assay.audit.registry import Check, contradicted, evidence_rule, supported, unsupported
from assay.audit.rules.scaling_efficiency import rates
from assay.audit.spans import Span, total


@evidence_rule(
    "speedup-baseline",
    explain="""
    speed-up = combined throughput / throughput of the best part alone

Two nodes that together are slower than the faster one alone aren't a speed-up, whatever they are compared with. The
arithmetic shows the other baseline too: the parts one after the other, all their samples over the sum of their times.
A figure that only that baseline gives is unsupported as a speed-up; one that neither gives is contradicted.
""",
    source="the law of comparisons: against what was measured, and the better choice",
)
def check(evidence: Evidence) -> Iterator[Check]:
    for claim in evidence.comparisons:
        if claim.kind == "speedup" and claim.claimed is not None:
            found = _judge(claim, claim.claimed)
            yield Check(found.verdict, found.statement, found.arithmetic, subject=claim.statement)


def _judge(claim: ClaimedRatio, claimed: Span) -> Check:
    if not claim.measured:
        return unsupported(claim.statement, "its baseline wasn't measured")
    pair = rates(claim.combined, claim.baselines)
    if pair is None:
        return unsupported(claim.statement, "the runs that it compares state no throughput")
    combined, alone = pair
    best = max(alone, key=lambda rate: rate.value)
    actual = combined / best
    sums = f"together {combined} / best alone {best} = {actual.value:.4g}"
    sequential = _one_after_the_other(claim.baselines)
    if sequential is not None:
        against = combined / sequential
        sums += f"; together {combined} / one after the other {sequential} = {against.value:.4g}"
    if claimed.agrees(actual, 1e-3):
        return supported(claim.statement, sums)
    if sequential is not None and claimed.agrees(combined / sequential, 1e-3):
        return unsupported(claim.statement, f"{sums}: only against running one after the other")
    return contradicted(claim.statement, sums)


def _one_after_the_other(runs: list[RunEvidence]) -> Span | None:
    times = [run.duration_s for run in runs]
    counts = [run.samples.completed for run in runs]
    known = [time for time in times if time is not None]
    if len(known) != len(times) or None in counts:
        return None
    return Span.exact(sum(count for count in counts if count is not None)) / total(known)
