"""How many samples a load will issue, and how long it will take: from its plan and from what it did so far."""

from __future__ import annotations

from assay.load.plan import LoadPlan
from assay.runs.progress import TimeLeft
from assay.runs.scenarios import is_paced
from assay.runs.shapes import RateShape


def expected_samples(plan: LoadPlan, issued: int) -> int | None:
    """Samples that will be issued in all; None where that isn't known before the end."""
    if plan.pacer is not None:
        shape = plan.pacer.shape
        open_end = shape.lasts_s is not None or plan.pacer.until_sure
        return None if open_end else shape.most_requests(plan.samples)
    if plan.mode == "accuracy":
        return plan.samples
    if plan.scenario == "Offline":
        return issued or None  # all at once
    if plan.loadgen is None or plan.loadgen.official:
        return None  # until LoadGen's shortest duration is over
    return max(plan.loadgen.queries or plan.samples, issued)


def arrivals_per_s(plan: LoadPlan) -> float | None:
    """The steady rate at which samples are issued, whatever becomes of them; None where answers set the pace."""
    if plan.pacer is not None:
        return plan.pacer.shape.rate if isinstance(plan.pacer.shape, RateShape) else None
    return plan.loadgen.target_qps if plan.loadgen is not None and is_paced(plan.scenario) else None


def time_left(plan: LoadPlan, *, elapsed_ns: int, issued: int, ended: int, latency_ns: int | None) -> TimeLeft | None:
    """Until the last answer. `ended` samples are answered or given up; `latency_ns` is the median so far."""
    tail_ns = latency_ns or 0
    lasts_s = plan.pacer.shape.lasts_s if plan.pacer is not None else None
    if lasts_s is not None:
        left_ns = int(lasts_s * 1e9) + tail_ns - elapsed_ns
        return TimeLeft(ns=left_ns, basis="duration") if left_ns > 0 else None  # nobody knows of what is overdue
    expected = expected_samples(plan, issued)
    if expected is None:
        return None
    rate = arrivals_per_s(plan)
    if rate is not None and issued < expected:
        return TimeLeft(ns=int((expected - issued) / rate * 1e9) + tail_ns, basis="arrivals")
    if not ended:
        return None
    return TimeLeft(ns=max(0, expected - ended) * elapsed_ns // ended, basis="completed so far")
