"""Energy is power times time, and a token's is its share."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import RunEvidence
from assay.audit.registry import Check, contradicted, run_rule, supported
from assay.audit.spans import Span


@run_rule(
    "energy",
    explain="""
    energy = mean power x duration
    energy a token = energy / output tokens = mean power / (output tokens/s)
    tokens a joule = (output tokens/s) / mean power = 1 / energy a token

within rounding. All of it counts output tokens, and the same system's power.
""",
    source="arithmetic: a watt is a joule a second",
)
def check(run: RunEvidence) -> Iterator[Check]:
    costs, seconds, rate = run.costs, run.duration_s, run.tokens_per_s
    if costs.energy_j is not None and costs.power_w is not None and seconds is not None:
        sums = f"{costs.power_w} W x {seconds} s"
        yield _compare(f"{costs.energy_j} J", costs.energy_j, costs.power_w * seconds, sums)
    per_token = costs.energy_per_token_j
    if per_token is not None and costs.energy_j is not None and run.output_tokens is not None:
        sums = f"{costs.energy_j} J / {run.output_tokens} tokens"
        yield _compare(f"{per_token} J a token", per_token, costs.energy_j / run.output_tokens, sums)
    if per_token is not None and costs.power_w is not None and rate is not None:
        sums = f"{costs.power_w} W / {rate} tokens/s"
        yield _compare(f"{per_token} J a token", per_token, costs.power_w / rate, sums)
    per_joule = costs.tokens_per_joule
    if per_joule is not None and costs.power_w is not None and rate is not None:
        sums = f"{rate} tokens/s / {costs.power_w} W"
        yield _compare(f"{per_joule} tokens a joule", per_joule, rate / costs.power_w, sums)
    if per_joule is not None and per_token is not None:
        yield _compare(
            f"{per_joule} tokens a joule", per_joule, Span.exact(1) / per_token, f"1 / {per_token} J a token"
        )


def _compare(words: str, stated: Span, actual: Span, sums: str) -> Check:
    arithmetic = f"{sums} = {actual}"
    return supported(words, arithmetic) if stated.agrees(actual) else contradicted(words, arithmetic)
