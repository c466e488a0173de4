"""Ways to find the highest rate within limits, on simulated servers: assay's, bisection, and AIPerf's.

The other two measure each probe in the same way: a fixed number of requests, of which the first tenth, in which the
server fills, isn't looked at. All begin at the same rate and ask for the same precision.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.optimize import brentq, isotonic_regression

from assay.search import (
    Criterion,
    Found,
    Probe,
    Request,
    Run,
    Settings,
    Trial,
    Verdict,
    came,
    confirmation,
    decide,
    queue_grows,
)
from tune_servers import ALLOWED, Floats, Requests, Server, serve

PRECISION = 0.03
CONFIRM_REQUESTS = 10_000
CRITERIA = (Criterion("TTFT", ALLOWED), Criterion("TPOT", ALLOWED))
_FIRST = 1 / 8
"""Of the capacity: where all begin."""
_MOST_PROBES = 60
_WARM = 0.1


@dataclass(frozen=True)
class Answer:
    rate: float
    """NaN where there was none."""
    requests: int
    """Of all probes but the last confirming run."""
    probes: int
    confirmed: bool = False
    low: float = np.nan
    high: float = np.nan


def assay(server: Server, seed: int) -> Answer:
    settings = Settings(CRITERIA, _FIRST * server.capacity, PRECISION, confirm_requests=CONFIRM_REQUESTS)
    return _searched(server, settings, seed)


def assay_within(requests: int, server: Server, seed: int) -> Answer:
    """With a budget: the time in which about so many requests come at the true rate, a tenth of it for confirming."""
    budget_s = requests / server.root
    settings = Settings(CRITERIA, _FIRST * server.capacity, PRECISION, budget_s=budget_s, confirm_s=budget_s / 10)
    return _searched(server, settings, seed)


def _searched(server: Server, settings: Settings, seed: int) -> Answer:
    random, probes, requests = np.random.default_rng([1, seed]), list[Probe](), 0
    while isinstance(step := decide(probes, settings), Run) and len(probes) < _MOST_PROBES:
        probe = _probe(server, step, random)
        requests += round(probe.seconds * step.rate) * (not probe.held)
        probes.append(probe)
    if not isinstance(step, Found):
        return Answer(np.nan, requests, len(probes))
    return Answer(step.rate, requests, len(probes), step.confirmed, step.low, step.high)


def _probe(server: Server, step: Run, random: np.random.Generator) -> Probe:
    played = serve(server, step.rate, step.requests, random)
    of_limits = played.of_limits(server)
    known, issued, verdict = len(of_limits), len(of_limits), "undecided"
    if step.may_end:
        known, issued, verdict = _ended(played, of_limits)
    others = in_flight(played)
    confirmed = confirmation(of_limits, others, CRITERIA, PRECISION) if step.role == "confirm" else None
    return Probe(
        step.rate,
        step.role,
        issued / step.rate,
        of_limits[:known],
        verdict,
        grew=queue_grows(others),
        held=None if confirmed is None else confirmed.held,
        enough=0 if confirmed is None else confirmed.enough,
        came=came(played.arrived[:known]),
    )


def in_flight(played: Requests) -> Floats:
    """How many others the server had at each arrival."""
    return np.arange(len(played.arrived), dtype=np.float64) - np.searchsorted(np.sort(played.done), played.arrived)


def _ended(played: Requests, of_limits: Floats) -> tuple[int, int, Verdict]:
    """Requests known and requests issued when the trial was sure, and of what."""
    trial, others = Trial(CRITERIA), in_flight(played)
    for number in np.argsort(played.done, kind="stable"):
        request = Request(played.arrived[number], int(others[number]), tuple(of_limits[number]))
        trial.tell(int(number), request)
        if (verdict := trial.verdict()) != "undecided":
            return trial.known, int(np.searchsorted(played.arrived, played.done[number])), verdict
    return len(of_limits), len(of_limits), "undecided"


class _Fixed:
    """Probes of a fixed number of requests."""

    def __init__(self, server: Server, length: int, seed: int) -> None:
        self._server, self._length, self._random = server, length, np.random.default_rng([2, length, seed])
        self.margins: dict[float, Floats] = {}
        """By rate, of TTFT and TPOT: the 99th percentile over the limit, less 1."""

    def holds(self, rate: float) -> bool:
        played = serve(self._server, rate, self._length, self._random)
        settled = played.of_limits(self._server)[int(_WARM * self._length) :]
        self.margins[rate] = np.quantile(settled, 1 - ALLOWED, axis=0) - 1
        return bool((self.margins[rate] <= 0).all())

    def answer(self, rate: float) -> Answer:
        return Answer(rate, len(self.margins) * self._length, len(self.margins))


def bisection(server: Server, length: int, seed: int) -> Answer:
    """Doubling and halving, then the middle by ratio, until two rates are within the precision: their middle."""
    probes, rate = _Fixed(server, length, seed), _FIRST * server.capacity
    low, high = None, None
    while low is None or high is None:
        if probes.holds(rate):
            low, rate = rate, 2 * rate
        else:
            high, rate = rate, rate / 2
    while high / low > 1 + PRECISION:
        middle = float(np.sqrt(low * high))
        if probes.holds(middle):
            low = middle
        else:
            high = middle
    return probes.answer(float(np.sqrt(low * high)))


def aiperf(server: Server, length: int, seed: int) -> Answer:
    """AIPerf's smooth isotonic search (its documentation of adaptive search, 2026), with this precision for its 5 %.

    Doubling until a limit breaks; three probes evenly between the last two rates; then, for the limit that is broken
    most, isotonic regression (PAVA) of the p99's margin, PCHIP through it, and a probe at its root, again until the
    highest rate that held and the lowest that didn't are within the precision. The answer is the former. Its guard for
    curves with a step and its repeats, which are off by default, are left out.
    """
    probes, low, high = _Fixed(server, length, seed), _FIRST * server.capacity, None
    while high is None:
        if probes.holds(2 * low):
            low *= 2
        else:
            high = 2 * low
    queue = [low + part * (high - low) for part in (0.25, 0.5, 0.75)]
    refits = 0
    while len(probes.margins) < _MOST_PROBES:
        for rate in queue:
            holds = probes.holds(rate)
            if holds and low < rate < high:
                low = rate
            elif not holds and low < rate < high:
                high = rate
        if (high - low) / high < PRECISION:
            break
        curve, distinct = _smooth(probes.margins)
        if distinct < 3 and refits < 3:
            refits += 1
            queue = [low + part * (high - low) for part in (0.125, 0.625)]
            continue
        root = _root(curve, low, high)
        if root in probes.margins:
            break
        queue = [root]
    return probes.answer(low)


def _smooth(margins: dict[float, Floats]) -> tuple[PchipInterpolator, int]:
    """A monotone curve through the margins of the limit that the highest rate breaks most; how many steps it has."""
    rates = sorted(margins)
    worst = int(np.argmax(margins[rates[-1]]))
    steps = isotonic_regression([margins[rate][worst] for rate in rates]).x
    strict = steps + np.arange(len(steps)) * 1e-9 * max(float(np.ptp(steps)), 1e-9)
    return PchipInterpolator(rates, strict), len(np.unique(np.round(steps, 9)))


def _root(curve: PchipInterpolator, low: float, high: float) -> float:
    """Between the two rates; their middle where the curve has no root there."""
    if curve(low) >= 0 or curve(high) <= 0:
        return (low + high) / 2
    return float(np.clip(brentq(curve, low, high), low + 1e-6 * (high - low), high - 1e-6 * (high - low)))
