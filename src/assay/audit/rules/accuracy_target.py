"""A target that is said to be reached is reached by the scores."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import Origin, RunEvidence
from assay.audit.registry import Check, contradicted, impossible, run_rule, supported, unsupported
from assay.benchmarks.model import Range
from assay.scoring import metrics


@run_rule(
    "accuracy-target",
    explain="""
    least <= score <= most, for each metric that the benchmark has a target for

MLPerf's least is 99 % or 99.9 % of what the reference implementation scored, and answers have a length within 10 % of
the reference's. A score is possible at all where it lies between what its metric can be: an F-measure or a share in
percent is 0 to 100. A results tree states every score that has a target. The open division sets no target.
""",
    source="MLPerf submission checker, accuracy targets of the benchmark",
)
def check(run: RunEvidence) -> Iterator[Check]:
    targets = run.rules.targets if run.rules and run.quality.passed and run.division != "open" else {}
    known = metrics()
    for name, score in run.quality.scores.items():
        words = f"{name} {score:.10g}"
        possible, unit = _possible(name, targets) if name not in known else (known[name].possible, known[name].unit)
        if not _within(score, possible):
            yield impossible(words, f"{unit}: {_range(possible)}")
        elif name in targets:
            sums = f"{score:.10g} against {_range(targets[name])} ({run.rules.name if run.rules else ''})"
            yield supported(words, sums) if _within(score, targets[name]) else contradicted(words, sums)
    missing = targets.keys() - run.quality.scores.keys()
    if run.origin is Origin.ENDPOINTS:  # the client states lengths of some benchmarks' answers alone
        missing = {name for name in missing if targets[name][1] is None}
    if missing and run.origin in (Origin.SUBMISSION, Origin.ENDPOINTS):
        yield unsupported("every target is reached", f"no score is stated for {', '.join(sorted(missing))}")


def _possible(name: str, targets: dict[str, Range]) -> tuple[Range, str]:
    """Between what a score that no scorer here gives can lie: a benchmark's targets tell its scale."""
    low = targets.get(name, (None, None))[0]
    if low is None:
        return (None, None), ""
    return ((0, 1), "a share") if low < 1 else ((0, 100), "%")


def _within(value: float, bounds: Range) -> bool:
    low, high = bounds
    return (low is None or value >= low) and (high is None or value <= high)


def _range(bounds: Range) -> str:
    low, high = bounds
    words = [f"{side} {value:.10g}" for side, value in (("at least", low), ("at most", high)) if value is not None]
    return " and ".join(words)
