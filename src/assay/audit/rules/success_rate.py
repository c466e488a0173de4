"""A success rate is over what was assigned."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import RunEvidence
from assay.audit.registry import Check, contradicted, impossible, run_rule, supported, unsupported
from assay.audit.spans import Span


@run_rule(
    "success-rate",
    explain="""
    success rate = completed / assigned

Over the samples that were processed it would be 100 % whatever was lost. A rate above 100 % is impossible; one that
stands without the number assigned is unsupported.
""",
    source="the law of the ledger: a success rate is over what was assigned",
)
def check(run: RunEvidence) -> Iterator[Check]:
    rate, counts = run.success_rate, run.samples
    if rate is None:
        return
    words = f"success rate {rate.value:.4g}"
    if rate.above(1.0):
        yield impossible(words, f"{rate.value:.4g} > 1")
    elif counts.assigned is None or counts.completed is None:
        yield unsupported(words, "the samples assigned and completed aren't both stated")
    else:
        actual = Span.exact(counts.completed) / max(counts.assigned, 1)
        sums = f"{counts.completed} completed / {counts.assigned} assigned = {actual.value:.4g}"
        yield supported(words, sums) if rate.agrees(actual) else contradicted(words, sums)
