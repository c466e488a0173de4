"""A target that is said to be reached is reached by the scores."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import RunEvidence
from assay.audit.registry import Check, contradicted, impossible, run_rule, supported
from assay.benchmarks.model import Range
from assay.scoring import metrics


@run_rule(
    "accuracy-target",
    explain="""
    least <= score <= most, for each metric that the benchmark has a target for

MLPerf's least is 99 % or 99.9 % of what the reference implementation scored, and answers have a length within 10 % of
the reference's. A score is possible at all where it lies between what its metric can be: an F-measure or a share in
percent is 0 to 100. The open division sets no target.
""",
    source="MLPerf submission checker, accuracy targets of the benchmark",
)
def check(run: RunEvidence) -> Iterator[Check]:
    targets = run.rules.targets if run.rules and run.quality.passed and run.division != "open" else {}
    known = metrics()
    for name, score in run.quality.scores.items():
        words = f"{name} {score:.10g}"
        if name in known and not _within(score, known[name].possible):
            yield impossible(words, f"{known[name].unit}: {_range(known[name].possible)}")
        elif name in targets:
            sums = f"{score:.10g} against {_range(targets[name])} ({run.rules.name if run.rules else ''})"
            yield supported(words, sums) if _within(score, targets[name]) else contradicted(words, sums)


def _within(value: float, bounds: Range) -> bool:
    low, high = bounds
    return (low is None or value >= low) and (high is None or value <= high)


def _range(bounds: Range) -> str:
    low, high = bounds
    words = [f"{side} {value:.10g}" for side, value in (("at least", low), ("at most", high)) if value is not None]
    return " and ".join(words)
