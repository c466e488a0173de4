"""Inside a probe: ends it as soon as it shows that its rate keeps the criteria, or that it doesn't.

A sequential test: it looks each time that a fifth more requests are known, so that the number of looks, and with it the
chance of a wrong answer, stays small. It sees requests in the order in which they arrived and no further than to the
first that isn't known yet; whoever looks at what has come back sees too few that take long.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from assay.search.criteria import Criterion, Floats, Verdict
from assay.search.evidence import verdict

Because = Literal["limits", "growth", "ease", "so far"]

FIRST_LOOK = 100
"""Fewer requests say nothing."""
_GROWTH = 1.2
_ALPHA = 0.002
"""Of one look; some 25 looks see 10,000 requests."""
_WARM, _WARM_AT_LEAST, _WARM_AT_MOST = 1 / 8, 1000, 1 / 4
_STEPS = 6
_MANY = 10.0
_EASE_REQUESTS, _EASE = 500, 0.5
STEADY_REQUESTS, _STEADY_TIMES = 200, 8
"""The fewest requests of which it is said that a rate is kept, and how many times as long as one takes they last: a
queue needs both to show, since at 1.3 times its capacity it has grown by 23 of 100 requests, give or take 15."""
_SURE_REQUESTS = 1600
"""The fewest of which it is sure that a rate is kept: at 1.05 times the capacity the queue has then grown by 80, and
chance makes it swing by 40. Fewer keep every limit at many a rate that is too high."""
_TREND_BLOCKS, _TREND = 12, 1.0
"""Into how many parts a probe is divided to see a trend, and how many standard errors of its slope are one: few, since
missing a queue that grows is worse than to look again later."""
_TELLS = 2.5
"""Standard errors of the chance of arrivals that must be within the precision in a confirming run: fewer requests keep
every limit at many a rate that is too high by more, since by chance more or fewer come, and queues are slow to grow."""
_FILLED = 1.5
_SURE_TREND, _BOUND_TREND = 3.0, 4.0
"""Of a run that is over: chance alone shows so much once in some 150 runs, and in 800. The first is enough not to
confirm a rate; a bound for all further probes is the second, since a search has a dozen of them."""


@dataclass(frozen=True)
class Request:
    """One that has ended, well or not."""

    arrived_s: float
    in_flight: int
    """Others that the server had when it arrived."""
    of_limits: tuple[float, ...]
    """For each criterion its measure over its limit, the largest where it has several; infinite where it failed."""


def settled(of_limits: Floats) -> Floats:
    """Without the first eighth, or thousand up to a fourth, in which a server that was idle fills."""
    count = len(of_limits)
    return of_limits[int(max(_WARM * count, min(_WARM_AT_LEAST, _WARM_AT_MOST * count))) :]


def came(arrived_s: Floats) -> float | None:
    """Requests a second that arrived in the part that counts; None where too few did to tell.

    Args:
        arrived_s: in order of arrival, NaN where it isn't known.
    """
    first = len(arrived_s) - len(settled(arrived_s))
    known = np.flatnonzero(~np.isnan(arrived_s[first:])) + first
    if len(known) < FIRST_LOOK:
        return None
    return float((known[-1] - known[0]) / (arrived_s[known[-1]] - arrived_s[known[0]]))


class Trial:
    """Told of every request of a probe."""

    def __init__(self, criteria: tuple[Criterion, ...]) -> None:
        self._criteria = criteria
        self._early: dict[int, Request] = {}
        self._of_limits: list[tuple[float, ...]] = []
        self._in_flight: list[int] = []
        self._next_look = FIRST_LOOK
        self._verdict: Verdict = "undecided"
        self.because: Because | None = None
        """What the verdict rests on; None while undecided.

        `growth`: a queue grows that takes the measures with it. `ease`: none of many requests came to half of a limit.
        `so far`: the share over the limit is small enough, but in so few requests a queue that grows slowly wouldn't
        show. Neither of the last two is sure; both are enough to try a higher rate.
        """

    @property
    def known(self) -> int:
        """Requests from the first on that have all ended."""
        return len(self._of_limits)

    def tell(self, number: int, request: Request) -> None:
        """That the request which came as the `number`-th, from 0 on, has ended."""
        self._early[number] = request
        while (following := self._early.pop(self.known, None)) is not None:
            self._of_limits.append(following.of_limits)
            self._in_flight.append(following.in_flight)

    def verdict(self) -> Verdict:
        """From what is told so far; once sure it stays."""
        if self._verdict == "undecided" and self.known >= self._next_look:
            self._next_look = int(_GROWTH * self.known) + 1
            self._look()
        return self._verdict

    def _look(self) -> None:
        of_limits, in_flight = settled(np.array(self._of_limits)), np.array(self._in_flight, dtype=np.float64)
        shown = verdict(of_limits, self._criteria, _ALPHA)
        easy = len(of_limits) >= _EASE_REQUESTS and of_limits.max() < _EASE
        if shown == "over":
            self._verdict, self.because = "over", "limits"
        elif growing(in_flight, of_limits, self._criteria):
            self._verdict, self.because = "over", "growth"
        elif (shown == "under" or easy) and steady(in_flight, of_limits):
            self._verdict, self.because = "under", _why_kept(shown == "under", easy, len(in_flight))


def _why_kept(shown: bool, easy: bool, requests: int) -> Because:
    if shown and requests >= _SURE_REQUESTS:
        return "limits"
    return "ease" if easy else "so far"


def steady(in_flight: Floats, of_limits: Floats) -> bool:
    """Whether a probe would show a queue that grows, and doesn't.

    It lasted some times as long as a request takes, and neither the number in flight nor a measure rises beyond chance.

    A request takes as long as the number in flight of them take to arrive (Little's law).

    Args:
        in_flight: of all requests.
        of_limits: of those once the server has filled.
    """
    if _too_short(in_flight):
        return False
    return not any(_trends(series, _TREND) for series in (in_flight[-len(of_limits) :], *of_limits.T))


def _too_short(in_flight: Floats) -> bool:
    return len(in_flight) < max(STEADY_REQUESTS, _STEADY_TIMES * float(in_flight.mean()))


def telling_requests(precision: float) -> int:
    """How many requests of a confirming run tell its rate from one that is too high by more than the precision."""
    return max(STEADY_REQUESTS, math.ceil((_TELLS / precision) ** 2))


def queue_grows(in_flight: Floats) -> bool:
    """Whether in a run that is over the number in flight rose beyond chance: in a longer one the limits would break.

    In a short one it may be the server that filled (`outgrown`).
    """
    return _rose(in_flight, _BOUND_TREND)


def _rose(in_flight: Floats, errors: float) -> bool:
    return len(in_flight) >= FIRST_LOOK and _trends(in_flight[len(in_flight) - len(settled(in_flight)) :], errors)


def outgrown(in_flight: Floats) -> bool:
    """Whether it rose once the server had filled too, so that more came than was done.

    An idle server fills until as many requests have ended as it holds, and half as long again.
    """
    arrival = np.arange(len(in_flight))
    filling = np.flatnonzero(in_flight > arrival / 2)
    filled = int(_FILLED * (filling[-1] + 1)) if len(filling) else 0
    first = max(filled, len(in_flight) - len(settled(in_flight)))
    return len(in_flight) - first >= FIRST_LOOK and _trends(in_flight[first:], _SURE_TREND)


@dataclass(frozen=True)
class Confirmation:
    """What a confirming run showed of its rate."""

    held: bool
    """It kept the criteria, and would have if it had been longer."""
    enough: int = 0
    """Where it kept them in too few requests to show that: how many would; else 0."""


def confirmation(
    of_limits: Floats, in_flight: Floats, criteria: tuple[Criterion, ...], precision: float
) -> Confirmation:
    """What a run that is over shows of its rate.

    Args:
        of_limits: of all requests.
        in_flight: of all that were answered, in order of arrival.
    """
    if not len(of_limits) or not len(in_flight) or _rose(in_flight, _SURE_TREND):
        return Confirmation(held=False)
    shares = (of_limits > 1).mean(axis=0)
    if any(share > criterion.allowed for share, criterion in zip(shares, criteria, strict=True)):
        return Confirmation(held=False)
    enough = max(telling_requests(precision), math.ceil(_STEADY_TIMES * float(in_flight.mean())))
    return Confirmation(held=True) if len(of_limits) >= enough else Confirmation(held=False, enough=enough)


def _trends(series: Floats, errors: float) -> bool:
    """Whether the means of neighbours, by ranks so that no single one decides, rise along a line beyond chance."""
    ranks = np.searchsorted(np.sort(series), series) + np.searchsorted(np.sort(series), series, side="right")
    means = np.array([part.mean() for part in np.array_split(ranks, _TREND_BLOCKS)])
    place = np.arange(_TREND_BLOCKS) - (_TREND_BLOCKS - 1) / 2
    slope = float(place @ means / (place @ place))
    left = means - means.mean() - slope * place
    error = np.sqrt(left @ left / (_TREND_BLOCKS - 2) / (place @ place))
    return slope > 0 and slope > errors * error


def growing(in_flight: Floats, of_limits: Floats, criteria: tuple[Criterion, ...]) -> bool:
    """Whether a queue grows that takes the criteria with it.

    The number in flight is higher in each sixth of the requests than in the one before, by chance once in 720 times,
    and so is the measure over its limit, and of the last third many times as many are over it as may be.
    """
    if not _rises(in_flight):
        return False
    last = of_limits[-len(of_limits) // 3 :]
    for place, criterion in enumerate(criteria):
        many = min(criterion.hopeless, _MANY * criterion.allowed)
        if (last[:, place] > 1).mean() >= many and _rises(of_limits[:, place]):
            return True
    return False


def _rises(series: Floats) -> bool:
    steps = [float(np.median(part)) for part in np.array_split(series, _STEPS)]
    return all(later > earlier for earlier, later in pairwise(steps))
