"""Samples were due when their seed says."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np

from assay.audit.evidence import RunEvidence
from assay.audit.folder import MISSING, FolderFacts, Ints, Rows
from assay.audit.registry import Check, contradicted, run_rule, supported
from assay.benchmarks.mlperf.schedule import server_schedule_ns
from assay.runs.arrivals import due_times_ns
from assay.runs.shapes import ConcurrencyShape, RateShape

_NEAR_NS = 1_000


@run_rule(
    "schedule-seed",
    explain="""
Where a rate decides when samples are due, their times follow from the seed and the rate alone, and are drawn again:
LoadGen's from schedule_rng_seed and the target in its detail log, the pacer's from run.json's seed and shape. Loads
that go through the data set in order ask for its samples in that order.
""",
    source="loadgen.cc: ScheduleDistribution; docs: the pacer's arrivals",
)
def check(run: RunEvidence) -> Iterator[Check]:
    facts = run.folder
    if facts is None or facts.rows is None or not len(facts.rows):
        return
    rows = facts.rows
    order = np.flatnonzero(rows.final)
    order = order[np.argsort(rows["sample_id"][order])]
    due = rows["scheduled_ns"][order]
    expected, source = _expected(run, facts, len(order))
    if expected is not None:
        if (due == MISSING).any():
            yield contradicted("samples came by a schedule", "the records hold none")
            return
        off = int(abs((due - due[0]) - expected).max())
        words = f"{len(due)} samples were due by {source}"
        if off > _NEAR_NS:
            yield contradicted(words, f"up to {off / 1e6:.6g} ms off")
        else:
            yield supported(words, "to the microsecond")
    yield from _order(facts, rows, order)


def _expected(run: RunEvidence, facts: FolderFacts, count: int) -> tuple[Ints | None, str]:
    shape, seed = facts.record.shape, facts.record.schedule_seed
    if isinstance(shape, RateShape) and seed is not None:
        times = islice(due_times_ns(shape.rate, shape.arrivals, shape.burstiness, seed), count)
        return np.fromiter(times, dtype=np.int64, count=count), f"seed {seed} and {shape.title}"
    effective = run.detail.effective if run.detail else {}
    seed, target = effective.get("schedule_rng_seed"), effective.get("target_qps")
    if (
        effective.get("scenario") == "Server"
        and isinstance(seed, int)
        and isinstance(target, int | float)
        and target > 0
    ):
        return server_schedule_ns(seed, float(target), count), f"seed {seed} and {target:g} a second"
    return None, ""


def _order(facts: FolderFacts, rows: Rows, order: Ints) -> Iterator[Check]:
    if not isinstance(facts.record.shape, ConcurrencyShape | RateShape):
        return
    asked = rows["qsl_idx"][order]
    wrong = int((asked != np.arange(len(asked)) % facts.record.samples).sum())
    if wrong:
        yield contradicted("samples were asked for in the data set's order", f"{wrong} of {len(asked)} weren't")
