"""The course of a load as progress tells it, from a small queue simulation: seeded, no clock, no real run."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import exp
from typing import Any

from assay.alerts.options import Rules
from assay.alerts.run import RunAlerts
from assay.runs import EndpointFacts, RunRecord
from assay.runs.alerts import AlertEvent
from assay.runs.progress import AnyEvent, EndpointProgress, PhaseEvent, ProgressEvent, TimeLeft
from assay.runs.record import RunStatus
from assay.runs.sketch import Sketch

SECOND = 1_000_000_000
OFFSET_NS = 10**18


@dataclass
class Server:
    """An endpoint that answers after `ttft_s` and `itl_s` a token, the latter more the more it runs at once."""

    name: str
    window: int = 8
    ttft_s: float = 0.1
    itl_s: float = 0.01
    per_seq: float = 0.02
    speed: float = 1.0
    slower: Callable[[float], float] = lambda at_s: 1.0
    """At a time of the load, s: by how much longer an answer takes that begins then."""
    fails: Callable[[float], bool] = lambda at_s: False
    out: Callable[[float], bool] = lambda at_s: False
    accelerators: tuple[str, ...] = ("H100",)
    settings: dict[str, float] = field(default_factory=dict)

    completed: int = 0
    failed: int = 0
    in_flight: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    def takes_s(self, at_s: float, tokens: int) -> float:
        each_s = self.itl_s * (1 + self.per_seq * self.in_flight)
        return (self.ttft_s + tokens * each_s) / self.speed * self.slower(at_s)


@dataclass(frozen=True)
class Load:
    """`rate`: Poisson arrivals a second; None: all samples are there at once, the longest first, as Offline's are."""

    samples: int
    rate: float | None = None
    tokens: float = 50
    sigma: float = 0.5
    """Of the lengths' log-normal distribution; more than 1 where some are very long."""

    @property
    def max_tokens(self) -> int:
        return round(20 * self.tokens)


def record(servers: Sequence[Server], load: Load) -> RunRecord:
    endpoints = [
        EndpointFacts(
            name=server.name, node=f"node-{server.name}", url="http://127.0.0.1:1", engine="vllm", model="m",
            window=server.window, accelerators=list(server.accelerators), settings=server.settings,
        )
        for server in servers
    ]  # fmt: skip
    return RunRecord(
        id="run", assay_version="0", benchmark="b", scenario="Offline", mode="performance", official=False,
        driver="loadgen", started_utc="2026-01-01T00:00:00Z", clock_offset_ns=OFFSET_NS, dataset_name="d",
        dataset_sha256="", dataset_samples=1, samples=1, model="m", simulated=True, max_tokens=load.max_tokens,
        endpoints=endpoints, status=RunStatus.INCOMPLETE,
    )  # fmt: skip


class _Queue:
    """The samples: who waits, who is answered when."""

    def __init__(self, servers: Sequence[Server], load: Load, seed: int) -> None:
        self.servers = servers
        self._random = random.Random(seed)
        mean = load.tokens / exp(load.sigma**2 / 2)
        lengths = (round(mean * exp(self._random.gauss(0, load.sigma))) for _ in range(load.samples))
        self._lengths = [min(load.max_tokens, max(1, length)) for length in lengths]
        if load.rate is None:
            self._lengths.sort(reverse=True)
        self._arrivals_s = self._times(load)
        self.waiting: list[int] = []
        self.issued = 0
        self._ends: list[tuple[float, int, int]] = []

    def _times(self, load: Load) -> list[float]:
        at_s, times = 0.0, []
        for _ in range(load.samples):
            at_s += self._random.expovariate(load.rate) if load.rate else 0.0
            times.append(at_s)
        return times

    @property
    def over(self) -> bool:
        return self.issued == len(self._lengths) and not self._ends and not self.waiting

    def until(self, at_s: float) -> None:
        """Let everything happen up to a time."""
        while True:
            due = [self._ends[0][0]] if self._ends else []
            due += [self._arrivals_s[self.issued]] if self.issued < len(self._lengths) else []
            if not due or min(due) > at_s:
                return
            now_s = min(due)
            if self._ends and self._ends[0][0] == now_s:
                self._end(now_s)
            else:
                self.waiting.append(self.issued)
                self.issued += 1
            self._dispatch(now_s)

    def _end(self, now_s: float) -> None:
        _, place, sample = heapq.heappop(self._ends)
        server = self.servers[place]
        server.in_flight -= 1
        if server.fails(now_s):
            server.failed += 1
            self.waiting.append(sample)
            return
        server.completed += 1
        server.input_tokens += 100
        server.output_tokens += self._lengths[sample]

    def _dispatch(self, now_s: float) -> None:
        while self.waiting:
            free = [s for s in range(len(self.servers)) if self.servers[s].in_flight < self.servers[s].window]
            free = [s for s in free if not self.servers[s].out(now_s)]
            if not free:
                return
            place = min(free, key=lambda s: self.servers[s].in_flight / self.servers[s].speed)
            server, sample = self.servers[place], self.waiting.pop(0)
            server.in_flight += 1
            takes_s = server.takes_s(now_s, self._lengths[sample])
            heapq.heappush(self._ends, (now_s + takes_s, place, sample))


def course(
    servers: Sequence[Server], load: Load, seed: int, *, most_s: float = 7200, left_s: float | None = None
) -> Iterator[AnyEvent]:
    """Progress twice a second, to the last answer."""
    queue, number = _Queue(servers, load, seed), 0
    yield PhaseEvent(time_ns=0, clock_offset_ns=OFFSET_NS, phase="load")
    while not queue.over and number < 2 * most_s:
        number += 1
        queue.until(number / 2)
        yield _event(queue, load, number / 2, left_s)


def _event(queue: _Queue, load: Load, at_s: float, left_s: float | None) -> ProgressEvent:
    servers, time_ns = queue.servers, round(at_s * SECOND)
    return ProgressEvent(
        time_ns=time_ns, clock_offset_ns=OFFSET_NS, elapsed_ns=time_ns, expected=load.samples, issued=queue.issued,
        phase="load" if queue.waiting or queue.issued < load.samples else "drain",
        completed=sum(server.completed for server in servers), failed=0,
        in_flight=sum(server.in_flight for server in servers), queued=len(queue.waiting),
        input_tokens=sum(server.input_tokens for server in servers),
        output_tokens=sum(server.output_tokens for server in servers),
        endpoints={
            server.name: EndpointProgress(
                completed=server.completed, failed=server.failed, in_flight=server.in_flight, out=server.out(at_s),
                input_tokens=server.input_tokens, output_tokens=server.output_tokens,
            )
            for server in servers
        },
        ttft=Sketch(), tpot=Sketch(), latency=Sketch(),
        left=None if left_s is None else TimeLeft(ns=round(left_s * 1e9), basis="arrivals"),
    )  # fmt: skip


def alerts_of(
    servers: Sequence[Server], load: Load, seed: int, rules: Rules | None = None, **options: Any
) -> list[AlertEvent]:
    """What is raised and cleared in a course, by default by the default rules; a rule that fails, fails the test."""
    watched = RunAlerts(rules or Rules(), record(servers, load), None)
    found = []
    for number, event in enumerate(course(servers, load, seed, **options)):
        watched.take_progress([event])
        if number % 2 == 0:  # once a second
            found += watched.judge(event.time_ns, _fail)
    return found


def _fail(name: str) -> None:
    raise
