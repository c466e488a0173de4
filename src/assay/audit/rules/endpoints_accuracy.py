"""A curve of MLPerf Endpoints has accuracy results at the points that need them."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.curves import Curve
from assay.audit.evidence import Evidence
from assay.audit.registry import Check, evidence_rule, unsupported_unless


@evidence_rule(
    "endpoints-accuracy",
    explain="""
There are accuracy results at a point of each region (32 in flight or below, low, medium and high concurrency), and at
the point for Offline where the benchmark isn't agentic. That the scores reach their targets, over enough samples, the
rules accuracy-target and accuracy-samples judge, point by point: here there is no tolerance. The targets are MLPerf
Inference's, which the published checker takes. An agentic benchmark's targets are judged by no rule here.
""",
    source="MLPerf Endpoints rules 4.3, 5.3, 6.6 and 9.1",
)
def check(evidence: Evidence) -> Iterator[Check]:
    for submission in evidence.endpoints:
        for curve in submission.curves:
            yield from _covered(curve)


def _covered(curve: Curve) -> Iterator[Check]:
    name, scored = f"{curve.name}/accuracy", [point for point in curve.points if point.scored]
    if curve.points and not scored:
        yield unsupported_unless(False, "accuracy results", "no point has any", name, curve.where)
        return
    for region in curve.regions:
        there = [point.number for point in scored if not point.dedicated and (point.concurrency or 0) in region]
        sums = f"at {', '.join(there)}" if there else "at none of its points"
        yield unsupported_unless(bool(there), f"accuracy results in {region.name}", sums, name, curve.where)
    for point in curve.points:
        if point.config.data.get("offline") in ("dedicated", "elected"):
            sums = f"{point.number} has {'them' if point.scored else 'none'}"
            yield unsupported_unless(point.scored, "accuracy results for Offline", sums, name, curve.where)
