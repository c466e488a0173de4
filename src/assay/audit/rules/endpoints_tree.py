"""A submission to MLPerf Endpoints holds every file that is asked for."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.curves import Curve, EndpointsSubmission, Point
from assay.audit.evidence import Evidence
from assay.audit.registry import Check, evidence_rule, unsupported_unless


@evidence_rule(
    "endpoints-tree",
    explain="""
A submission to MLPerf Endpoints has docs, src with a folder and a README.md for each implementation, and in
results/SYSTEM/MODEL a folder rN for each point with point.yaml, system_desc.json and result_summary.json; N is the
point's concurrency. What a point's shared_src and shared_docs name lies within the submission.
""",
    source="MLPerf Endpoints rules 8.1, 9.1 'submission completeness' and 'shared path resolution'",
)
def check(evidence: Evidence) -> Iterator[Check]:
    for submission in evidence.endpoints:
        yield from _submission(submission)
        for curve in submission.curves:
            yield from _curve(curve)


def _submission(submission: EndpointsSubmission) -> Iterator[Check]:
    for file, problem in submission.files.items():
        sums = problem or "is there"
        yield unsupported_unless(not problem, f"{file} is part of it", sums, submission.name, submission.where)
    if not submission.curves:
        words = "a system with a model and its points"
        yield unsupported_unless(False, words, "results holds none", submission.name, submission.where)


def _curve(curve: Curve) -> Iterator[Check]:
    if not curve.points:
        yield unsupported_unless(False, "points of a curve", "it has no folder rN", f"{curve.name}/points", curve.where)
    for point in curve.points:
        for file in (point.config, point.system, point.summary):
            sums = file.problem or "is there"
            yield unsupported_unless(not file.problem, "the file is part of it", sums, file.name, file.where)
        for key, problem in point.shared.items():
            words = f"{key}: {point.config.data[key]}"
            sums = problem or "a folder of this submission"
            yield unsupported_unless(not problem, words, sums, point.config.name, point.config.where)
        yield from _number(point)


def _number(point: Point) -> Iterator[Check]:
    if point.concurrency is not None:
        words, right = f"{point.concurrency} requests in flight", f"r{point.concurrency}"
        sums = f"the folder is {point.number}" + ("" if point.number == right else f", and not {right}")
        yield unsupported_unless(point.number == right, words, sums, point.config.name, point.config.where)
