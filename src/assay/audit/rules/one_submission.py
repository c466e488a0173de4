"""A submission's results are its own, and of one round."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from assay.audit.evidence import Evidence, RunEvidence
from assay.audit.registry import Check, evidence_rule
from assay.audit.verdicts import Judgement


@evidence_rule(
    "one-submission",
    explain="""
All performance results of one submitter in one division have the random seeds of one round: a log of an older round was
submitted again. And no log stands for two submitters, or for two systems with different accelerators: one was copied.
(One log may stand for two accuracy targets, and for scenarios that are inferred from it.)
""",
    source="MLPerf submission checker: the seeds of the round; measurement noise",
)
def check(evidence: Evidence) -> Iterator[Check]:
    results = [run for run in evidence.runs if run.submission is not None and run.claims_mlperf and run.performance]
    by_submission: dict[str, list[RunEvidence]] = defaultdict(list)
    by_figures: dict[tuple[float, ...], list[RunEvidence]] = defaultdict(list)
    for run in results:
        by_submission[str(run.submission)].append(run)
        figures = _figures(run)
        if figures is not None:
            by_figures[figures].append(run)
    for runs in by_submission.values():
        yield from _rounds(runs)
    for runs in by_figures.values():
        yield from _copies(runs)


def _rounds(runs: Sequence[RunEvidence]) -> Iterator[Check]:
    counts: dict[str, int] = defaultdict(int)
    for run in runs:
        if run.of_round is not None:
            counts[run.of_round] += 1
    usual = max(counts, key=lambda name: counts[name], default=None)
    for run in runs:
        if run.of_round not in (None, usual):
            sums = f"{counts[str(usual)]} results of this submission have those of {usual}"
            words = f"seeds of {run.of_round}"
            yield Check(Judgement.CONTRADICTED, words, sums, subject=run.name, where=run.where)


def _figures(run: RunEvidence) -> tuple[float, ...] | None:
    """What no two runs share to the nanosecond; None where the log states too little."""
    latency = run.latency
    values = (latency.min, latency.mean, latency.max, run.samples_per_s)
    return tuple(value.value for value in values if value is not None) if None not in values else None


def _copies(runs: Sequence[RunEvidence]) -> Iterator[Check]:
    first = runs[0]
    for other in runs[1:]:
        hardware = bool(first.hardware and other.hardware) and first.hardware != other.hardware
        if first.submission == other.submission and not hardware:
            continue
        whose = "other accelerators" if first.submission == other.submission else "another submitter"
        yield Check(
            Judgement.CONTRADICTED,
            f"measured on {other.name.split('/')[2] if other.name.count('/') > 2 else other.name}",
            f"the same latencies to the nanosecond as {first.name}, of {whose}",
            subject=other.name,
            where=other.where,
        )
