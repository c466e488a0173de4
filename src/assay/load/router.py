"""Which endpoint answers which sample: pull-based windows, no I/O, no clock of its own.

Each endpoint has a window of requests in flight and takes the next sample when it has room. Among endpoints with room
the one with the least outstanding work, relative to its rate, is chosen. In Offline the queue is longest-first within
one epoch of the data set, and near the end an endpoint takes a sample only if waiting in the queue for faster ones
wouldn't be quicker: a slow endpoint must not hold the last samples.

The samples of a session go to the endpoint that took the session's first one, and wait for room there; where it is
taken out or failed the sample, another endpoint takes the sample and keeps the session.

An endpoint that says it is busy (429, 503) is sent nothing for as long as it asks, and less at once afterwards; that is
no outage. A sample that is refused for what it is (another 4xx) says nothing about its endpoint.
"""

from __future__ import annotations

import heapq
from array import array
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum

from assay.load.frames import Send
from assay.load.lanes import RETRY_DELAY_NS, Board, Lane
from assay.load.retries import Patience, Result
from assay.load.source import NO_SESSION, NO_TIME, Issue

_OUT_AFTER_FAILURES = 3
_NO_HOME = -1


class Fate(Enum):
    """What becomes of a sample when one of its attempts is over."""

    COMPLETED = "completed"
    RESEND = "resend"
    FAILED = "failed"


@dataclass(slots=True)
class _Sample:
    sample: int
    qsl_idx: int
    work: float
    session: int = NO_SESSION
    due_ns: int = NO_TIME
    history: bytes = b""
    attempts: int = 0
    sent_ns: int = 0
    tried: set[int] = field(default_factory=set)
    patience: Patience = field(default_factory=Patience)


class Router:
    """Holds the queue and each endpoint's window; every method is a pure step in its state."""

    def __init__(
        self,
        windows: Sequence[int],
        work: Callable[[int], float],
        *,
        max_attempts: int,
        offline_epoch: int | None,
        prior_rates: Sequence[float] | None = None,
    ) -> None:
        """`work(qsl_idx)` weighs a sample; `offline_epoch` is the data set's size in Offline, else None."""
        rates = prior_rates or [1.0] * len(windows)
        self._board = Board(windows, rates, offline=offline_epoch is not None)
        self.lanes = self._board.lanes
        self._work = work
        self._max_attempts = max_attempts
        self._epoch = offline_epoch
        self._queue: deque[_Sample] = deque()
        self._retries: list[tuple[int, int, _Sample]] = []  # a heap of (ready at, sample_id, sample)
        self._flying: dict[int, _Sample] = {}
        self._homes = array("h")  # each session's endpoint, or _NO_HOME

    def offer(self, first: int, issues: Sequence[Issue]) -> None:
        """Queue what was issued as the samples from `first` on; a whole Offline issue is one call."""
        fresh = [
            _Sample(first + place, issue.qsl_idx, self._work(issue.qsl_idx), issue.session, issue.due_ns, issue.history)
            for place, issue in enumerate(issues)
        ]
        if self._epoch is None:
            self._queue.extend(fresh)
            return
        for start in range(0, len(fresh), self._epoch):
            self._queue.extend(sorted(fresh[start : start + self._epoch], key=lambda sample: -sample.work))

    def dispatch(self, now_ns: int) -> list[Send]:
        """Take every sample for which an endpoint has room."""
        self._release_retries(now_ns)
        sends: list[Send] = []
        held: list[_Sample] = []
        while self._queue:
            sample = self._queue[0]
            home = self._home(sample)
            if home is not None and not home.has_room:  # those behind it needn't wait
                held.append(self._queue.popleft())
                continue
            lane = home or self._board.choose(len(self._queue), sample.tried, again=sample.attempts > 0)
            if lane is None:
                break
            sends.append(self._assign(lane, self._queue.popleft(), now_ns))
        self._queue.extendleft(reversed(held))
        return sends

    def _home(self, sample: _Sample) -> Lane | None:
        """The endpoint that the sample's session is bound to."""
        if sample.session == NO_SESSION or sample.session >= len(self._homes):
            return None
        home = self._homes[sample.session]
        if home == _NO_HOME or self.lanes[home].out or home in sample.tried:
            return None
        return self.lanes[home]

    def _keep(self, session: int, lane: Lane) -> None:
        missing = session + 1 - len(self._homes)
        self._homes.extend([_NO_HOME] * missing)
        self._homes[session] = lane.index

    def _release_retries(self, now_ns: int) -> None:
        self._board.resume(now_ns)
        ready = []
        while self._retries and self._retries[0][0] <= now_ns:
            ready.append(heapq.heappop(self._retries)[2])
        self._queue.extendleft(reversed(ready))

    def next_retry_ns(self) -> int | None:
        """When the next waiting retry is due, or an endpoint may be sent something again."""
        times = [self._retries[0][0] if self._retries else None, self._board.next_resume_ns()]
        return min((time_ns for time_ns in times if time_ns is not None), default=None)

    def _assign(self, lane: Lane, sample: _Sample, now_ns: int) -> Send:
        sample.attempts += 1
        sample.tried.add(lane.index)
        self._flying[sample.sample] = sample
        if sample.session != NO_SESSION:
            self._keep(sample.session, lane)
        lane.in_flight += 1
        lane.outstanding_work += sample.work
        self._board.loaded(lane)
        sample.sent_ns = now_ns
        return Send(lane.index, sample.sample, sample.qsl_idx, sample.attempts, sample.due_ns, sample.history)

    def finish(self, sample_id: int, endpoint: int, result: Result, now_ns: int, retry_ns: int = 0) -> Fate:
        """An attempt is over. `retry_ns`: how long a busy endpoint asks to wait; 0 where it doesn't say."""
        sample = self._flying.pop(sample_id)
        lane = self.lanes[endpoint]
        lane.in_flight -= 1
        lane.outstanding_work -= sample.work
        ready_ns = now_ns + RETRY_DELAY_NS
        if result is Result.ANSWERED:
            lane.answered((now_ns - sample.sent_ns) / 1e9)
        elif result is Result.BUSY:
            ready_ns = lane.told_to_wait(retry_ns, now_ns)
            sample.tried.discard(lane.index)  # it may well answer next time
        elif result is not Result.REFUSED:
            lane.consecutive_failures += 1
            lane.out |= result is Result.UNREACHABLE or lane.consecutive_failures >= _OUT_AFTER_FAILURES
        self._board.changed(lane)
        if result is Result.ANSWERED:
            return Fate.COMPLETED
        if sample.patience.spent(result, self._max_attempts):
            return Fate.FAILED
        heapq.heappush(self._retries, (ready_ns, sample.sample, sample))
        return Fate.RESEND

    def take_out(self, endpoint: int) -> None:
        """Nothing is sent to it until a probe finds it healthy."""
        self.lanes[endpoint].out = True
        self._board.changed(self.lanes[endpoint])

    def probed(self, endpoint: int, *, healthy: bool) -> None:
        """A probe's answer: a healthy endpoint takes part again."""
        lane = self.lanes[endpoint]
        if healthy:
            lane.out, lane.failed_probes, lane.consecutive_failures = False, 0, 0
        else:
            lane.failed_probes += 1
        self._board.changed(lane)

    @property
    def out(self) -> list[int]:
        """Endpoints that are taken out."""
        return self._board.out

    @property
    def all_gone(self) -> bool:
        """True when every endpoint is out and has failed a probe since."""
        return self._board.all_gone

    @property
    def queued(self) -> int:
        """Samples that wait for an endpoint, those that wait to be sent again included."""
        return len(self._queue) + len(self._retries)

    @property
    def in_flight(self) -> int:
        return len(self._flying)
