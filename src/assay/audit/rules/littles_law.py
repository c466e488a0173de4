"""Latency times throughput is the number of samples in flight."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import RunEvidence
from assay.audit.registry import Check, contradicted, impossible, run_rule, supported
from assay.audit.spans import Span, ns

_SLACK = 0.01


@run_rule(
    "littles-law",
    explain="""
Over a whole run, exactly:

    mean latency x samples/s = mean number in flight <= most in flight

The most in flight is 1 in SingleStream, the concurrency that is stated, and never more than all the samples. A node
that answers one request at a time in 2 s doesn't do 5 a second. And no sample takes longer than the run. LoadGen leaves
the last sample out of SingleStream's rate, so room for one sample of the greatest latency is left, and its rate in
Server isn't over the whole run: there samples over its wall-clock window are the rate.
""",
    source="Little, 'A Proof for the Queuing Formula L = lambda W' (1961)",
)
def check(run: RunEvidence) -> Iterator[Check]:
    yield from _longest(run)
    mean, rate = run.latency.mean, _whole_rate(run)
    if mean is None or rate is None or mean.low < 0 or rate.low < 0:
        return
    flight = mean * rate
    flight = flight / 1e9
    sums = f"{ns(mean)} x {rate} samples/s = {flight} in flight"
    most = _most(run)
    if most is None:
        return
    words = f"mean latency {ns(mean)} at {rate} samples/s, at most {most} in flight"
    room = _SLACK
    if run.samples.completed and run.latency.max is not None and mean.value > 0:
        room += run.latency.max.value / mean.value / run.samples.completed
    yield impossible(words, sums) if flight.above(most, room) else supported(words, sums)


def _whole_rate(run: RunEvidence) -> Span | None:
    """The rate over the whole run, which LoadGen's own of Server needn't be."""
    if run.issued_s is None or run.wall_clock_s is None or not run.samples.completed:
        return run.samples_per_s
    return Span.exact(run.samples.completed) / run.wall_clock_s


def _most(run: RunEvidence) -> int | None:
    if run.scenario_key == "singlestream":
        return 1
    if run.concurrency is not None and not run.window_bounds_service_only:
        return run.concurrency
    return run.samples.completed


def _longest(run: RunEvidence) -> Iterator[Check]:
    duration = run.duration_s or run.wall_clock_s
    longest = run.latency.max or run.latency.mean
    if duration is None or longest is None:
        return
    words = f"latency of {ns(longest)} in a run of {duration} s"
    sums = f"{longest.value / 1e9:.6g} s against {duration} s"
    yield contradicted(words, sums) if (longest / 1e9).above(duration, _SLACK) else supported(words, sums)
