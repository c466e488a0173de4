"""The load was the one that the run is said to have had."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from assay.audit.evidence import RunEvidence
from assay.audit.folder import MISSING, FolderFacts, Ints, Rows
from assay.audit.registry import Check, contradicted, run_rule, supported
from assay.runs.shapes import ConcurrencyShape, RampShape, RateShape, SessionsShape, TraceShape

_NEAR_NS = 200_000


@run_rule(
    "load-shape",
    explain="""
A place in flight is free when an answer has come, and only then is it filled again. So never more samples are between
issue and end than the load has places (fixed concurrency, conversations; SingleStream has one), and never more
attempts between sending and end at an endpoint than its window. A load that only its count ends has exactly that many
samples, and none has more; a probe may have fewer. One that time ends has none that was due later.
""",
    source="run.json: shape and windows, against requests.parquet",
)
def check(run: RunEvidence) -> Iterator[Check]:
    facts = run.folder
    if facts is None or facts.rows is None or not len(facts.rows):
        return
    found = [*_places(facts, facts.rows), *_windows(facts, facts.rows), *_bounds(facts, facts.rows)]
    yield from found
    if not found:
        yield supported(
            "the load is as it was asked for", facts.record.shape.title if facts.record.shape else "LoadGen"
        )


def _places(facts: FolderFacts, rows: Rows) -> Iterator[Check]:
    places = _most_open(facts)
    if places is None:
        return
    samples, place = np.unique(rows["sample_id"], return_inverse=True)
    begins = np.full(len(samples), np.iinfo(np.int64).max)
    ends = np.full(len(samples), MISSING)
    np.minimum.at(begins, place, rows["issued_ns"])
    np.maximum.at(ends, place, rows["done_ns"])
    most = _most_at_once(begins, ends)
    if most > places:
        yield contradicted(f"{places} in flight", f"{most} samples were between issue and end at once")


def _most_open(facts: FolderFacts) -> int | None:
    match facts.record.shape:
        case ConcurrencyShape(concurrency=places):
            return places
        case RampShape(of="concurrency") as ramp:
            return max(1, int(max(ramp.start, ramp.to)))
        case SessionsShape(concurrency=int(places)):
            return places
    single = facts.record.scenario == "SingleStream" and facts.record.mode == "performance"
    return 1 if single else None


def _windows(facts: FolderFacts, rows: Rows) -> Iterator[Check]:
    endpoints = facts.record.endpoints
    for endpoint, place in zip(endpoints, rows.endpoint.rows_of([one.name for one in endpoints]), strict=True):
        own = place[rows["sent_ns"][place] != MISSING]
        most = _most_at_once(rows["sent_ns"][own], rows["done_ns"][own])
        if endpoint.window is not None and most > endpoint.window:
            yield contradicted(f"{endpoint.name} has a window of {endpoint.window}", f"{most} were in flight at once")


def _most_at_once(begins: Ints, ends: Ints) -> int:
    """The most intervals that overlap by more than a clock's grain; one without an end counts to the last."""
    if not len(begins):
        return 0
    last = max(int(ends.max()), int(begins.max())) + 1
    ends = np.where(ends == MISSING, last, np.maximum(ends - _NEAR_NS, begins))
    times = np.concatenate([ends, begins])
    steps = np.concatenate([np.full(len(ends), -1), np.ones(len(begins), dtype=np.int64)])
    order = np.lexsort((steps, times))  # at one time, what ends makes room first
    return int(np.cumsum(steps[order]).max())


def _bounds(facts: FolderFacts, rows: Rows) -> Iterator[Check]:
    shape = facts.record.shape
    if shape is None:
        return
    issued, most = len(rows.samples), shape.most_requests(facts.record.samples)
    if isinstance(shape, TraceShape) and most is not None:
        most = min(most, facts.record.samples)  # times don't wrap around
    early = isinstance(shape, RateShape) and shape.until_sure
    exact = shape.lasts_s is None and not early and not isinstance(shape, SessionsShape)
    if most is not None and (issued > most or (exact and issued < most)):
        yield contradicted(f"{issued} samples were issued", f"the load is of {most}")
    due = rows["scheduled_ns"][rows["scheduled_ns"] != MISSING]
    if shape.lasts_s is not None and len(due):
        spread_s = int(due.max() - due.min()) / 1e9
        if spread_s > shape.lasts_s:
            yield contradicted(
                f"nothing is due after {shape.lasts_s:g} s", f"the last sample was {spread_s:.6g} s after"
            )
