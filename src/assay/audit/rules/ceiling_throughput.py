"""No throughput above what the hardware can do."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import RunEvidence
from assay.audit.hardware import limits
from assay.audit.registry import Check, impossible, run_rule, supported, unsupported


@run_rule(
    "ceiling-throughput",
    explain="""
For a known model and accelerator the time of a sample is at least the greater of

    operations:  2 x weights x tokens / (dense FLOP/s)
    decoding:    (tokens out - 1) x (weights' bytes / batch + KV bytes) / bandwidth

with the largest batch that memory holds, the smallest and fastest precision that the claim allows, perfect
parallelism and overlap, no attention arithmetic, and 15 % on top of the datasheet (four times a measured CPU's
figures). docs/ceilings.md derives each term.

impossible: above it. unsupported: above it if the accelerators were only guessed from a folder's name.
""",
    source="docs/ceilings.md; the accelerator's datasheet and the model's config.json",
)
def check(run: RunEvidence) -> Iterator[Check]:
    if not run.performance or (run.samples_per_s is None and run.tokens_per_s is None):
        return
    found = limits(run)
    if found is None:
        return
    bound = found.generous
    claims = (
        ("samples/s", run.samples_per_s, bound.samples_per_s),
        ("tokens/s", run.tokens_per_s, bound.output_tokens_per_s),
    )
    for unit, claimed, most in claims:
        if claimed is None or (unit == "tokens/s" and run.mean_output_tokens is None and run.samples_per_s is not None):
            continue
        words = f"{claimed} {unit}; {found.words}"
        sums = f"{bound.arithmetic}; limit {most:.4g} {unit} ({'; '.join(found.hardware.sources)})"
        if not claimed.above(most):
            yield supported(words, sums)
        elif run.hardware_guessed:
            yield unsupported(f"{words} (accelerators guessed from the folder's name)", sums)
        else:
            yield impossible(words, sums)
