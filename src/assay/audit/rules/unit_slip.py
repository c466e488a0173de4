"""A figure that is off by a unit."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import Evidence, RunEvidence
from assay.audit.registry import Check, every_run, evidence_rule
from assay.audit.rules.projection import measured_rate
from assay.audit.spans import Span
from assay.audit.verdicts import Judgement

_FACTORS = {
    60.0: "minutes for seconds, or hours for minutes",
    3600.0: "hours for seconds",
    3.6: "thousands of seconds for hours",
    24.0: "days for hours",
    1e3: "milliseconds for seconds, or thousands",
    1e6: "microseconds for seconds, or millions",
    1e9: "nanoseconds for seconds",
}
_NEAR = 0.02
_IDLE = 1 / 900
"""Of the time, one request in flight: no less than that may be all that a client held up between requests had."""


@evidence_rule(
    "unit-slip",
    explain="""
Where a stated figure and the one that follows from the others differ by 60, 3600, 3.6, 24, 1000, 10^6 or 10^9 (within
2 %), or by the mean number of tokens a sample, a unit was confused: seconds called hours, tokens called samples.
Looked at: throughput against samples and duration, token throughput against samples and tokens, projections, and the
number in flight (latency x throughput) against the most that there can be.
""",
    source="arithmetic",
)
def check(evidence: Evidence) -> Iterator[Check]:
    for run in every_run(evidence):
        for name, stated, actual in _pairs(run):
            words = _slip(stated, actual, run)
            if words:
                sums = _sums(stated, actual, words)
                yield Check(Judgement.CONTRADICTED, f"{name} {stated}", sums, subject=run.name, where=run.where)
    for claim in evidence.projections:
        rate = measured_rate(claim.run) if claim.run else None
        if rate is None or rate.low <= 0:
            continue
        actual = Span.exact(claim.samples) / rate
        words = _slip(claim.duration_s, actual, None)
        if words:
            sums = _sums(claim.duration_s, actual, words)
            yield Check(Judgement.CONTRADICTED, claim.statement, sums, subject=claim.statement)


def _pairs(run: RunEvidence) -> Iterator[tuple[str, Span, Span]]:
    samples, tokens, seconds = run.rate_samples, run.rate_tokens, run.rate_seconds
    if run.samples_per_s is not None:
        if samples and seconds is not None and seconds.low > 0:
            yield "samples/s", run.samples_per_s, Span.exact(samples) / seconds
        if run.tokens_per_s is not None and run.mean_output_tokens is not None:
            yield "tokens/s", run.tokens_per_s, run.samples_per_s * run.mean_output_tokens
    if run.tokens_per_s is not None and tokens is not None and seconds and seconds.low > 0:
        yield "tokens/s", run.tokens_per_s, tokens / seconds
    if run.concurrency == 1 and run.latency.mean is not None and run.samples_per_s is not None:
        flight = run.latency.mean * run.samples_per_s
        if flight.value > 10 and not _IDLE <= flight.value / 1e9 <= 1:
            yield "latency x samples/s", flight / 1e9, Span.exact(1.0)


def _slip(stated: Span, actual: Span, run: RunEvidence | None) -> str | None:
    if stated.value <= 0 or actual.value <= 0 or stated.agrees(actual, _NEAR):
        return None
    ratio = _ratio(stated, actual)
    for factor, words in _FACTORS.items():
        if abs(ratio / factor - 1) <= _NEAR:
            return words
    tokens = run.mean_output_tokens.value if run and run.mean_output_tokens else 0.0
    return "tokens for samples" if tokens > 2 and abs(ratio / tokens - 1) <= _NEAR else None


def _ratio(stated: Span, actual: Span) -> float:
    """The factor between two figures, at least 1."""
    ratio = stated.value / actual.value
    return max(ratio, 1 / ratio)


def _sums(stated: Span, actual: Span, words: str) -> str:
    return f"{stated} stated, {actual} from the other figures: a factor of {_ratio(stated, actual):.4g}, {words}"
