"""A point of MLPerf Endpoints lasted long enough, in whole passes over the data, and its steady window is one."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.curves import Curve, Point, figure, inner, whole
from assay.audit.evidence import Evidence
from assay.audit.registry import Check, contradicted_unless, evidence_rule, unsupported_unless
from assay.benchmarks.mlperf.endpoints import SUPER_PASSES, least_seconds

_STATUSES = ("windowable", "insufficient_duration", "insufficient_passes", "partial_dataset")
_VERDICTS = ("STEADY STATE", "drifting_up", "drifting_down", "anomaly", "not found")
_WINDOW = "windowable"


@evidence_rule(
    "endpoints-duration",
    explain="""
A point at a fixed number in flight lasts at least 600 s up to 32 requests in flight and 1,200 s beyond; it issues whole
passes over the data set and completes one at least. Where point.yaml states a steady window, with the status
windowable, that window's official figures count: it spans 4 super-passes or more, and the time in which its requests
were issued is what must be long enough. Of any other status the whole run counts. (How long a dedicated Offline run
must last isn't settled in the rules.)
""",
    source="MLPerf Endpoints rules 4.4, 6.2, 6.4 and 8.3; submission-checker v1.1.0.0 for the window's fields",
)
def check(evidence: Evidence) -> Iterator[Check]:
    for submission in evidence.endpoints:
        for curve in submission.curves:
            for point in curve.points:
                if not point.dedicated:
                    yield from _steady(point)
                    yield from _long_enough(point)
                yield from _passes(point, curve)


def _long_enough(point: Point) -> Iterator[Check]:
    if point.concurrency is None:
        return
    window = inner(point.config.data, "steady_state")
    steady = window.get("status") == _WINDOW
    seconds = figure(inner(window, "window").get("duration_s")) if steady else point.seconds
    what = "a steady window" if steady else "a run"
    least = least_seconds(point.concurrency)
    sums = f"at least {least:g} s at {point.concurrency} in flight"
    words = f"{what} of {seconds:.6g} s" if seconds is not None else f"{what} of no stated length"
    good = seconds is not None and seconds >= least
    yield contradicted_unless(good, words, sums, f"{point.name}/run", point.where)


def _steady(point: Point) -> Iterator[Check]:
    block = inner(point.config.data, "steady_state")
    if not block:
        return
    name, where = point.config.name, point.config.where
    for field, allowed in (("status", _STATUSES), ("verdict", _VERDICTS)):
        if block.get(field) is not None:
            words = f"steady_state.{field}: {block[field]}"
            yield contradicted_unless(block[field] in allowed, words, f"one of {', '.join(allowed)}", name, where)
    if block.get("status") != _WINDOW:
        return
    first, last = (whole(inner(block, "window").get(f"super_pass_{end}")) for end in ("start", "end"))
    passes = None if first is None or last is None else last - first + 1
    words = "a steady window" if passes is None else f"a steady window of {passes} super-passes"
    yield contradicted_unless((passes or 0) >= SUPER_PASSES, words, f"{SUPER_PASSES} at least", name, where)


def _passes(point: Point, curve: Curve) -> Iterator[Check]:
    samples = curve.rules.samples if curve.rules is not None else None
    if samples is None or point.summary.problem:
        return
    issued, completed = (whole(point.summary.data.get(f"n_samples_{end}")) for end in ("issued", "completed"))
    name, where, sums = point.summary.name, point.summary.where, f"the data set has {samples}"
    done = completed is not None and completed >= samples
    yield unsupported_unless(done, f"{completed} samples completed", sums, name, where)
    if issued is not None:
        words, good = f"{issued} samples issued in whole passes", issued > 0 and issued % samples == 0
        sums = f"{issued} = {issued // samples} x {samples}" + ("" if good else f" + {issued % samples}")
        yield contradicted_unless(good, words, sums, name, where)
