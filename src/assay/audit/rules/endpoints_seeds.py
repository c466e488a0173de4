"""The seeds of a submission to MLPerf Endpoints are one published set, and its cohort may take it."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.curves import EndpointsSubmission, Point, inner
from assay.audit.evidence import Evidence
from assay.audit.registry import Check, contradicted_unless, evidence_rule
from assay.benchmarks.mlperf.endpoints import endpoints_rules, may_take

_SEEDS = ("scheduler_rng_seed", "sample_index_rng_seed", "model_seed")


@evidence_rule(
    "endpoints-seeds",
    explain="""
Every point of a submission to MLPerf Endpoints names the same seed set, one that MLCommons published for the
submission's target cohort or one of the three before it, and runtime_settings.runtime has that set's values. (Whether
the client drew by them can't be seen in the tree: its event log isn't part of it.)
""",
    source="MLPerf Endpoints rules 2.1.1 and 9.1 'seed-set validity'; submission rules 4.6; seedset.yaml",
)
def check(evidence: Evidence) -> Iterator[Check]:
    for submission in evidence.endpoints:
        points = [point for curve in submission.curves for point in curve.points if not point.config.problem]
        yield from _one_set(submission, points)
        for point in points:
            yield from _published(point)


def _one_set(submission: EndpointsSubmission, points: list[Point]) -> Iterator[Check]:
    named = sorted({str(point.config.data.get("seed_set")) for point in points})
    if named:
        words = f"seed sets {', '.join(named)}"
        yield contradicted_unless(
            len(named) == 1, words, "one at all points of a submission", submission.name, submission.where
        )


def _published(point: Point) -> Iterator[Check]:
    name, where, data = point.config.name, point.config.where, point.config.data
    chosen, known = data.get("seed_set"), endpoints_rules()["seed_sets"]
    if chosen is None:
        return  # the rule endpoints-disclosure's
    found = known.get(chosen) if isinstance(chosen, str) else None
    words = f"seed_set: {chosen}"
    yield contradicted_unless(found is not None, words, f"published: {', '.join(known)}", name, where)
    if found is None:
        return
    stated = inner(data, "runtime_settings", "runtime")
    wrong = [seed for seed in _SEEDS if stated.get(seed) != found[seed]]
    sums = f"runtime has another {', '.join(wrong)}" if wrong else "runtime has its values"
    yield contradicted_unless(not wrong, words, sums, name, where)
    cohort = str(data.get("target_cohort"))
    sums = f"published for {found['cohort']}, to be taken in it and the three that follow"
    yield contradicted_unless(may_take(found["cohort"], cohort), f"{words} for {cohort}", sums, name, where)
