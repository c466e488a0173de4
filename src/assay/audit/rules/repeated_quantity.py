"""A figure that repeats another quantity's."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import Origin, RunEvidence, Spread
from assay.audit.registry import Check, contradicted, run_rule
from assay.audit.rules.identical_figures import significant_digits
from assay.audit.spans import Span, ns

_DIGITS = 2


@run_rule(
    "repeated-quantity",
    explain="""
Two different quantities of one run have the same printed value: TTFT and latency (then no time passed after the first
token), samples/s and tokens/s (then each answer was one token), TTFT and TPOT, MBU and MFU, or a median, a p99 and a
mean that are one number though more than one sample was measured. One column was filled from the other's. Judged in
claims files and results of the MLPerf Endpoints client, for figures of at least two significant digits.
""",
    source="definition of the quantities",
)
def check(run: RunEvidence) -> Iterator[Check]:
    if run.origin not in (Origin.CLAIMS, Origin.ENDPOINTS):
        return
    single = run.mean_output_tokens is not None and run.mean_output_tokens.low <= 1
    pairs = [
        ("TTFT mean", run.ttft.mean, "latency mean", run.latency.mean),
        ("TTFT mean", run.ttft.mean, "TPOT mean", run.tpot.mean),
        ("TPOT mean", run.tpot.mean, "latency mean", run.latency.mean),
        ("samples/s", run.samples_per_s, "tokens/s", run.tokens_per_s),
        ("MBU", run.mbu, "MFU", run.mfu),
    ]
    for name, value, other_name, other in pairs:
        if value is not None and value == other and significant_digits(value) >= _DIGITS and not single:
            yield contradicted(f"{name} {value}, {other_name} {other}", "two quantities with one value")
    for spread in run.spreads:
        yield from _flat(spread)


def _flat(spread: Spread) -> Iterator[Check]:
    """All statistics of several samples are one number."""
    named = [(name, value) for name, value in spread.named() if name != "std"]
    named += [(f"certified p{p:g}", value) for p, value in sorted(spread.certified.items())]
    if len(named) < 3 or (spread.n is not None and spread.n < 3):
        return
    first: Span = named[0][1]
    if all(value == first for _, value in named) and significant_digits(first) >= _DIGITS:
        words = f"{spread.name} {', '.join(name for name, _ in named)} all {ns(first)}"
        yield contradicted(words, "several samples, one value")
