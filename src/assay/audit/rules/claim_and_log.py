"""A claim that names a log says what the log says."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import Origin, RunEvidence
from assay.audit.registry import Check, contradicted, run_rule, supported
from assay.audit.spans import Span


@run_rule(
    "claim-and-log",
    explain="""
Where a claims file gives a run's LoadGen logs, each figure that both state is the same within rounding: samples,
samples/s, tokens/s, duration, and the statistics of latency, TTFT and TPOT.
""",
    source="LoadGen's summary and detail logs that the claim names",
)
def check(run: RunEvidence) -> Iterator[Check]:
    logged = run.logged
    if run.origin is not Origin.CLAIMS or logged is None:
        return
    stated, actual = run.samples.completed, logged.samples.completed
    if stated is not None and actual is not None:
        words = f"{stated} samples"
        yield (
            supported(words, f"{actual} in the log")
            if stated == actual
            else contradicted(words, f"{actual} in the log")
        )
    for name, claim, figure in _pairs(run, logged):
        words = f"{name} {claim}"
        sums = f"{figure} in the log"
        yield supported(words, sums) if claim.agrees(figure, 1e-4) else contradicted(words, sums)


def _pairs(run: RunEvidence, logged: RunEvidence) -> Iterator[tuple[str, Span, Span]]:
    duration = logged.duration_s or logged.wall_clock_s
    figures = [
        ("samples/s", run.samples_per_s, logged.samples_per_s),
        ("tokens/s", run.tokens_per_s, logged.tokens_per_s),
        ("duration s", run.duration_s, duration),
    ]
    for mine, theirs in ((run.latency, logged.latency), (run.ttft, logged.ttft), (run.tpot, logged.tpot)):
        other = dict(theirs.named())
        figures += [(f"{mine.name} {name} ns", value, other.get(name)) for name, value in mine.named()]
    for name, claim, figure in figures:
        if claim is not None and figure is not None:
            yield name, claim, figure
