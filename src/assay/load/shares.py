"""Which worker carries which endpoint's requests: as much load for each, and as few connections as requests in flight.

An endpoint that is much of a worker's share belongs to all workers, and its requests in flight are the same number at
each; what is less belongs to one worker, the one that carries least so far.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from operator import sub

_MUCH = 0.25  # of a worker's share: what isn't more can't put workers further apart


class Shares:
    """Who takes an endpoint's next request. The same for every process that is given the same numbers.

    `take` and `over` may be called from two threads, each from one at a time: each counts for itself.
    """

    def __init__(self, loads: Sequence[float], workers: int) -> None:
        """`loads` are the endpoints', in any unit."""
        self.workers = workers
        limit = _MUCH * sum(loads) / workers
        carried = [(0.0, worker) for worker in range(workers)]
        self._own: list[int | None] = [None] * len(loads)  # the one worker of an endpoint
        self._taken: dict[int, list[int]] = {}  # requests by worker, of endpoints that belong to all
        self._over: dict[int, list[int]] = {}
        for endpoint in sorted(range(len(loads)), key=lambda endpoint: -loads[endpoint]):
            if loads[endpoint] > limit:
                self._taken[endpoint], self._over[endpoint] = [0] * workers, [0] * workers
            else:
                load, worker = carried[0]
                self._own[endpoint] = worker
                heapq.heapreplace(carried, (load + loads[endpoint], worker))

    def sharers(self, endpoint: int) -> int:
        """How many workers talk to an endpoint."""
        return self.workers if self._own[endpoint] is None else 1

    def first(self, endpoint: int) -> int:
        """The one that asks the endpoint how it is."""
        return self._own[endpoint] or 0

    def take(self, endpoint: int) -> int:
        """The worker that gets the next request: of an endpoint's, the first with the fewest in flight there."""
        own = self._own[endpoint]
        if own is not None:
            return own
        taken = self._taken[endpoint]
        in_flight = list(map(sub, taken, self._over[endpoint]))
        worker = in_flight.index(min(in_flight))
        taken[worker] += 1
        return worker

    def over(self, endpoint: int, worker: int) -> None:
        """A request that the worker took has its outcome."""
        if self._own[endpoint] is None:
            self._over[endpoint][worker] += 1
