"""TTFT, TPOT and the number of tokens make up the latency."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import RunEvidence
from assay.audit.hardware import output_tokens
from assay.audit.registry import Check, contradicted, run_rule, supported
from assay.audit.spans import Span, ns

_PER_SAMPLE_SLACK = 0.02
_MEANS_SLACK = 0.25


@run_rule(
    "token-latency",
    explain="""
Of each sample with n tokens

    latency = TTFT + TPOT x (n - 1)

so each TTFT statistic is no greater than the latency's, and over the run, n being the mean number of tokens,

    mean TTFT + min TPOT x (n - 1) <= mean latency <= mean TTFT + max TPOT x (n - 1)

whatever the lengths. Where the extremes of TPOT aren't stated the means must agree within 25 % (lengths and speeds
may go together). One token and 2 % of room is left, for LoadGen's versions count the first token differently.
""",
    source="definition of TPOT: loadgen/results.cc and MLPerf inference rules, token latencies",
)
def check(run: RunEvidence) -> Iterator[Check]:
    latency, ttft, tpot = run.latency, run.ttft, run.tpot
    whole = dict(latency.named())
    for name, value in ttft.named():
        if name != "std" and name in whole and value.above(whole[name], 1e-3):
            yield contradicted(f"TTFT {name} {ns(value)}", f"above the latency's {name}, {ns(whole[name])}")
    tokens = output_tokens(run)
    if latency.mean is None or ttft.mean is None or tokens is None or not tpot or tokens.low < 2:
        return
    steps = Span(tokens.value - 1, tokens.low - 2, tokens.high)
    words = f"mean latency {ns(latency.mean)}"
    if tpot.min is not None and tpot.max is not None and tpot.min.low >= 0:
        least, most = ttft.mean + tpot.min * steps, ttft.mean + tpot.max * steps
        sums = f"TTFT {ns(ttft.mean)} + TPOT {ns(tpot.min)} to {ns(tpot.max)} x {steps} = {ns(least)} to {ns(most)}"
        outside = latency.mean.below(least, _PER_SAMPLE_SLACK) or latency.mean.above(most, _PER_SAMPLE_SLACK)
        yield contradicted(words, sums) if outside else supported(words, sums)
    elif tpot.mean is not None and tpot.mean.low >= 0:
        expected = ttft.mean + tpot.mean * steps
        sums = f"TTFT {ns(ttft.mean)} + TPOT {ns(tpot.mean)} x {steps} = {ns(expected)}"
        agree = latency.mean.agrees(expected, _MEANS_SLACK)
        yield supported(words, sums) if agree else contradicted(words, sums)
