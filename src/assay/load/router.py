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
import itertools
from array import array
from collections import deque
from collections.abc import Callable, Sequence
from enum import Enum

from assay.load.frames import Send
from assay.load.lanes import RETRY_DELAY_NS, Board, Lane
from assay.load.retries import Patience, Result
from assay.load.source import NO_SESSION, Issue, Issues

_OUT_AFTER_FAILURES = 3
_NO_HOME = -1
_NOT_FLYING = -1
_PLAIN = Issue(0, 0)  # nothing particular


class Fate(Enum):
    """What becomes of a sample when one of its attempts is over."""

    COMPLETED = "completed"
    RESEND = "resend"
    FAILED = "failed"


class _Tries:
    """What is known of a sample that an endpoint failed to answer, or was too busy for."""

    __slots__ = ("attempts", "patience", "tried")

    def __init__(self) -> None:
        self.attempts = 1
        self.patience = Patience()
        self.tried: set[int] = set()


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
        # Numbers of every sample by its id; what few samples have is in dictionaries.
        self._qsl_idx = array("i")
        self._sent_ns = array("q")  # _NOT_FLYING where it isn't at an endpoint
        self._particular: dict[int, Issue] = {}
        self._tries: dict[int, _Tries] = {}
        self._queue: deque[int] = deque()
        self._retries: list[tuple[int, int]] = []  # a heap of (ready at, sample_id)
        self._flying = 0
        self._homes = array("h")  # each session's endpoint, or _NO_HOME

    def offer(self, issues: Issues) -> None:
        """Queue what was issued. Sample ids are the numbers in order of issue; a whole Offline issue is one call."""
        first = len(self._qsl_idx)
        self._qsl_idx.extend(issues.qsl_idx)
        self._sent_ns.extend(itertools.repeat(_NOT_FLYING, len(issues.qsl_idx)))
        self._particular.update(enumerate(issues.particular, start=first))
        fresh = range(first, first + len(issues.qsl_idx))
        if self._epoch is None:
            self._queue.extend(fresh)
            return
        for start in range(0, len(fresh), self._epoch):
            self._queue.extend(sorted(fresh[start : start + self._epoch], key=lambda sample: -self._work_of(sample)))

    def _work_of(self, sample: int) -> float:
        return self._work(self._qsl_idx[sample])

    def dispatch(self, now_ns: int, most: int | None = None) -> list[Send]:
        """Take every sample for which an endpoint has room; where these are `most`, there may be more."""
        self._release_retries(now_ns)
        sends: list[Send] = []
        held: list[int] = []
        queue, board = self._queue, self._board
        plain = not self._particular and not self._tries
        issue, tries, home = _PLAIN, None, None
        while queue and len(sends) != most:
            sample = queue[0]
            if not plain:
                issue = self._particular.get(sample, _PLAIN)
                tries = self._tries.get(sample)
                home = self._home(issue.session, tries)
            if home is not None and not home.has_room:  # those behind it needn't wait
                held.append(queue.popleft())
                continue
            lane = home or board.choose(len(queue), tries.tried if tries else (), again=tries is not None)
            if lane is None:
                break
            sends.append(self._assign(lane, queue.popleft(), issue, tries, now_ns))
        queue.extendleft(reversed(held))
        return sends

    def _home(self, session: int, tries: _Tries | None) -> Lane | None:
        """The endpoint that a session is bound to."""
        if session == NO_SESSION or session >= len(self._homes):
            return None
        home = self._homes[session]
        if home == _NO_HOME or self.lanes[home].out or (tries and home in tries.tried):
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
            ready.append(heapq.heappop(self._retries)[1])
        self._queue.extendleft(reversed(ready))

    def next_retry_ns(self) -> int | None:
        """When the next waiting retry is due, or an endpoint may be sent something again."""
        times = [self._retries[0][0] if self._retries else None, self._board.next_resume_ns()]
        return min((time_ns for time_ns in times if time_ns is not None), default=None)

    def _assign(self, lane: Lane, sample: int, issue: Issue, tries: _Tries | None, now_ns: int) -> Send:
        attempt = 1
        if tries is not None:
            attempt = tries.attempts = tries.attempts + 1
            tries.tried.add(lane.index)
        if issue.session != NO_SESSION:
            self._keep(issue.session, lane)
        qsl_idx = self._qsl_idx[sample]
        self._sent_ns[sample] = now_ns
        self._flying += 1
        lane.in_flight += 1
        lane.outstanding_work += self._work(qsl_idx)
        self._board.loaded(lane)
        return Send(lane.index, sample, qsl_idx, attempt, issue.due_ns, issue.history)

    def finish(self, sample: int, endpoint: int, result: Result, now_ns: int, retry_ns: int = 0) -> Fate:
        """An attempt is over. `retry_ns`: how long a busy endpoint asks to wait; 0 where it doesn't say."""
        lane, sent_ns = self.lanes[endpoint], self._sent_ns[sample]
        assert sent_ns != _NOT_FLYING
        self._sent_ns[sample] = _NOT_FLYING
        self._flying -= 1
        lane.in_flight -= 1
        lane.outstanding_work -= self._work_of(sample)
        if result is Result.ANSWERED:
            lane.answered((now_ns - sent_ns) / 1e9)
            self._board.answered(lane)
            self._forget(sample)
            return Fate.COMPLETED
        return self._unanswered(sample, lane, result, now_ns, retry_ns)

    def _unanswered(self, sample: int, lane: Lane, result: Result, now_ns: int, retry_ns: int) -> Fate:
        tries = self._tries.get(sample)
        if tries is None:
            tries = self._tries[sample] = _Tries()
            tries.tried.add(lane.index)
        ready_ns = now_ns + RETRY_DELAY_NS
        if result is Result.BUSY:
            ready_ns = lane.told_to_wait(retry_ns, now_ns)
            tries.tried.discard(lane.index)  # it may well answer next time
        elif result is not Result.REFUSED:
            lane.consecutive_failures += 1
            lane.out |= result is Result.UNREACHABLE or lane.consecutive_failures >= _OUT_AFTER_FAILURES
        self._board.changed(lane)
        if tries.patience.spent(result, self._max_attempts):
            self._forget(sample)
            return Fate.FAILED
        heapq.heappush(self._retries, (ready_ns, sample))
        return Fate.RESEND

    def _forget(self, sample: int) -> None:
        self._particular.pop(sample, None)
        self._tries.pop(sample, None)

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
        return self._flying
