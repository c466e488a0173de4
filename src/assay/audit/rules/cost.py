"""What a token costs is the system's price over its tokens."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import RunEvidence
from assay.audit.registry import Check, contradicted, run_rule, supported
from assay.audit.spans import Span

_A_MILLION = 1e6
_AN_HOUR = 3600.0


@run_rule(
    "cost",
    explain="""
    price of a million output tokens = price of the whole system an hour / (output tokens/s x 3600) x 10^6

within rounding, at the throughput that the same run states: a price at full load isn't one at another load.
""",
    source="arithmetic",
)
def check(run: RunEvidence) -> Iterator[Check]:
    hourly, stated, rate = run.costs.price_per_hour, run.costs.price_per_million_tokens, run.tokens_per_s
    if hourly is None or stated is None or rate is None:
        return
    actual = hourly / (rate * Span.exact(_AN_HOUR)) * Span.exact(_A_MILLION)
    words = f"{stated} a million output tokens"
    sums = f"{hourly} an hour / ({rate} tokens/s x 3600) x 10^6 = {actual}"
    yield supported(words, sums) if stated.agrees(actual) else contradicted(words, sums)
