"""What a point of MLPerf Endpoints must say of itself, and what all points of a curve say alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from assay.audit.curves import AGENTIC, Curve, Point, figure, inner, whole
from assay.audit.evidence import Evidence
from assay.audit.registry import Check, contradicted_unless, evidence_rule, unsupported_unless
from assay.benchmarks.mlperf.endpoints import cohort_number, endpoints_rules

_ALIKE = ("model_name", "model_precision", "dataset", "dataset_name", "division", "target_cohort")
_OF_EACH_POINT = {"tps_utilization"}  # of system_desc.json
_LONGEST_WARMUP_S = 86_400
_OFFLINE = ("dedicated", "elected", "none")


@evidence_rule(
    "endpoints-disclosure",
    explain="""
point.yaml states every field that the rules ask for, in the rules' words: division, region, dataset_type, offline,
target_cohort; a fixed number in flight as its load pattern; and its warmup, whose logs are kept, which took a day at
most and completed no more requests than it issued. model_name is one of the suite's and the folder's. All points of a
curve say the same of model, data set, division, cohort and system (tps_utilization apart). The rules let
stream_all_chunks have either value; the published checker still refuses false.
""",
    source="MLPerf Endpoints rules 2, 6.1, 6.3.3, 6.5, 8.2, 8.3 and 9.1; submission-checker v1.1.0.0",
)
def check(evidence: Evidence) -> Iterator[Check]:
    for submission in evidence.endpoints:
        for curve in submission.curves:
            for point in curve.points:
                if not point.config.problem:
                    yield from _point(point, curve)
            yield from _alike(curve)


def _point(point: Point, curve: Curve) -> Iterator[Check]:
    name, where, data = point.config.name, point.config.where, point.config.data
    rules = endpoints_rules()
    missing = [field for field in rules["disclosed"] if data.get(field) in (None, "")]
    sums = f"missing: {', '.join(missing)}" if missing else "each is stated"
    yield unsupported_unless(not missing, "the fields that every point states", sums, name, where)
    if "concurrency" not in missing and point.concurrency is None:
        yield contradicted_unless(False, f"concurrency: {data['concurrency']}", "no number of requests", name, where)
    for field, allowed in (
        ("division", rules["divisions"]),
        ("region", rules["regions"]),
        ("dataset_type", rules["datasets"]),
        ("offline", _OFFLINE),
    ):
        if data.get(field) is not None:
            words, sums = f"{field}: {data[field]}", f"one of {', '.join(allowed)}"
            yield contradicted_unless(data[field] in allowed, words, sums, name, where)
    if data.get("target_cohort"):
        cohort = str(data["target_cohort"])
        sums = "YYYY-MM-C0 or YYYY-MM-C1"
        yield contradicted_unless(cohort_number(cohort) is not None, f"target_cohort: {cohort}", sums, name, where)
    yield from _model(point, curve)
    yield from _load(point)
    yield from _warmup(point, rules["warmup"])


def _model(point: Point, curve: Curve) -> Iterator[Check]:
    stated = point.config.data.get("model_name")
    if not stated or curve.agentic:  # no names of agentic benchmarks are published
        return
    known = endpoints_rules()["models"]
    sums = f"one of {', '.join(known)}, and the folder is {curve.model}"
    good = stated in known and stated == curve.model
    yield contradicted_unless(good, f"model_name: {stated}", sums, point.config.name, point.config.where)


def _load(point: Point) -> Iterator[Check]:
    if point.dedicated:
        return
    name, where = point.config.name, point.config.where
    pattern = point.settings.get("load_pattern")
    words, sums = f"load_pattern: {pattern}", f"a fixed number in flight: concurrency, or {AGENTIC}"
    yield contradicted_unless(pattern in ("concurrency", AGENTIC), words, sums, name, where)
    if point.settings.get("stream_all_chunks") is False:
        sums = "submission-checker v1.1.0.0 refuses it, though the rules (6.5) allow it since"
        yield unsupported_unless(False, "stream_all_chunks: false", sums, name, where)


def _warmup(point: Point, fields: list[str]) -> Iterator[Check]:
    name, where = point.config.name, point.config.where
    warmup = inner(point.config.data, "warmup")
    missing = [field for field in fields if warmup.get(field) is None]
    sums = f"missing: {', '.join(missing)}" if missing else "each field is stated"
    yield unsupported_unless(not missing, "its warmup", sums, name, where)
    issued, completed = (whole(warmup.get(f"requests_{end}")) for end in ("issued", "completed"))
    if issued is not None and completed is not None:
        words = f"a warmup of {issued} requests, {completed} completed"
        yield contradicted_unless(completed <= issued, words, "no more than were issued", name, where)
    seconds = figure(warmup.get("duration_s"))
    if seconds is not None:
        sums = f"at most {_LONGEST_WARMUP_S} s"
        yield contradicted_unless(0 <= seconds <= _LONGEST_WARMUP_S, f"a warmup of {seconds:g} s", sums, name, where)
    if warmup:
        kept = warmup.get("logs_retained") is True
        yield unsupported_unless(kept, "the warmup's logs are kept", "logs_retained says so" if kept else
                                 "logs_retained doesn't say so", name, where)  # fmt: skip


def _alike(curve: Curve) -> Iterator[Check]:
    name, read = f"{curve.name}/points", [point for point in curve.points if not point.config.problem]
    for field in _ALIKE:
        found = sorted({repr(point.config.data.get(field)) for point in read})
        if len(found) > 1:
            words = f"one {field} in all points"
            yield contradicted_unless(False, words, f"they have {', '.join(found)}", name, curve.where)
    described = [point for point in curve.points if not point.system.problem]
    other = [point.number for point in described if _system(point.system.data) != _system(described[0].system.data)]
    if described:
        sums = f"system_desc.json of {', '.join(other)} says otherwise" if other else "system_desc.json says so"
        yield contradicted_unless(not other, "one system in all points", sums, name, curve.where)


def _system(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key not in _OF_EACH_POINT}
