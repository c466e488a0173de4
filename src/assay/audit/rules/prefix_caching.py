"""Prefix caching is off where the rules ask for it, and said where it is on."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import Origin, RunEvidence
from assay.audit.registry import Check, contradicted, run_rule, supported, unsupported


@run_rule(
    "prefix-caching",
    explain="""
MLPerf forbids reuse of KV state across queries. A claim of an MLPerf result with prefix caching on is contradicted;
another throughput with it on is unsupported as the model's speed, for repeated prompts then skip the prefill.
""",
    source="MLPerf inference rules: no caching of queries, responses or intermediate computations across queries",
)
def check(run: RunEvidence) -> Iterator[Check]:
    if run.prefix_caching is None or run.origin not in (Origin.CLAIMS, Origin.RUN):
        return
    words = f"prefix caching {'on' if run.prefix_caching else 'off'}"
    if not run.prefix_caching:
        yield supported(words, "each prompt is computed")
    elif run.claims_mlperf or run.claims_valid:
        yield contradicted(f"{words}, and an MLPerf result", "the rules forbid reuse of KV state across queries")
    elif run.samples_per_s is not None or run.tokens_per_s is not None:
        yield unsupported(f"{words}, throughput stated", "prompts that repeat aren't computed again")
