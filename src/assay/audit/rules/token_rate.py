"""Token throughput is sample throughput times tokens a sample."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import RunEvidence
from assay.audit.registry import Check, contradicted, run_rule, supported


@run_rule(
    "token-rate",
    explain="""
    output tokens/s = samples/s x mean output tokens = output tokens / duration

within rounding. LoadGen's own logs state no mean, so there only the direction is judged: every sample has at least
one token, so tokens/s is at least samples/s.
""",
    source="MLPerf inference rules: tokens/s counts output tokens of completed samples",
)
def check(run: RunEvidence) -> Iterator[Check]:
    rate = run.tokens_per_s
    if rate is None:
        return
    words = f"{rate} output tokens/s"
    tokens, seconds = run.rate_tokens, run.rate_seconds
    mean = None if run.rated else run.mean_output_tokens
    if mean is None and tokens is not None and run.rate_samples:
        mean = tokens / run.rate_samples
    if run.samples_per_s is not None and mean is not None:
        actual = run.samples_per_s * mean
        sums = f"{run.samples_per_s} samples/s x {mean} tokens = {actual}"
        yield supported(words, sums) if rate.agrees(actual, 1e-5) else contradicted(words, sums)
    if tokens is not None and seconds is not None and seconds.low > 0:
        actual = tokens / seconds
        sums = f"{tokens} tokens / {seconds} s = {actual}"
        yield supported(words, sums) if rate.agrees(actual, 1e-5) else contradicted(words, sums)
    if run.samples_per_s is not None and rate.value > 0 and rate.below(run.samples_per_s, 1e-4):
        yield contradicted(words, f"{rate} tokens/s < {run.samples_per_s} samples/s: less than one token a sample")
    yield from _means(run)


def _means(run: RunEvidence) -> Iterator[Check]:
    """The mean and the total both stated."""
    if run.mean_output_tokens is None or run.output_tokens is None or not run.samples.completed:
        return
    actual = run.output_tokens / run.samples.completed
    words = f"{run.mean_output_tokens} output tokens a sample"
    sums = f"{run.output_tokens} tokens / {run.samples.completed} samples = {actual}"
    yield supported(words, sums) if run.mean_output_tokens.agrees(actual, 1e-5) else contradicted(words, sums)
