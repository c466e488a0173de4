"""A percentile needs enough samples to be more than the maximum."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import Origin, RunEvidence
from assay.audit.registry import Check, run_rule, supported, unsupported
from assay.audit.spans import ns


@run_rule(
    "percentile-samples",
    explain="""
Of n samples the p-th percentile stands on n x (1 - p) samples above it. With fewer than one it is just the largest
value: a p99 needs at least 100 samples, a p99.9 a thousand. (MLPerf's early stopping asks for more, 459 without any
failure for a p99.) LoadGen and this harness print fixed lists of percentiles with n beside them; this rule judges
claims files, whose authors chose what to state.
""",
    source="definition of order statistics; MLPerf inference rules, early stopping",
)
def check(run: RunEvidence) -> Iterator[Check]:
    if run.origin is not Origin.CLAIMS:
        return
    for spread in run.spreads:
        for percentile, value in sorted(spread.percentiles.items()):
            if spread.n is None:
                continue
            above = spread.n * (1 - percentile / 100)
            words = f"{spread.name} p{percentile:g} {ns(value)} of {spread.n} samples"
            sums = f"{spread.n} x (1 - {percentile / 100:g}) = {above:.3g} samples above it"
            yield supported(words, sums) if above >= 1 - 1e-9 else unsupported(words, sums)
