"""Warm-up requests: sent at once, and again as samples are, until each is answered or has failed.

A prompt that an endpoint refuses (4xx: too long for its context, say) is that prompt's own failure, as a sample's is:
another takes its place, and it isn't sent there again. Only where an endpoint refuses them all has it failed.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from assay.load.frames import Done, Send
from assay.load.hub import Hub
from assay.load.plan import LoadPlan
from assay.load.retries import Patience, Result, result_of
from assay.load.transport import Outcome

_RETRY_DELAY_NS = 200_000_000
_LOOK_S = 0.05
_OUTCOMES = list(Outcome)


class Requests:
    """Each endpoint gets the prompts in turn and goes on where it was, so that it meets few of them twice."""

    def __init__(self, plan: LoadPlan, hub: Hub, stopped: Callable[[], bool]) -> None:
        self._plan = plan
        self._hub = hub
        self._stopped = stopped
        self._next_sample = -1
        self._turns = [0] * len(plan.endpoints)
        self._alone = [plan.warmup.short_body(plan.samples)] * len(plan.endpoints)
        self._refused: list[set[int]] = [set() for _ in plan.endpoints]
        self.sent = 0

    def send(self, counts: dict[int, int], *, short: bool = False) -> dict[int, list[Done]]:
        """So many prompts to each endpoint at once; what became of them. `short` asks for a few tokens."""
        pending: dict[int, tuple[Send, Patience]] = {}
        for endpoint, count in counts.items():
            for _ in range(count):
                self._begin(endpoint, pending, short=short)
        later: list[tuple[int, Send]] = []
        answers: dict[int, list[Done]] = {endpoint: [] for endpoint in counts}
        while pending and not self._stopped():
            for done in self._hub.poll(_LOOK_S if later else 1.0).dones:
                again = self._finish(done, pending, answers, short=short)
                later += [again] if again else []
            now_ns = time.monotonic_ns()
            for due_ns, send in later:
                if due_ns <= now_ns:
                    self._send(send)
            later = [(due_ns, send) for due_ns, send in later if due_ns > now_ns]
        return answers

    def _begin(self, endpoint: int, pending: dict[int, tuple[Send, Patience]], *, short: bool) -> None:
        send = Send(endpoint, self._next_sample, self._next_body(endpoint, short=short), 1)
        pending[send.sample] = (send, Patience())
        self._next_sample -= 1
        self._send(send)

    def _next_body(self, endpoint: int, *, short: bool) -> int:
        """The next that the endpoint hasn't refused; the one that it gets alone stays the same, to be compared."""
        refused = self._refused[endpoint]
        if short and self._alone[endpoint] not in refused:
            return self._alone[endpoint]
        for _ in range(self._plan.warmup.prompts):
            turn = self._turns[endpoint]
            self._turns[endpoint] = (turn + 1) % self._plan.warmup.prompts
            if self._plan.samples + turn not in refused:
                break
        if short:
            self._alone[endpoint] = self._plan.samples + turn
        return self._plan.samples + turn

    def _takes_others(self, endpoint: int) -> bool:
        """Whether there are prompts that the endpoint hasn't refused."""
        first = self._plan.samples
        return any(body not in self._refused[endpoint] for body in range(first, first + self._plan.warmup.prompts))

    def _send(self, send: Send) -> None:
        self._hub.send([send])
        self.sent += 1

    def _finish(
        self, done: Done, pending: dict[int, tuple[Send, Patience]], answers: dict[int, list[Done]], *, short: bool
    ) -> tuple[int, Send] | None:
        """An attempt is over; when it is to be tried again, as samples are, and how."""
        send, patience = pending[done.sample]
        result = result_of(_OUTCOMES[done.outcome])
        if result is Result.REFUSED:
            self._refused[send.endpoint].add(send.qsl_idx)
            if self._takes_others(send.endpoint):
                del pending[done.sample]
                self._begin(send.endpoint, pending, short=short)
                return None
        if result is Result.ANSWERED or patience.spent(result, self._plan.max_attempts):
            del pending[done.sample]
            answers[send.endpoint].append(done)
            return None
        again = send._replace(attempt=send.attempt + 1)
        pending[done.sample] = (again, patience)
        return time.monotonic_ns() + (done.retry_ns or _RETRY_DELAY_NS), again
