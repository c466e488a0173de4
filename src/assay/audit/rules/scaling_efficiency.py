"""Scaling efficiency is against the sum of what was measured alone."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import ClaimedRatio, Evidence, RunEvidence
from assay.audit.registry import Check, contradicted, evidence_rule, supported, unsupported
from assay.audit.spans import Span, total
from assay.digits import sum_text

_NOISE = 1.02


@evidence_rule(
    "scaling-efficiency",
    explain="""
    efficiency = combined throughput / sum of the throughputs measured alone

with the same work and settings. A baseline that nobody ran supports nothing. Above 102 %, or with a stated interval
that lies above 100 %, nothing is "super-linear" without a cause that is named (more cache, another batch size): the
usual cause is a baseline that isn't the sum.

contradicted: the runs give another ratio. unsupported: no measured baseline, or more than the parts.
""",
    source="the law of comparisons: efficiency is over the sum of measured single-node throughputs",
)
def check(evidence: Evidence) -> Iterator[Check]:
    for claim in evidence.comparisons:
        if claim.kind == "scaling" and claim.claimed is not None:
            for verdict in _judge(claim, claim.claimed):
                yield Check(verdict.verdict, verdict.statement, verdict.arithmetic, subject=claim.statement)


def _judge(claim: ClaimedRatio, claimed: Span) -> Iterator[Check]:
    if not claim.measured or not claim.baselines:
        yield unsupported(claim.statement, "its baseline wasn't measured: scaling efficiency is not measured")
        return
    pair = rates(claim.combined, claim.baselines)
    if pair is None:
        yield unsupported(claim.statement, "the runs that it compares state no throughput")
        return
    combined, alone = pair
    actual = combined / total(alone)
    sums = f"{combined} / ({sum_text(alone)}) = {actual.value:.4g}"
    if not claimed.agrees(actual, 1e-3):
        yield contradicted(claim.statement, sums)
    elif (claimed.low > _NOISE) if claim.lowest is None else (claim.lowest > 1):
        yield unsupported(claim.statement, f"{sums}: more than its parts")
    else:
        yield supported(claim.statement, sums)


def rates(combined: RunEvidence | None, alone: list[RunEvidence]) -> tuple[Span, list[Span]] | None:
    """Throughput of the combined run and of each other, in samples/s, else tokens/s; None unless all state one."""
    for name in ("samples_per_s", "tokens_per_s"):
        whole = getattr(combined, name) if combined else None
        parts = [getattr(run, name) for run in alone]
        if whole is not None and parts and None not in parts:
            return whole, parts
    return None
