"""Two runs don't agree to the last digit."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

from assay.audit.evidence import Evidence, Origin, RunEvidence
from assay.audit.registry import Check, every_run, evidence_rule
from assay.audit.spans import Span
from assay.audit.verdicts import Verdict

_DIGITS_ALONE = 4.0
_DIGITS_TOGETHER = 7.0


@evidence_rule(
    "identical-figures",
    explain="""
Measured rates and times carry noise: two nodes, or two runs, don't agree in a figure of four significant digits, nor
in several figures of seven digits together. Where they do, one was copied from the other or both from one place.
Counts and shares may agree. Published results trees are left out: one log may stand for two accuracy targets there.
""",
    source="measurement noise: chance agreement in k digits has a probability of about 10^-k",
)
def check(evidence: Evidence) -> Iterator[Check]:
    runs = [run for run in every_run(evidence) if run.origin is Origin.CLAIMS or run in evidence.runs]
    runs = [run for run in runs if run.origin in (Origin.CLAIMS, Origin.RUN)]
    for first, second in itertools.combinations(runs, 2):
        same = [
            (name, value)
            for (name, value), (_, other) in zip(_figures(first), _figures(second), strict=True)
            if value is not None and other is not None and value == other
        ]
        digits = [significant_digits(value) for _, value in same]
        if digits and (max(digits) >= _DIGITS_ALONE or sum(digits) >= _DIGITS_TOGETHER):
            figures = ", ".join(f"{name} {value}" for name, value in same)
            yield Check(
                Verdict.UNSUPPORTED,
                f"{first.name} and {second.name} were both measured",
                f"identical to the last digit: {figures}",
                subject=f"{first.name}, {second.name}",
                where=f"{first.where}, {second.where}" if first.where != second.where else first.where,
            )


def _figures(run: RunEvidence) -> list[tuple[str, Span | None]]:
    figures: list[tuple[str, Span | None]] = [
        ("samples/s", run.samples_per_s),
        ("tokens/s", run.tokens_per_s),
        ("duration s", run.duration_s),
    ]
    statistics = ("min", "max", "mean", "std")
    spreads = (run.latency, run.ttft, run.tpot)
    return figures + [(f"{spread.name} {name} ns", getattr(spread, name)) for spread in spreads for name in statistics]


def significant_digits(value: Span) -> float:
    """Significant digits that were stated."""
    width = (value.high - value.low) / 1.5
    if value.value == 0:
        return 0.0
    return 9.0 if width <= 0 else max(math.floor(math.log10(abs(value.value) / width)) + 1.0, 0.0)
