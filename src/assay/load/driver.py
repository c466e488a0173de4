"""The load's process: one fresh process a run, started as `python -m assay.load.driver PLAN PARENT_PID`.

The source of load is LoadGen or Assay's pacer. LoadGen's own thread hands over samples; the main thread is the only one
that completes them, because completions of one sample from two threads come out of order in LoadGen's log. Progress
goes to standard output, one JSON object a line.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from assay.errors import AssayError
from assay.load.frames import Done, First, Health
from assay.load.hub import Hub
from assay.load.journal import ISSUED_NAME, OUTCOME_NAME, IssuedJournal
from assay.load.pacer import Pacer
from assay.load.plan import LoadPlan, read_plan
from assay.load.processes import SelfMeasure, die_with_parent, quiet_gc
from assay.load.router import Fate, Router
from assay.load.source import Answer, FirstToken, Issue, Schedule, Source
from assay.load.transport import Outcome
from assay.load.warmup import Warmup
from assay.runs import write_json

_PROGRESS_NS = 500_000_000
_PROBE_NS = 1_000_000_000
_OUTCOMES = list(Outcome)
_OK = _OUTCOMES.index(Outcome.OK)
_UNREACHABLE = {_OUTCOMES.index(Outcome.CONNECT), _OUTCOMES.index(Outcome.TLS)}
_OUTPUT_WORK = 4  # an output token costs about as much as four prompt tokens on the engines measured
_LEAST_TOKENS = 2  # LoadGen logs an error for fewer, and can't compute TPOT
_WORKER_STOP_S = 2.0
_PATIENCE_S = 0.25


@dataclass
class Tally:
    """`outcome.json`: how the load process ended and what it counted."""

    status: str = "finished"
    reason: str = ""
    failed: int = 0
    completed: int = 0
    short_outputs: int = 0
    estimated_tokens: int = 0
    first_token_then_resent: int = 0
    hops_ns: array[int] = field(default_factory=lambda: array("q"))


class Driver:
    """Connects the source of load, the router and the workers for one run."""

    def __init__(self, plan: LoadPlan, plan_path: Path) -> None:
        self._plan = plan
        self._folder = Path(plan.folder)
        self._lock = threading.Lock()  # guards the router and the sockets: LoadGen's thread dispatches too
        self._issued = IssuedJournal(self._folder / "parts" / ISSUED_NAME)
        self._queries = array("q")  # the source's name of each sample, by sample_id
        self._first_told = bytearray()  # by sample_id
        self._over = False
        self._closing = False
        self._error: BaseException | None = None
        self._signal = 0
        self._tally = Tally()
        self._endpoint_ok = [0] * len(plan.endpoints)
        self._tokens = 0
        self._last_probe_ns = 0
        self._measure = SelfMeasure()
        self._hub = Hub(plan_path, plan.workers, len(plan.endpoints))
        self._hub.wake_on_signals()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, _frame: object) -> None:
        self._signal = number

    def _stopped(self) -> bool:
        return self._signal != 0

    def run(self) -> int:
        """Warm up, run the load to its end or until something ends it; returns the exit code."""
        self._hub.wait_ready(self._stopped)
        warmup = Warmup(self._plan, self._hub, _OK, self._stopped)
        _say("warmup")
        facts = warmup.run()
        self._router = self._make_router(warmup)
        self._source: Source | None = None
        if not self._stopped() and not all(lane.out for lane in self._router.lanes):
            self._loop(self._begin())
        self._conclude()
        self._hub.stop(_WORKER_STOP_S)
        self._save(facts)
        return 0 if self._tally.status == "finished" else 1

    def _make_router(self, warmup: Warmup) -> Router:
        weights: list[int] = np.load(self._plan.prompt_tokens).tolist()
        rates = [endpoint.rate for endpoint in warmup.endpoints]
        router = Router(
            [endpoint.window or 1 for endpoint in warmup.endpoints],
            lambda qsl_idx: float(weights[qsl_idx] + self._plan.answer_limit(qsl_idx) * _OUTPUT_WORK),
            max_attempts=self._plan.max_attempts,
            offline_epoch=self._plan.samples if self._plan.scenario == "Offline" else None,
            prior_rates=rates if all(rates) else None,
        )
        for lane, endpoint in zip(router.lanes, warmup.endpoints, strict=True):
            lane.out = bool(endpoint.failure)
        return router

    def _begin(self) -> Source:
        self._source = source = self._make_source()
        quiet_gc()
        self._measure.start()
        self._hub.start_measuring()
        _say("start")
        source.start(time.monotonic_ns())
        return source

    def _make_source(self) -> Source:
        if self._plan.pacer is not None:
            return Pacer(self._plan.pacer, self._plan.samples, self._on_issue, self._on_end)
        from assay.load import loadgen  # a run of the pacer's needs none of it

        return loadgen.Test(self._plan, self._on_issue, self._on_end)

    def _on_issue(self, issues: Sequence[Issue]) -> None:
        """Runs on LoadGen's thread, or on this one where the pacer drives."""
        now_ns = time.monotonic_ns()
        with self._lock:
            if self._closing:  # LoadGen can't be stopped and goes on until the process ends
                return
            first = len(self._queries)
            self._issued.add(first, issues, now_ns)
            self._queries.extend(issue.query for issue in issues)
            self._first_told.extend(bytes(len(issues)))
            self._router.offer((first + place, issue.qsl_idx, issue.session) for place, issue in enumerate(issues))
            for send in self._router.dispatch(now_ns):
                self._hub.send(send)

    def _on_end(self, error: BaseException | None) -> None:
        """Runs on the thread that issues."""
        self._error = error
        self._over = True
        self._hub.wake()

    def _loop(self, source: Source) -> None:
        next_progress_ns = 0
        while not self._over and not self._stopped() and not self._router.all_gone:
            self._step(source, self._hub.poll(self._patience_s(source)))
            now_ns = time.monotonic_ns()
            if now_ns >= next_progress_ns:
                self._progress()
                next_progress_ns = now_ns + _PROGRESS_NS
        self._progress()

    def _patience_s(self, source: Source) -> float:
        waited_for = [
            time_ns for time_ns in (self._router.next_retry_ns(), source.next_due_ns()) if time_ns is not None
        ]
        if not waited_for:
            return _PATIENCE_S
        return max(0.0, min(_PATIENCE_S, (min(waited_for) - time.monotonic_ns()) / 1e9))

    def _step(self, source: Source, messages: list[Any]) -> None:
        firsts: list[FirstToken] = []
        answers: list[Answer] = []
        now_ns = time.monotonic_ns()
        with self._lock:
            for message in messages:
                if isinstance(message, Done):
                    self._on_done(message, firsts, answers, now_ns)
                elif isinstance(message, First):
                    self._on_first(message, firsts, now_ns)
                elif isinstance(message, Health):
                    self._router.probed(message.endpoint, healthy=message.healthy)
            for send in self._router.dispatch(now_ns):
                self._hub.send(send)
            if self._router.out and now_ns - self._last_probe_ns >= _PROBE_NS:
                self._last_probe_ns = now_ns
                for endpoint in self._router.out:
                    self._hub.probe(endpoint)
        source.first_tokens(firsts)
        source.complete(answers)
        source.issue_due(time.monotonic_ns())

    def _on_first(self, first: First, firsts: list[FirstToken], now_ns: int) -> None:
        if not self._plan.streams_first_token:
            return
        if self._first_told[first.sample]:
            self._tally.first_token_then_resent += 1
            return
        self._first_told[first.sample] = True
        self._tally.hops_ns.append(now_ns - first.first_ns)
        data = first.token.to_bytes(4, "little") if first.token >= 0 else b""
        firsts.append(FirstToken(self._queries[first.sample], data))

    def _on_done(self, done: Done, firsts: list[FirstToken], answers: list[Answer], now_ns: int) -> None:
        ok = done.outcome == _OK
        fate = self._router.finish(
            done.sample, done.endpoint, ok=ok, unreachable=done.outcome in _UNREACHABLE, now_ns=now_ns
        )
        if fate is Fate.RESEND:
            return
        query = self._queries[done.sample]
        if self._plan.streams_first_token and not self._first_told[done.sample]:
            firsts.append(FirstToken(query, b""))  # a failed sample too: without it LoadGen's process crashes
        if fate is Fate.FAILED:
            # LoadGen has no way to say "failed": the query must be completed or the test never ends.
            self._tally.failed += 1
            answers.append(Answer(query, b"", _LEAST_TOKENS, done.done_ns))
            return
        if not self._plan.streams_first_token:
            self._tally.hops_ns.append(now_ns - done.done_ns)
        answers.append(Answer(query, *self._answer(done), done.done_ns))

    def _answer(self, done: Done) -> tuple[bytes, int]:
        """Output ids and token count as LoadGen is told them; one-token answers are stated as two, and counted."""
        tokens, ids = done.output_tokens, done.output_ids
        if tokens < 0:
            tokens = len(ids) // 4 or done.chunks
            self._tally.estimated_tokens += 1
        self._tally.completed += 1
        self._endpoint_ok[done.endpoint] += 1
        self._tokens += tokens
        if tokens < _LEAST_TOKENS:
            self._tally.short_outputs += 1
            ids += self._plan.eos_id.to_bytes(4, "little") * (_LEAST_TOKENS - tokens) if ids else b""
        return ids, max(tokens, _LEAST_TOKENS)

    def _progress(self) -> None:
        _say(
            "progress",
            issued=len(self._queries),
            completed=self._tally.completed,
            failed=self._tally.failed,
            in_flight=self._router.in_flight,
            output_tokens=self._tokens,
            endpoints={
                endpoint.name: {"completed": ok, "in_flight": lane.in_flight, "out": lane.out}
                for endpoint, ok, lane in zip(self._plan.endpoints, self._endpoint_ok, self._router.lanes, strict=True)
            },
        )

    def _conclude(self) -> None:
        with self._lock:
            self._closing = True
        if self._error is not None:
            self._tally.status, self._tally.reason = "error", f"{type(self._error).__name__}: {self._error}"
        elif self._stopped():
            self._tally.status, self._tally.reason = "stopped", signal.Signals(self._signal).name
        elif not self._over:
            before = "" if self._source else " during warm-up"
            self._tally.status, self._tally.reason = "endpoints_gone", f"no endpoint answers any more{before}"

    def _save(self, facts: Any) -> None:
        stats: dict[str, Any] = {**self._hub.stats, "loadgen": self._measure.report()}
        tally = dict(vars(self._tally))
        hops = np.asarray(tally.pop("hops_ns"), dtype=np.int64)
        schedule = self._source.schedule if self._source else Schedule()
        tally |= {
            "issued": len(self._queries),
            "windows": [lane.window for lane in self._router.lanes],
            "hop_percentiles_ns": [int(np.percentile(hops, p)) for p in (50, 99, 100)] if len(hops) else None,
            "processes": stats,
            "warmup": facts.model_dump(),
            "schedule_seed": schedule.seed,
            "target_qps": schedule.target_qps,
        }
        write_json(self._folder / "parts" / OUTCOME_NAME, tally)
        trace = self._folder / "mlperf_log_trace.json"
        if trace.exists() and not trace.stat().st_size:  # LoadGen makes it even where tracing is off
            trace.unlink()


def _say(event: str, **facts: Any) -> None:
    line = orjson.dumps({"event": event, "time_ns": time.monotonic_ns(), **facts}, option=orjson.OPT_APPEND_NEWLINE)
    os.write(1, line)


def main(argv: list[str]) -> int:
    """Run the test that the plan describes."""
    plan_path = Path(argv[0])
    die_with_parent(int(argv[1]))
    plan = read_plan(plan_path)
    try:
        return Driver(plan, plan_path).run()
    except AssayError as error:
        write_json(Path(plan.folder) / "parts" / OUTCOME_NAME, {"status": "error", "reason": str(error)})
        return 1


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # LoadGen's thread can't be stopped, and a query that is still open would crash its destructor
