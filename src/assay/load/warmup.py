"""Warm-up before the clock: every endpoint answers prompts that aren't in the data set until first-token times settle.

Rule: a round sends the warm-up prompts to every endpoint at once; the endpoint has settled when the median TTFT of two
rounds in a row differs by no more than the tolerance (20 %), after at most `max_rounds` rounds. One prompt alone comes
before the rounds and one after them: the difference of their TTFT is the cost of a cold start. An endpoint whose window
isn't known then gets more and more prompts at once, doubling, until throughput grows by less than 10 %.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from assay.load.frames import Done, Send
from assay.load.hub import Hub
from assay.load.plan import LoadPlan
from assay.load.retries import Patience, Result, result_of
from assay.load.transport import Outcome
from assay.runs.record import WarmupFacts

_LARGEST_WINDOW = 512
_FIRST_WINDOW = 8
_LEAST_GAIN = 1.10
_RETRY_DELAY_NS = 200_000_000
_LOOK_S = 0.05
_OUTCOMES = list(Outcome)


@dataclass
class EndpointWarmup:
    """What warm-up learnt of one endpoint. `rate` is in samples/s at the last concurrency."""

    window: int | None
    rate: float = 0.0
    failure: str = ""
    alone_ns: list[int] = field(default_factory=list)
    medians_ns: list[int] = field(default_factory=list)

    def settled(self, tolerance: float) -> bool:
        if len(self.medians_ns) < 2:
            return False
        before, last = self.medians_ns[-2:]
        return abs(last - before) <= tolerance * before


class Warmup:
    """Runs the warm-up through the workers that the test will use."""

    def __init__(self, plan: LoadPlan, hub: Hub, stopped: Callable[[], bool]) -> None:
        self._plan = plan
        self._hub = hub
        self._stopped = stopped
        self._next_sample = -1
        self._requests = 0
        self.endpoints = [EndpointWarmup(endpoint.window) for endpoint in plan.endpoints]

    def run(self) -> WarmupFacts:
        started_ns = time.monotonic_ns()
        rule = self._plan.warmup
        if rule.prompts:
            self._round(dict.fromkeys(self._alive(), 1))
            for _ in range(rule.max_rounds):
                self._round(dict.fromkeys(self._alive(), rule.prompts))
                if self._stopped() or all(self.endpoints[i].settled(rule.tolerance) for i in self._alive()):
                    break
            self._round(dict.fromkeys(self._alive(), 1))
            self._find_windows()
        for endpoint in self.endpoints:
            endpoint.window = endpoint.window or _FIRST_WINDOW
        return self._facts(time.monotonic_ns() - started_ns)

    def failures(self) -> dict[str, str]:
        """The endpoints that answered nothing: why, in their words."""
        named = zip(self._plan.endpoints, self.endpoints, strict=True)
        return {plan.name: endpoint.failure for plan, endpoint in named if endpoint.failure}

    def _alive(self) -> list[int]:
        return [index for index, endpoint in enumerate(self.endpoints) if not endpoint.failure]

    def _round(self, counts: dict[int, int]) -> None:
        """Send `counts[endpoint]` prompts to each endpoint at once and wait until each is answered or has failed."""
        prompts = self._plan.warmup.prompts
        started_ns = time.monotonic_ns()
        pending: dict[int, tuple[Send, Patience]] = {}
        for endpoint, count in counts.items():
            for turn in range(count):
                send = Send(endpoint, self._next_sample, self._plan.samples + turn % prompts, 1)
                pending[send.sample] = (send, Patience())
                self._next_sample -= 1
                self._send(send)
        later: list[tuple[int, Send]] = []
        answers: dict[int, list[Done]] = {endpoint: [] for endpoint in counts}
        while pending and not self._stopped():
            for message in self._hub.poll(_LOOK_S if later else 1.0):
                if isinstance(message, Done):
                    again = self._finish(message, pending, answers)
                    later += [again] if again else []
            now_ns = time.monotonic_ns()
            for due_ns, send in later:
                if due_ns <= now_ns:
                    self._send(send)
            later = [(due_ns, send) for due_ns, send in later if due_ns > now_ns]
        for endpoint, dones in answers.items():
            self._learn(self.endpoints[endpoint], dones, started_ns)

    def _send(self, send: Send) -> None:
        self._hub.send(send)
        self._requests += 1

    def _finish(
        self, done: Done, pending: dict[int, tuple[Send, Patience]], answers: dict[int, list[Done]]
    ) -> tuple[int, Send] | None:
        """An attempt is over; when it is to be tried again, as samples are, and how."""
        send, patience = pending[done.sample]
        result = result_of(_OUTCOMES[done.outcome])
        if result is Result.ANSWERED or patience.spent(result, self._plan.max_attempts):
            del pending[done.sample]
            answers[send.endpoint].append(done)
            return None
        again = send._replace(attempt=send.attempt + 1)
        pending[done.sample] = (again, patience)
        return time.monotonic_ns() + (done.retry_ns or _RETRY_DELAY_NS), again

    def _learn(self, endpoint: EndpointWarmup, dones: list[Done], started_ns: int) -> None:
        good = [done for done in dones if _OUTCOMES[done.outcome] is Outcome.OK]
        if not good:
            endpoint.failure = dones[-1].detail if dones else "stopped before an answer"
            return
        ttfts_ns = [done.first_ns - done.sent_ns for done in good]
        if len(dones) == 1:
            endpoint.alone_ns += ttfts_ns
            return
        endpoint.medians_ns.append(int(statistics.median(ttfts_ns)))
        endpoint.rate = len(good) / ((max(done.done_ns for done in good) - started_ns) / 1e9)

    def _find_windows(self) -> None:
        searching = {i: (_FIRST_WINDOW, 0.0) for i in self._alive() if self.endpoints[i].window is None}
        while searching and not self._stopped():
            self._round({index: concurrency for index, (concurrency, _) in searching.items()})
            for index, (concurrency, before) in list(searching.items()):
                endpoint = self.endpoints[index]
                grown = endpoint.rate >= _LEAST_GAIN * before
                if grown and not endpoint.failure and concurrency < _LARGEST_WINDOW:
                    searching[index] = (concurrency * 2, endpoint.rate)
                else:
                    endpoint.window = concurrency
                    del searching[index]

    def _facts(self, duration_ns: int) -> WarmupFacts:
        rule, alive = self._plan.warmup, self._alive()
        firsts = [self.endpoints[i].alone_ns[0] for i in alive if len(self.endpoints[i].alone_ns) > 1]
        lasts = [self.endpoints[i].alone_ns[-1] for i in alive if len(self.endpoints[i].alone_ns) > 1]
        return WarmupFacts(
            requests=self._requests,
            settled=bool(alive) and all(self.endpoints[i].settled(rule.tolerance) for i in alive),
            first_ttft_ns=max(firsts, default=None),
            settled_ttft_ns=max(lasts, default=None),
            duration_ns=duration_ns,
            rule=f"{rule.prompts} prompts a round to each endpoint, until the median TTFT of two rounds differs by at "
            f"most {rule.tolerance:.0%}, {rule.max_rounds} rounds at most",
        )
