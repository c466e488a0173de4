"""Memory that is said to be used must exist, and the model must fit."""

from __future__ import annotations

from collections.abc import Iterator

from assay.analysis.ceilings import Workload
from assay.audit.evidence import Origin, RunEvidence
from assay.audit.hardware import limits
from assay.audit.registry import Check, contradicted, impossible, run_rule, supported, unsupported


@run_rule(
    "memory-capacity",
    explain="""
The memory used is at most the accelerators' own (as sold, read as GiB), and the weights at the stated precision fit
in it:

    stored weights x bytes a weight <= sum of the accelerators' memory

With the precision unstated half a byte a weight is taken. Where the weights don't fit a claim is unsupported: they
would have to stay in host memory, which it must say. Memory in use below one accelerator's share of the weights
contradicts the model (the figure may be of one accelerator).
""",
    source="the accelerator's datasheet and the model's config.json",
)
def check(run: RunEvidence) -> Iterator[Check]:
    if not run.hardware:
        return
    capacity = sum(item.memory_bytes * count for item, count in run.hardware)
    names = " + ".join(f"{count} x {item.name}" for item, count in run.hardware)
    if run.memory_used is not None:
        words = f"{run.memory_used.value / 1e9:.4g} GB of accelerator memory in use"
        sums = f"{names} have {capacity / 1e9:.4g} GB"
        yield impossible(words, sums) if run.memory_used.above(capacity) else supported(words, sums)
        if run.model is not None:
            stored = run.model.stored_params * Workload(0, 1, run.precision).weight_bytes
            count = sum(number for _, number in run.hardware)
            sums = f"the weights alone are {stored / 1e9:.4g} GB, {stored / count / 1e9:.4g} GB an accelerator"
            yield contradicted(words, sums) if run.memory_used.below(stored / count, 0.05) else supported(words, sums)
    found = limits(run) if run.origin is Origin.CLAIMS else None
    if found is not None and run.model is not None:
        stored = run.model.stored_params * found.work.weight_bytes
        words = f"{run.model.name} at {run.precision or 'any precision'} on {names}"
        sums = f"weights {stored / 1e9:.4g} GB, memory {capacity / 1e9:.4g} GB"
        yield supported(words, sums) if found.declared.weights_fit else unsupported(words, sums)
