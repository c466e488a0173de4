"""Ends a load once a sequential test is sure whether its limits are kept; looked at beside the hot path.

The test sees what each request took as the worker measured it. What it says decides when the load ends and nothing
else: what a probe shows is computed from its records.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from assay.load.frames import Done
from assay.runs.outcome import Sure
from assay.runs.tail_limits import TailLimit
from assay.search import Criterion, Request, Trial

_LEAST_TOKENS = 2


class Ended(NamedTuple):
    """A sample that is over, for good."""

    done: Done
    ok: bool


class UntilSure:
    """Told of every sample of a load. Times are ns of CLOCK_MONOTONIC."""

    def __init__(self, limits: Iterable[TailLimit], start_ns: Sequence[int]) -> None:
        """`start_ns` are the times from which latencies count, by sample; it grows as samples are issued."""
        import scipy.special  # noqa: F401  # a second on some machines, in which the first look would send nothing

        self._limits = tuple(limits)
        self._trial = Trial(tuple(Criterion(limit.title, limit.share) for limit in self._limits))
        self._start_ns = start_ns
        self._in_flight = array("q")  # others, at each arrival
        self._flying = 0
        self._ended: list[Ended] = []

    def issued(self, samples: int) -> None:
        """So many more."""
        self._in_flight.extend(range(self._flying, self._flying + samples))
        self._flying += samples

    def ended(self, samples: Iterable[Ended]) -> None:
        """These are over."""
        before = len(self._ended)
        self._ended.extend(samples)
        self._flying -= len(self._ended) - before

    def look(self, elapsed_ns: int) -> Sure | None:
        """What all that ended since the last look makes sure of; None: nothing yet."""
        ended, self._ended = self._ended, []
        for one, of_limits in zip(ended, self._of_limits(ended), strict=True):
            sample = one.done.sample
            self._trial.tell(
                sample, Request(self._start_ns[sample] / 1e9, self._in_flight[sample], tuple(of_limits.tolist()))
            )
        verdict = self._trial.verdict()
        if verdict == "undecided":
            return None
        return Sure(over=verdict == "over", because=self._trial.because or "limits", after_ns=elapsed_ns)

    def _of_limits(self, ended: list[Ended]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        """How much of each limit the samples took, shape (samples, limits); infinite where one failed."""
        start_ns = np.array([self._start_ns[one.done.sample] for one in ended], dtype=np.int64)
        first_ns, last_ns, tokens = (
            np.array([column(one.done) for one in ended], dtype=np.int64)
            for column in (lambda d: d.first_ns, lambda d: d.last_ns, _tokens)
        )
        several = tokens >= _LEAST_TOKENS
        times_ns = {
            "ttft": first_ns - start_ns,
            "latency": last_ns - start_ns,
            "tpot": np.where(several, (last_ns - first_ns) // np.maximum(tokens - 1, 1), 0),
        }
        shares = np.empty((len(ended), len(self._limits)))
        for place, limit in enumerate(self._limits):
            shares[:, place] = limit.keeps.of_limit(times_ns)
        shares[[not one.ok for one in ended]] = np.inf
        return shares


def _tokens(done: Done) -> int:
    """Those that were streamed; chunks where the server tells no tokens."""
    return done.output_tokens if done.output_tokens >= 0 else done.chunks
