"""A run folder says what LoadGen's own logs beside it say."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import Origin, RunEvidence, Spread
from assay.audit.registry import Check, contradicted, run_rule, supported, unsupported
from assay.audit.spans import ns

_LATER_NS, _LATER_SHARE = 50e6, 0.02
_STALL_NS, _STALL_SHARE = 1e9, 0.1
_EARLIER_NS, _EARLIER_SHARE = 1e6, 0.001
_LOADGEN_NAMES = {"Interactive": "Server"}  # a Server with other limits, which LoadGen doesn't know


@run_rule(
    "folder-and-log",
    explain="""
A run folder holds LoadGen's logs beside its own figures. Scenario, mode, LoadGen's word and the count of samples must
be the same in both. LoadGen notes a time when it is told of it, which is after the harness saw it: each statistic of
latency and TTFT in the log may lie above result.json's by 50 ms, 2 %, and the longest delays on the way from a worker
to LoadGen that the run itself measured; below it by no more than 1 ms and 0.1 %. A log that is later by up to 1 s and
10 % may come from a machine that stalled, and leaves the figure unsupported; beyond that it contradicts it.

Times aren't compared where samples failed, were lost, or were sent again after their first token: LoadGen's then count
what result.json leaves out.
""",
    source="run.json, result.json and ledger.json against mlperf_log_summary.txt and mlperf_log_detail.txt",
)
def check(run: RunEvidence) -> Iterator[Check]:
    logged = run.logged
    if run.origin is not Origin.RUN or logged is None or not run.finished:
        return
    found = [*_facts(run, logged), *_times(run, logged)]
    yield from found
    if not found:
        yield supported("the folder says what LoadGen's logs say", f"{len(_pairs(run, logged))} times compared")


def _facts(run: RunEvidence, logged: RunEvidence) -> Iterator[Check]:
    scenario = _LOADGEN_NAMES.get(run.scenario or "", run.scenario)
    if logged.scenario is not None and scenario != logged.scenario:
        yield contradicted(f"scenario {run.scenario}", f"{logged.scenario} in LoadGen's log")
    if run.mode != logged.mode:
        yield contradicted(f"{run.mode} run", f"{logged.loadgen_mode} in LoadGen's log")
    word = (logged.detail.result if logged.detail else None) or (logged.summary.result if logged.summary else None)
    if run.loadgen_word is not None and word is not None and run.loadgen_word != word:
        yield contradicted(f"LoadGen's word is {run.loadgen_word}", f"{word} in its log")
    told = run.ledger.loadgen_completed if run.ledger else None
    count = logged.detail.sample_count if logged.detail else None
    if run.performance and told is not None and count is not None and told != count:
        yield contradicted(f"{told} samples by LoadGen's count", f"{count} in its log")


def _times(run: RunEvidence, logged: RunEvidence) -> Iterator[Check]:
    for name, stated, actual in _pairs(run, logged):
        above = _LATER_NS + run.delay_ns + _LATER_SHARE * stated
        below = _EARLIER_NS + _EARLIER_SHARE * stated
        if stated - below <= actual <= stated + above:
            continue
        words = f"{ns(actual)} in LoadGen's log; from {ns(stated - below)} to {ns(stated + above)} would be its delay"
        stalled = stated < actual <= stated + run.delay_ns + _STALL_NS + _STALL_SHARE * stated
        # A process that a busy machine held up is as late as that; only what no stall explains is a contradiction.
        yield (unsupported if stalled else contradicted)(f"{name} {ns(stated)}", words)


def _pairs(run: RunEvidence, logged: RunEvidence) -> list[tuple[str, float, float]]:
    """Statistics that both state: the folder's, and the log's."""
    ledger = run.ledger
    if not run.performance or ledger is None or ledger.failed + ledger.lost + ledger.resent_after_first_token:
        return []
    return [*_statistics(run.latency, logged.latency), *_statistics(run.ttft, logged.ttft)]


def _statistics(stated: Spread, logged: Spread) -> Iterator[tuple[str, float, float]]:
    theirs = dict(logged.named())
    for name, value in stated.named():
        if name in theirs:
            yield f"{stated.name} {name}", value.value, theirs[name].value
