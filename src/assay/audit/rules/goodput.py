"""Goodput is a part of the throughput."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import RunEvidence
from assay.audit.registry import Check, impossible, run_rule, supported
from assay.audit.spans import Span


@run_rule(
    "goodput",
    explain="""
    goodput (samples a second that kept their limits) <= samples/s <= completed samples / duration

Samples that missed a limit are in the throughput and not in the goodput.
""",
    source="definition of goodput",
)
def check(run: RunEvidence) -> Iterator[Check]:
    good = run.goodput_per_s
    if good is None:
        return
    words = f"goodput {good} samples/s"
    rates = {"throughput": run.samples_per_s}
    if run.samples.completed and run.duration_s is not None and run.duration_s.low > 0:
        rates["completed samples / duration"] = Span.exact(run.samples.completed) / run.duration_s
    for name, rate in rates.items():
        if rate is not None:
            sums = f"{name} {rate} samples/s"
            yield impossible(words, sums) if good.above(rate) else supported(words, sums)
