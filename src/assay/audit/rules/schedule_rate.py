"""Server completes no faster than it was asked."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import RunEvidence
from assay.audit.registry import Check, contradicted, run_rule, supported

_SLACK = 2e-3


@run_rule(
    "schedule-rate",
    explain="""
In Server and Interactive LoadGen issues samples on its own schedule, and the last one ends after it was issued:

    completed samples/s <= scheduled samples/s x n / (n - 1)

And no more queries are answered than were generated.
""",
    source="loadgen/results.cc: completed = n or n - 1 over the last completion; scheduled = (n - 1) / last schedule",
)
def check(run: RunEvidence) -> Iterator[Check]:
    n = run.samples.completed
    if run.scheduled_per_s is not None and run.samples_per_s is not None and n and n > 1:
        words = f"{run.samples_per_s} samples/s completed, {run.scheduled_per_s} scheduled"
        most = run.scheduled_per_s * (n / (n - 1))
        sums = f"at most {run.scheduled_per_s} x {n} / {n - 1} = {most}"
        yield contradicted(words, sums) if run.samples_per_s.above(most, _SLACK) else supported(words, sums)
    if run.detail and run.detail.query_count is not None and run.detail.generated_query_count is not None:
        answered, generated = run.detail.query_count, run.detail.generated_query_count
        if answered > generated and run.loadgen_mode == "PerformanceOnly":
            yield contradicted(f"{answered} queries answered", f"{generated} were generated")
