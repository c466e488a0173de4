"""A claimed run states figures, and none of them is negative."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import Origin, RunEvidence
from assay.audit.registry import Check, impossible, run_rule, unsupported
from assay.audit.spans import Span

_NUMBERS = (
    *("duration_s", "samples_per_s", "tokens_per_s", "goodput_per_s", "output_tokens", "mean_output_tokens"),
    *("mean_input_tokens", "memory_used", "success_rate", "mbu", "mfu", "utilisation"),
)
_COSTS = (
    *("power_w", "energy_j", "energy_per_token_j", "tokens_per_joule"),
    *("price_per_hour", "price_per_million_tokens"),
)


@run_rule(
    "stated-figures",
    explain="""
A run in a claims file states at least one figure: one that states none can't be supported. And no rate, duration,
amount or share is negative. (Counts of samples are ledger-balance's, latencies percentile-order's.)
""",
    source="definition of the quantities",
)
def check(run: RunEvidence) -> Iterator[Check]:
    if run.origin is not Origin.CLAIMS:
        return
    stated = {name: getattr(run, name) for name in _NUMBERS} | {name: getattr(run.costs, name) for name in _COSTS}
    figures: dict[str, Span] = {name: value for name, value in stated.items() if value is not None}
    for name, value in figures.items():
        if value.high < 0:
            yield impossible(f"{name} {value}", "it is never negative")
    if run.concurrency is not None and run.concurrency < 0:
        yield impossible(f"concurrency {run.concurrency}", "it is never negative")
    counts = (run.samples.assigned, run.samples.completed, run.samples.failed, run.samples.lost, run.concurrency)
    other = (run.spreads, run.quality.scores, run.quality.samples, run.logged, run.parts, run.outputs.longest)
    if not figures and not any(other) and all(count is None for count in counts):
        yield unsupported("a run", "no figure of it is stated")
