"""A run folder says what LoadGen's own logs beside it say."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from assay.audit.evidence import Origin, RunEvidence, Spread
from assay.audit.folder import MISSING, FolderFacts
from assay.audit.registry import Check, contradicted, run_rule, supported, unsupported
from assay.audit.spans import ns

_LATER_NS, _LATER_SHARE = 50e6, 0.02
_STALL_NS, _STALL_SHARE = 1e9, 0.1
_EARLIER_NS, _EARLIER_SHARE = 1e6, 0.001
_DIGITS, _SIX_DIGITS = 1e-4, 1e-5
_DURATION = "duration"
_LOADGEN_NAMES = {"Interactive": "Server"}  # a Server with other limits, which LoadGen doesn't know


@run_rule(
    "folder-and-log",
    explain="""
A run folder holds LoadGen's logs beside its own figures. Scenario, mode, LoadGen's word and version, the target rate
and the count of samples must be the same in both. LoadGen notes a time when it is told of it, which is after the
harness saw it: each statistic of latency and TTFT in the log, and the time from its first query to its last answer,
may lie above the folder's by 50 ms, 2 %, and the longest delays on the way from a worker to LoadGen that the run itself
measured; below it by no more than 1 ms and 0.1 %. A time per output token is such a time over the answer's tokens but
one, and may be off to either side by as much over the fewest tokens of an answer. LoadGen's rate is of the samples, or
of all but one, over such a time. A log that is later by up to 1 s and 10 % may come from a machine that stalled, and
leaves the figure unsupported; beyond that it contradicts it. The log's duration is by the wall clock, which may be set
right meanwhile: a difference leaves it unsupported. The log's tokens a sample are the folder's, but for the sample that
LoadGen leaves out of its rate where queries follow each other.

Times aren't compared where samples failed, were lost, or were sent again after their first token: LoadGen's then count
what result.json leaves out.
""",
    source="run.json, result.json and ledger.json against mlperf_log_summary.txt and mlperf_log_detail.txt",
)
def check(run: RunEvidence) -> Iterator[Check]:
    logged = run.logged
    if run.origin is not Origin.RUN or logged is None or not run.finished:
        return
    found = list(_facts(run, logged))
    if _comparable(run):
        found += [*_times(run, logged), *_rate(run, logged), *_paces(run, logged), *_tokens(run, logged)]
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
    count = logged.detail.sample_count if logged.detail else None
    if run.performance and count is not None and run.ledger is not None:
        answered = run.ledger.completed + run.ledger.failed
        for name, stated in (("LoadGen's count", run.ledger.loadgen_completed), ("completed and failed", answered)):
            if stated is not None and stated != count:
                yield contradicted(f"{stated} samples by {name}", f"{count} in its log")
    if run.folder is not None:
        yield from _settings(run.folder, logged)


def _settings(facts: FolderFacts, logged: RunEvidence) -> Iterator[Check]:
    detail = logged.detail
    if detail is None:
        return
    version, theirs = facts.record.loadgen_version, detail.loadgen_version
    if version is not None and theirs is not None and version != theirs:
        yield contradicted(f"LoadGen {version}", f"{theirs} in its log")
    total = detail.values.get("qsl_reported_total_count")
    if isinstance(total, int) and total != facts.record.samples:
        yield contradicted(f"{facts.record.samples} samples to draw from", f"{total} in LoadGen's log")
    target, effective = facts.record.target_qps, detail.effective.get("target_qps")
    if target is None or not isinstance(effective, int | float) or logged.scenario != "Server" or facts.has_user_conf:
        return
    if not math.isclose(target, effective, rel_tol=_SIX_DIGITS):
        yield contradicted(f"a target of {target:g} a second", f"{effective:g} in LoadGen's log")


def _comparable(run: RunEvidence) -> bool:
    ledger = run.ledger
    return run.performance and ledger is not None and not (
        ledger.failed + ledger.lost + ledger.resent_after_first_token
    )  # fmt: skip


def _times(run: RunEvidence, logged: RunEvidence) -> Iterator[Check]:
    for name, stated, actual in _pairs(run, logged):
        above = _LATER_NS + run.delay_ns + _LATER_SHARE * stated
        below = _EARLIER_NS + _EARLIER_SHARE * stated
        if stated - below <= actual <= stated + above:
            continue
        words = f"{ns(actual)} in LoadGen's log; from {ns(stated - below)} to {ns(stated + above)} would be its delay"
        stalled = stated < actual <= stated + run.delay_ns + _STALL_NS + _STALL_SHARE * stated
        # A process that a busy machine held up is as late as that; only what no stall explains is a contradiction.
        # The log's duration is by the wall clock, which may have been set right meanwhile.
        yield (unsupported if stalled or name == _DURATION else contradicted)(f"{name} {ns(stated)}", words)


def _pairs(run: RunEvidence, logged: RunEvidence) -> list[tuple[str, float, float]]:
    """Statistics that both state: the folder's, and the log's."""
    if not _comparable(run):
        return []
    found = [*_statistics(run.latency, logged.latency), *_statistics(run.ttft, logged.ttft)]
    window_s = logged.detail.window_s if logged.detail else None
    if window_s is not None and run.duration_s is not None:
        found.append((_DURATION, run.duration_s.value * 1e9, window_s * 1e9))
    return found


def _rate(run: RunEvidence, logged: RunEvidence) -> Iterator[Check]:
    """LoadGen's rate is of as many samples, or one fewer; where queries follow each other its time ends with the last
    of these, which is no earlier than the longest latency before the end."""
    rate, seconds, count = logged.samples_per_s, run.duration_s, run.samples.completed
    if rate is None or seconds is None or not count or seconds.value <= 0:
        return
    longest = run.latency.max if logged.scenario != "Offline" else None
    shortest_s = max(0.0, seconds.value - (longest.value / 1e9 if longest else 0.0))
    shortest_s -= _EARLIER_NS / 1e9 + _EARLIER_SHARE * shortest_s
    later_s = seconds.value * (1 + _LATER_SHARE) + (_LATER_NS + run.delay_ns) / 1e9
    stalled_s = seconds.value * (1 + _STALL_SHARE) + (_STALL_NS + run.delay_ns) / 1e9
    if rate.low * shortest_s <= count and rate.high * later_s >= count - 1:
        return
    words = f"{rate} samples/s in LoadGen's log; {count} samples in {shortest_s:.6g} s to {later_s:.6g} s"
    stalled = rate.low * shortest_s <= count and rate.high * stalled_s >= count - 1
    yield (unsupported if stalled else contradicted)(f"duration {seconds} s", words)


def _paces(run: RunEvidence, logged: RunEvidence) -> Iterator[Check]:
    """Times per output token: each answer's is wrong by a delay over its tokens but one, to either side."""
    gaps = _fewest_gaps(run)
    if gaps is None:
        return
    for name, stated, actual in _statistics(run.tpot, logged.tpot):
        room = (_LATER_NS + run.delay_ns) / gaps + _LATER_SHARE * stated
        if abs(actual - stated) <= room:
            continue
        words = f"{ns(actual)} in LoadGen's log; {ns(room)} to either side would be its delay"
        stalled = abs(actual - stated) <= (run.delay_ns + _STALL_NS) / gaps + _STALL_SHARE * stated
        yield (unsupported if stalled else contradicted)(f"{name} {ns(stated)}", words)


def _fewest_gaps(run: RunEvidence) -> int | None:
    """The fewest gaps between tokens of an answer that has any; None where LoadGen was told other counts."""
    ledger, rows = run.ledger, run.folder.rows if run.folder else None
    if rows is None or ledger is None or ledger.short_outputs or ledger.estimated_tokens:
        return None
    tokens = rows["streamed_tokens"][rows.good]
    return int(tokens.min()) - 1 if len(tokens) and tokens.min() > 1 else None


def _tokens(run: RunEvidence, logged: RunEvidence) -> Iterator[Check]:
    """The log's tokens a second over its samples a second are tokens a sample."""
    rows = run.folder.rows if run.folder else None
    if rows is None or _fewest_gaps(run) is None or logged.tokens_per_s is None or logged.samples_per_s is None:
        return
    if not logged.samples_per_s.value > 0:
        return
    tokens = rows["streamed_tokens"][rows.good]
    count, mean = len(tokens), float(np.mean(tokens))
    stated = logged.tokens_per_s.value / logged.samples_per_s.value
    most = mean if logged.scenario == "Offline" else mean * count / max(1, count - 1)
    if (tokens != MISSING).all() and not mean * (1 - _DIGITS) <= stated <= most * (1 + _DIGITS):
        yield contradicted(f"{mean:.6g} tokens a sample", f"{stated:.6g} by the rates of LoadGen's log")


def _statistics(stated: Spread, logged: Spread) -> Iterator[tuple[str, float, float]]:
    theirs = dict(logged.named())
    for name, value in stated.named():
        if name in theirs:
            yield f"{stated.name} {name}", value.value, theirs[name].value
