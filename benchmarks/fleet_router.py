"""What the router costs a sample by the number of endpoints, beside a board that looks at every endpoint each time."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.plain_board import PlainBoard

from assay.load.retries import Result
from assay.load.router import Router
from assay.load.source import Issues

GOALS = {"router_us_per_sample": 10.0, "router_ratio_1024_to_2": 2.0}
ENDPOINTS = (2, 64, 256, 1024)
SCENARIOS = ("Offline", "Server")
WINDOW = 64
SAMPLES, DATASET = 100_000, 13_368
PLAIN_LIMIT_S = 10.0
_STEP_NS = 20_000  # 50,000 samples/s


def measure(*, rounds: int = 3, samples: int = SAMPLES, plain_limit_s: float = PLAIN_LIMIT_S) -> dict[str, Any]:
    """CPU time of this process, us a sample, the first dispatch included: the least of the rounds, in turns.

    Every endpoint has a window of 64 and answers in a random order, so up to 65,536 are in flight. The plain board gets
    the same load once, and only so many CPU seconds: where they don't suffice, its figure is of the samples it sent.
    """
    found: dict[str, dict[str, float]] = {scenario: {} for scenario in SCENARIOS}
    for _ in range(rounds):
        for scenario in SCENARIOS:
            for endpoints in ENDPOINTS:
                spent_us, _ = _spent_us(scenario, endpoints, samples, None)
                least = min(spent_us, found[scenario].get(str(endpoints), spent_us))
                found[scenario][str(endpoints)] = least
    ratios = {scenario: figures["1024"] / figures["2"] for scenario, figures in found.items()}
    return {
        "router_us_per_sample": {
            scenario: {endpoints: round(us, 2) for endpoints, us in figures.items()}
            for scenario, figures in found.items()
        },
        "router_ratio_1024_to_2": round(max(ratios.values()), 2),
        "router_ratios_1024_to_2": {scenario: round(ratio, 2) for scenario, ratio in ratios.items()},
        "plain_router": _plain(samples, plain_limit_s),
    }


def _plain(samples: int, limit_s: float) -> dict[str, Any]:
    found: dict[str, Any] = {"limit_cpu_s": limit_s}
    for scenario in SCENARIOS:
        found[scenario] = {}
        for endpoints in ENDPOINTS:
            spent_us, sent = _spent_us(scenario, endpoints, samples, limit_s)
            found[scenario][str(endpoints)] = {
                "us_per_sample": round(spent_us, 1) if sent else None,
                "samples_sent": sent,
                "ended": sent == samples,
            }
    return found


def _spent_us(scenario: str, endpoints: int, samples: int, plain_limit_s: float | None) -> tuple[float, int]:
    """CPU us a sample that was sent, and how many were sent: fewer than `samples` where the plain board ran out."""
    draw = random.Random(endpoints)
    work = [draw.lognormvariate(6, 0.8) for _ in range(DATASET)]
    rates = [draw.uniform(0.5, 2.0) for _ in range(endpoints)]
    windows, offline = [WINDOW] * endpoints, scenario == "Offline"
    router = Router(
        windows, work.__getitem__, max_attempts=3, offline_epoch=DATASET if offline else None, prior_rates=rates
    )
    if plain_limit_s is not None:
        router._board = PlainBoard(windows, rates, offline=offline)
        router.lanes = router._board.lanes
    issues = [number % DATASET for number in range(samples)]
    answered = [0]
    load = _offline if offline else _server
    begin_s = time.process_time()
    with _limit(plain_limit_s):
        load(router, issues, draw, answered)
    spent_s = time.process_time() - begin_s
    sent = answered[0] + sum(lane.in_flight for lane in router.lanes)
    return spent_s / max(1, sent) * 1e6, sent


def _offline(router: Router, issues: list[int], draw: random.Random, answered: list[int]) -> None:
    """All samples at once; each answer makes room for the next."""
    router.offer(Issues(issues, issues))
    now_ns, flying = 0, []
    flying += router.dispatch(now_ns)
    while flying:
        now_ns += _STEP_NS
        _answer(router, flying, draw, now_ns)
        answered[0] += 1
        flying += router.dispatch(now_ns)


def _server(router: Router, issues: list[int], draw: random.Random, answered: list[int]) -> None:
    """One sample after the other; half of the places are taken."""
    now_ns, flying, most = 0, [], WINDOW * len(router.lanes) // 2
    for issue in issues:
        now_ns += _STEP_NS
        router.offer(Issues([issue], [issue]))
        flying += router.dispatch(now_ns)
        if len(flying) > most:
            _answer(router, flying, draw, now_ns)
            answered[0] += 1
            flying += router.dispatch(now_ns)


def _answer(router: Router, flying: list[Any], draw: random.Random, now_ns: int) -> None:
    place = int(draw.random() * len(flying))
    flying[place], flying[-1] = flying[-1], flying[place]
    send = flying.pop()
    router.finish(send.sample, send.endpoint, Result.ANSWERED, now_ns)


class _OutOfTimeError(Exception):
    """The plain board had its CPU seconds."""


@contextmanager
def _limit(limit_s: float | None) -> Iterator[None]:
    """Ends what is within after so many CPU seconds of this process; None: never."""

    def end(*_: object) -> None:
        raise _OutOfTimeError

    before = signal.signal(signal.SIGPROF, end)
    signal.setitimer(signal.ITIMER_PROF, limit_s or 0)
    try:
        yield
    except _OutOfTimeError:
        pass
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
