"""Two runs don't agree to the last digit."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

from assay.audit.evidence import Evidence, Origin, RunEvidence
from assay.audit.registry import Check, every_run, evidence_rule
from assay.audit.spans import Span
from assay.audit.verdicts import Judgement

_DIGITS_OF_ALL = 4.0
_DIGITS_OF_SOME = 10.0


@evidence_rule(
    "identical-figures",
    explain="""
Measured rates and times carry noise. Two nodes, or two runs, that agree in every figure that both state, one of them of
at least four significant digits, or in independent figures of ten digits together, weren't measured twice: one was
copied from the other or both from one place. (Rate and duration of equally many samples count once.)
Counts and shares may agree, and so may a run and a part of it. Results trees of LoadGen's logs are left out: one log
may stand for two accuracy targets there.
""",
    source="measurement noise: chance agreement in k digits has a probability of about 10^-k",
)
def check(evidence: Evidence) -> Iterator[Check]:
    runs = [run for run in every_run(evidence) if run.origin is Origin.CLAIMS]
    runs += [run for run in evidence.runs if run.origin in (Origin.RUN, Origin.ENDPOINTS)]
    for first, second in itertools.combinations(runs, 2):
        if _within(first, second) or _within(second, first):
            continue
        shared = [
            (name, value, other)
            for (name, value), (_, other) in zip(_figures(first), _figures(second), strict=True)
            if value is not None and other is not None
        ]
        same = [(name, value) for name, value, other in shared if value == other]
        if same and _too_much(same, everything=len(same) == len(shared)):
            figures = ", ".join(f"{name} {value}" for name, value in same)
            yield Check(
                Judgement.UNSUPPORTED,
                f"{first.name} and {second.name} were both measured",
                f"identical to the last digit: {figures}",
                subject=f"{first.name}, {second.name}",
                where=f"{first.where}, {second.where}" if first.where != second.where else first.where,
            )


def _too_much(same: list[tuple[str, Span]], *, everything: bool) -> bool:
    digits = {name: significant_digits(value) for name, value in same}
    if everything and max(digits.values()) >= _DIGITS_OF_ALL:
        return True
    pace = max(digits.pop("samples/s", 0.0), digits.pop("duration s", 0.0))
    independent = [*digits.values(), pace] if pace else list(digits.values())
    return len(independent) > 1 and sum(independent) >= _DIGITS_OF_SOME


def _within(part: RunEvidence, whole: RunEvidence) -> bool:
    """A part shares extremes with its whole; a whole of one part shares everything."""
    return any(part is item for item in whole.parts)


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
