"""TTFT, TPOT and the number of tokens make up the latency."""

from __future__ import annotations

import math
from collections.abc import Iterator

from assay.audit.evidence import RunEvidence
from assay.audit.hardware import output_tokens
from assay.audit.registry import Check, contradicted, run_rule, supported
from assay.audit.spans import Span, ns
from assay.digits import percent_text

_PER_SAMPLE_SLACK = 0.02
_MEANS_SLACK = 0.25


@run_rule(
    "token-latency",
    explain="""
Of each sample with n tokens

    latency = TTFT + TPOT x (n - 1)

so each TTFT statistic is no greater than the latency's, and over the run, n being the mean number of tokens,

    mean TTFT + min TPOT x (n - 1) <= mean latency <= mean TTFT + max TPOT x (n - 1)

whatever the lengths. Where the extremes of TPOT aren't stated the means must agree but for what lengths and speeds that
go together can make of them: at most std(TPOT) x std(n), where std(n)^2 <= (limit - mean)(mean - 1), and no more than
25 %. One token and 2 % of room is left, for LoadGen's versions count the first token differently.
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
        slack = _PER_SAMPLE_SLACK + min(_together(run, tokens) / max(expected.value, 1.0), _MEANS_SLACK)
        agree = latency.mean.agrees(expected, slack)
        yield supported(words, sums) if agree else contradicted(words, f"{sums}, within {percent_text(slack)}")


def _together(run: RunEvidence, tokens: Span) -> float:
    """The most that lengths and speeds which go together add to the mean latency, ns; inf where nothing bounds it.

    Where the deviation of TPOT isn't stated it is taken to be no greater than its mean.
    """
    limit, tpot = run.outputs.limit, run.tpot
    if not limit or tpot.mean is None or not 1 < tokens.value <= limit:
        return math.inf
    lengths = math.sqrt((limit - tokens.low) * (tokens.high - 1))
    return lengths * (tpot.std.high if tpot.std is not None else tpot.mean.high)
