"""A projection is samples over the measured rate."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import Evidence, RunEvidence
from assay.audit.registry import Check, contradicted, evidence_rule, supported, unsupported
from assay.audit.spans import Span


@evidence_rule(
    "projection",
    explain="""
    projected time = samples / samples/s of the run that it is projected from

within rounding, the rate taken from the run's samples and duration where both are stated.
""",
    source="arithmetic",
)
def check(evidence: Evidence) -> Iterator[Check]:
    for claim in evidence.projections:
        rate = measured_rate(claim.run) if claim.run else None
        if rate is None:
            found = unsupported(claim.statement, "the run that it is projected from states no throughput")
        else:
            actual = Span.exact(claim.samples) / rate
            sums = f"{claim.samples} samples / {rate} samples/s = {actual} s = {actual.value / 3600:.4g} h"
            agree = claim.duration_s.agrees(actual, 2e-3)
            found = supported(claim.statement, sums) if agree else contradicted(claim.statement, sums)
        yield Check(found.verdict, found.statement, found.arithmetic, subject=claim.statement)


def measured_rate(run: RunEvidence) -> Span | None:
    """Samples over duration, which keeps more digits than a printed rate."""
    if run.samples.completed and run.duration_s is not None and run.duration_s.low > 0:
        return Span.exact(run.samples.completed) / run.duration_s
    return run.samples_per_s
