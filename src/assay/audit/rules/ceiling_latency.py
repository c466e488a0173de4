"""No latency below what the hardware can do."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import RunEvidence
from assay.audit.hardware import Bounds, limits
from assay.audit.registry import Check, impossible, run_rule, supported, unsupported
from assay.audit.spans import Span, ns


@run_rule(
    "ceiling-latency",
    explain="""
The least possible mean times on a known accelerator:

    TTFT >= max(2 x weights x tokens in / FLOP/s, weights' bytes / bandwidth)
    TPOT >= (weights' bytes + KV bytes of one sample) / bandwidth
    latency >= TTFT's bound + TPOT's bound x (tokens out - 1)

all accelerators together on one sample, whatever fits in their caches for free. Speculative decoding yields several
tokens a step: undeclared, a TPOT down to an eighth of the bound is unsupported, and below that impossible.
""",
    source="docs/ceilings.md; the accelerator's datasheet and the model's config.json",
)
def check(run: RunEvidence) -> Iterator[Check]:
    found = limits(run)
    if found is None or not run.performance or run.prefix_caching:
        return
    if run.ttft.mean is not None:
        yield from _judge(run, found, "TTFT", run.ttft.mean, found.declared.ttft_ns, found.generous.ttft_ns)
    if run.tpot.mean is not None:
        yield from _judge(run, found, "TPOT", run.tpot.mean, found.declared.tpot_ns, found.generous.tpot_ns)
    if run.latency.mean is not None:
        steps = found.work.output_tokens - 1
        bounds = [bound.ttft_ns + bound.tpot_ns * steps for bound in (found.declared, found.generous)]
        yield from _judge(run, found, "latency", run.latency.mean, *bounds)


def _judge(run: RunEvidence, found: Bounds, name: str, mean: Span, declared: float, generous: float) -> Iterator[Check]:
    if mean.low < 0:
        return
    words = f"mean {name} {ns(mean)}; {found.words}"
    sums = f"at least {ns(declared)}; with 8 speculative tokens a step {ns(generous)}"
    if mean.below(generous) and not run.hardware_guessed:
        yield impossible(words, sums)
    elif mean.below(declared):
        yield unsupported(words, f"{sums}; speculative decoding isn't declared")
    else:
        yield supported(words, sums)
