"""Throughput is samples over the duration."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import Origin, RunEvidence
from assay.audit.registry import Check, contradicted, run_rule, supported
from assay.audit.spans import Span

_CLOCK_SLACK = 0.02


@run_rule(
    "throughput",
    explain="""
    samples/s = completed samples / duration

within the rounding of the printed figures (a typed number may be rounded or cut at its last digit). For LoadGen's
logs the duration is, in Offline, the last sample's latency; besides, no throughput may be more than 2 % above samples
over LoadGen's own wall-clock window (power_begin to power_end). In Server LoadGen's window ends when the last query
that it issued is answered, which may be before others are: there the window is at least the time until that query was
due, and the shortest latency.
""",
    source="MLPerf inference rules, metrics of the scenarios; loadgen/results.cc",
)
def check(run: RunEvidence) -> Iterator[Check]:
    rate, completed, seconds = run.samples_per_s, run.rate_samples, run.rate_seconds
    if rate is None or completed is None:
        return
    words = f"{rate} samples/s"
    if seconds is not None and seconds.low > 0:
        actual = Span.exact(completed) / seconds
        sums = f"{completed} samples / {seconds} s ({run.duration_source}) = {actual}"
        slack = 1e-4 if run.origin is not Origin.CLAIMS else 0.0
        yield supported(words, sums) if rate.agrees(actual, slack) else contradicted(words, sums)
    window, name = run.wall_clock_s, "of wall clock"
    if run.issued_s is not None:
        window, name = run.issued_s, "until the last query was due, and the shortest latency"
    if window is not None and window.low > 0:
        most = Span.exact(completed) / window
        sums = f"{completed} samples / {window} s {name} = {most}"
        yield contradicted(words, sums) if rate.above(most, _CLOCK_SLACK) else supported(words, sums)
