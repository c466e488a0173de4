"""The load's process: one fresh process a run, started as `python -m assay.load.driver PLAN PARENT_PID`.

The source of load is LoadGen or Assay's pacer. LoadGen's own thread hands over samples; the main thread is the only one
that completes them, because completions of one sample from two threads come out of order in LoadGen's log. Progress
goes to standard output, one JSON object a line.
"""

from __future__ import annotations

import os
import signal
import threading
import time
import traceback
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from assay.errors import AssayError
from assay.load.demand import demand_of
from assay.load.frames import Done
from assay.load.hub import Hub, Messages
from assay.load.journal import IssuedJournal
from assay.load.meter import Meter
from assay.load.pacer import Pacer
from assay.load.plan import LoadPlan, read_plan
from assay.load.processes import SelfMeasure, die_with_parent, leave_with, quiet_gc
from assay.load.replies import Replies
from assay.load.retries import Result, result_of
from assay.load.router import Fate, Router
from assay.load.shares import Shares
from assay.load.source import Issues, Schedule, Source
from assay.load.transport import Outcome
from assay.load.until_sure import Ended, UntilSure
from assay.load.unwritable import unwritable_line
from assay.load.waits import Waits
from assay.load.warmup import Warmup
from assay.runs import LoadOutcome, RunFolder, WarmupFacts, write_json
from assay.runs.outcome import HopTimes, LoadEnd, Sure
from assay.runs.progress import AnyEvent, Phase, PhaseEvent, WaitEvent, WarmupEvent, WarmupWave, event_line

_PROBE_NS = 1_000_000_000
_OUTCOMES = list(Outcome)
_RESULTS = [result_of(outcome) for outcome in _OUTCOMES]
_MOST_SENDS = 1024  # a write for each worker, and answers are looked after in between
_OUTPUT_WORK = 4  # an output token costs about as much as four prompt tokens on the engines measured
_WORKER_STOP_S = 30.0  # many connections and a slow disk take their time, and what isn't written by then is lost
_PATIENCE_S = 0.25
_TOLD = 10  # endpoints whose failure the reason tells; all are in the outcome


class Driver:
    """Connects the source of load, the router and the workers for one run."""

    def __init__(self, plan: LoadPlan, plan_path: Path) -> None:
        self._plan = plan
        self._folder = Path(plan.folder)
        self._lock = threading.Lock()  # guards the router and the sockets: LoadGen's thread dispatches too
        self._handed_over: deque[tuple[int, Issues]] = deque()  # (when, what): what the source issued, not yet queued
        self._more = False  # whether more can be sent than was at once
        self._issued = IssuedJournal(RunFolder(self._folder).issued)
        self._over = False
        self._closing = False
        self._error: BaseException | None = None
        self._signal = 0
        self._meter = Meter(plan)
        self._replies = Replies(plan, self._meter)
        self._tally = self._replies.tally
        self._until_sure: UntilSure | None = None
        if plan.pacer is not None and plan.pacer.until_sure:
            self._until_sure = UntilSure(plan.pacer.limits, self._meter.start_ns)
        self._sure: Sure | None = None
        self._last_probe_ns = 0
        self._measure = SelfMeasure()
        self._hub = Hub(plan_path, Shares(demand_of(plan).loads, plan.workers))
        self._hub.wake_on_signals()
        self._hub.on_wait = Waits(len(plan.endpoints), self._tell_wait).asked
        self._source: Source | None = None
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, _frame: object) -> None:
        self._signal = number

    def _stopped(self) -> bool:
        return self._signal != 0

    def run(self) -> int:
        """Warm up, run the load to its end or until something ends it; returns the exit code.

        Raises OSError where a disk takes no more.
        """
        try:
            return self._run()
        except Exception:
            self._hub.stop(_WORKER_STOP_S)  # the workers write what they have
            raise

    def _run(self) -> int:
        self._hub.wait_ready(self._stopped)
        self._say("warmup")
        warmup = Warmup(self._plan, self._hub, self._stopped, self._on_wave)
        facts = warmup.run()
        self._tally.failures = warmup.failures()
        self._router = self._make_router(warmup)
        if not self._stopped() and not all(lane.out for lane in self._router.lanes):
            self._loop(self._begin())
        with self._lock:
            self._closing = True
        status, reason = self._conclusion()
        self._say("closing")
        self._hub.stop(_WORKER_STOP_S)
        if (error := self._hub.unwritable or self._error) is not None and isinstance(error, OSError):
            raise error
        self._save(status, reason, facts)
        return 0 if status == "finished" else 1

    def _make_router(self, warmup: Warmup) -> Router:
        tokens: list[int] = np.load(self._plan.prompt_tokens).tolist()
        work = [float(tokens[i] + self._plan.answer_limit(i) * _OUTPUT_WORK) for i in range(self._plan.samples)]
        rates = [endpoint.rate for endpoint in warmup.endpoints]
        router = Router(
            [endpoint.window or 1 for endpoint in warmup.endpoints],
            work.__getitem__,
            max_attempts=self._plan.max_attempts,
            offline_epoch=self._plan.samples if self._plan.scenario == "Offline" else None,
            prior_rates=rates if all(rates) else None,
        )
        for index, endpoint in enumerate(warmup.endpoints):
            if endpoint.failure:
                router.take_out(index)
        return router

    def _begin(self) -> Source:
        self._source = source = self._make_source()
        quiet_gc()
        self._measure.start()
        self._hub.start_measuring()
        self._say("start")
        self._meter.begin(now_ns := time.monotonic_ns())
        source.start(now_ns)
        return source

    def _make_source(self) -> Source:
        if self._plan.pacer is not None:
            return Pacer(self._plan.pacer, self._plan.samples, self._on_issue, self._on_end)
        from assay.load import loadgen  # a run of the pacer's needs none of it

        return loadgen.Test(self._plan, self._on_issue, self._on_end)

    def _on_issue(self, issues: Issues) -> None:
        """Runs on LoadGen's thread, or on this one where the pacer drives."""
        self._handed_over.append((time.monotonic_ns(), issues))
        if not self._lock.acquire(blocking=False):
            return  # the main thread holds it, and looks again once it doesn't
        try:
            if self._closing:  # LoadGen can't be stopped and goes on until the process ends
                return
            self._take_over()
            self._dispatch(time.monotonic_ns())
        finally:
            self._lock.release()
        if self._more:
            self._hub.wake()

    def _take_over(self) -> None:
        """Queue what the source has issued, once it is written down."""
        if not self._handed_over:
            return
        handed_over = [self._handed_over.popleft() for _ in range(len(self._handed_over))]
        issued_ns = [now_ns for now_ns, issues in handed_over for _ in issues.queries]
        issues = Issues.joined([issues for _, issues in handed_over])
        self._issued.write(self._replies.issued, issues, issued_ns)
        self._meter.take(issues, issued_ns)
        if self._until_sure is not None:
            self._until_sure.issued(len(issued_ns))
        self._replies.issue(issues.queries)
        self._router.offer(issues)

    def _dispatch(self, now_ns: int) -> None:
        sends = self._router.dispatch(now_ns, _MOST_SENDS)
        self._more = len(sends) == _MOST_SENDS
        if sends:
            self._hub.send(sends)

    def _on_end(self, error: BaseException | None) -> None:
        """Runs on the thread that issues."""
        self._error = error
        self._over = True
        self._hub.wake()

    def _loop(self, source: Source) -> None:
        next_progress_ns = 0
        phase: Phase | None = None
        while not self._over and not self._stopped() and not self._router.all_gone:
            self._step(source, self._hub.poll(self._patience_s(source)))
            now_ns = time.monotonic_ns()
            if now_ns >= next_progress_ns:
                if phase != (current := self._meter.phase(self._router)):
                    self._say(current)
                    phase = current
                _tell(self._meter.progress(self._router, now_ns))
                self._look(source, now_ns)
                next_progress_ns = now_ns + self._meter.interval_ns(now_ns)
        _tell(self._meter.progress(self._router, time.monotonic_ns(), last=True))

    def _look(self, source: Source, now_ns: int) -> None:
        """End a load that goes on until a test is sure, where it is."""
        if self._until_sure is None or self._sure is not None:
            return
        self._sure = self._until_sure.look(now_ns - self._meter.began_ns)
        if self._sure is not None:
            assert isinstance(source, Pacer)
            source.close()

    def _patience_s(self, source: Source) -> float:
        if self._handed_over or self._more:
            return 0.0
        waited_for = [
            time_ns for time_ns in (self._router.next_retry_ns(), source.next_due_ns()) if time_ns is not None
        ]
        if not waited_for:
            return _PATIENCE_S
        return max(0.0, min(_PATIENCE_S, (min(waited_for) - time.monotonic_ns()) / 1e9))

    def _step(self, source: Source, messages: Messages) -> None:
        now_ns = time.monotonic_ns()
        source.first_tokens(self._replies.first_tokens(messages.firsts, now_ns))
        with self._lock:
            fates = [(done, self._finish(done, now_ns)) for done in messages.dones]
            for health in messages.healths:
                self._router.probed(health.endpoint, healthy=health.healthy)
            self._take_over()
            self._dispatch(now_ns)
            self._probe(now_ns)
        replies, over = self._replies, [(done, fate) for done, fate in fates if fate is not Fate.RESEND]
        if self._until_sure is not None:
            self._until_sure.ended(Ended(done, fate is Fate.COMPLETED) for done, fate in over)
        source.first_tokens(replies.untold(done for done, _ in over))
        source.complete(
            [replies.failed(done) if fate is Fate.FAILED else replies.answered(done, now_ns) for done, fate in over]
        )
        source.issue_due(time.monotonic_ns())

    def _finish(self, done: Done, now_ns: int) -> Fate:
        result = _RESULTS[done.outcome]
        if result is not Result.ANSWERED:
            self._tally.failures[self._plan.endpoints[done.endpoint].name] = done.detail
            self._meter.attempt_failed(done.endpoint)
        return self._router.finish(done.sample, done.endpoint, result, now_ns, done.retry_ns)

    def _probe(self, now_ns: int) -> None:
        if self._router.out and now_ns - self._last_probe_ns >= _PROBE_NS:
            self._last_probe_ns = now_ns
            for endpoint in self._router.out:
                self._hub.probe(endpoint)

    def _conclusion(self) -> tuple[LoadEnd, str]:
        """How the load ended, and why where it didn't go to its end."""
        if self._error is not None:
            return "error", f"{type(self._error).__name__}: {self._error}"
        if self._over:  # nothing is missing, even where a signal came as the last answer did
            return "finished", ""
        if self._stopped():
            return "stopped", signal.Signals(self._signal).name
        before = "" if self._source else " during warm-up"
        told = [f"{name}: {detail}" for name, detail in self._tally.failures.items()]
        more = f"; and {len(told) - _TOLD} more" if len(told) > _TOLD else ""
        return "endpoints_gone", f"every endpoint failed{before}: {'; '.join(told[:_TOLD])}{more}"

    def _save(self, status: LoadEnd, reason: str, warmup: WarmupFacts) -> None:
        hops = np.asarray(self._tally.hops_ns, dtype=np.int64)
        schedule = self._source.schedule if self._source else Schedule()
        outcome = LoadOutcome(
            status=status,
            reason=reason,
            issued=self._meter.issued,
            completed=self._meter.completed,
            failed=self._meter.failed,
            short_outputs=self._tally.short_outputs,
            estimated_tokens=self._tally.estimated_tokens,
            first_token_then_resent=self._tally.first_token_then_resent,
            failures=self._tally.failures,
            windows={
                endpoint.name: lane.window
                for endpoint, lane in zip(self._plan.endpoints, self._router.lanes, strict=True)
            },
            hops=_hop_times(hops) if len(hops) else None,
            processes={**self._hub.stats, self._plan.driver: self._measure.report()},
            warmup=warmup,
            schedule_seed=schedule.seed,
            target_qps=schedule.target_qps,
            sure=self._sure,
        )
        write_json(RunFolder(self._folder).outcome, outcome)
        trace = RunFolder(self._folder).loadgen_trace
        if trace.exists() and not trace.stat().st_size:  # LoadGen makes it even where tracing is off
            trace.unlink()

    def _tell_wait(self, endpoint: int, wait_ns: int) -> None:
        _tell(
            WaitEvent(
                time_ns=time.monotonic_ns(),
                clock_offset_ns=self._meter.clock_offset_ns,
                phase="load" if self._source else "warmup",
                endpoint=self._plan.endpoints[endpoint].name,
                wait_ns=wait_ns,
            )
        )

    def _on_wave(self, number: int, endpoints: dict[str, WarmupWave]) -> None:
        now_ns, offset_ns = time.monotonic_ns(), self._meter.clock_offset_ns
        _tell(WarmupEvent(time_ns=now_ns, clock_offset_ns=offset_ns, wave=number, endpoints=endpoints))

    def _say(self, phase: Phase) -> None:
        now_ns = time.monotonic_ns()
        _tell(PhaseEvent(time_ns=now_ns, clock_offset_ns=self._meter.clock_offset_ns, phase=phase))


def _hop_times(hops_ns: np.ndarray[Any, Any]) -> HopTimes:
    p50_ns, p99_ns, max_ns = (int(np.percentile(hops_ns, share)) for share in (50, 99, 100))
    return HopTimes(p50_ns=p50_ns, p99_ns=p99_ns, max_ns=max_ns)


def _tell(event: AnyEvent) -> None:
    os.write(1, event_line(event))


def main(argv: list[str]) -> int:
    """Run the test that the plan describes."""
    plan_path = Path(argv[0])
    die_with_parent(int(argv[1]))
    plan = read_plan(plan_path)
    try:
        return _drive(plan, plan_path)
    except OSError as error:  # whoever reads this is told by what needs no disk; the controller may be gone
        with suppress(OSError):
            os.write(1, unwritable_line(error))
        return 1


def _drive(plan: LoadPlan, plan_path: Path) -> int:
    """Run the test; what ends it is in its outcome, but for a disk that takes no more: raises OSError."""
    try:
        return Driver(plan, plan_path).run()
    except OSError:
        raise
    except AssayError as error:
        reason = str(error)
    except Exception as error:  # a defect; what was measured is closed all the same
        traceback.print_exc()
        reason = f"{type(error).__name__}: {error}; traceback in driver.log"
    write_json(RunFolder(Path(plan.folder)).outcome, LoadOutcome(status="error", reason=reason))
    return 1


if __name__ == "__main__":
    leave_with(main)
