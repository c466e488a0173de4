"""A small seeded queue simulation: samples, slots, nodes of different speed, and planted causes."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from assay.runs import RunStatus

SECOND = 1_000_000_000
CLOCK_ZERO_NS = 5_000 * SECOND  # CLOCK_MONOTONIC when LoadGen starts


@dataclass(frozen=True)
class Node:
    """One simulated node with one endpoint; `speed` 1.0 makes 32 tokens/s in each of its slots."""

    name: str
    speed: float = 1.0
    slots: int = 16
    throttle_from: float | None = None  # share of the run's expected time after which its clock drops
    throttle_factor: float = 0.5
    cold_s: float = 0.0  # seconds during which everything takes `cold_factor` times as long
    cold_factor: float = 4.0
    clock_mhz: int = 1980
    until_s: float = math.inf  # when it takes no more samples
    share: float | None = None  # a fixed part of the samples instead of taking the next one
    competing_processes: int = 0
    preemptions_per_s: float = 0.0
    scores_less: float = 0.0  # points by which its answers score less in an accuracy run


@dataclass(frozen=True)
class Plan:
    """What to simulate."""

    nodes: tuple[Node, ...] = (Node("node-a"), Node("node-b"))
    scenario: str = "Offline"
    mode: str = "performance"
    samples: int = 2000
    seed: int = 1
    qps: float | None = None
    official: bool = False
    benchmark: str = "llama3.1-8b"
    status: RunStatus = RunStatus.COMPLETED
    failed: int = 0
    lost: int = 0
    resent: int = 0
    loadgen_result: str | None = "VALID"
    loadgen_errors: int = 0
    settings: dict[str, Any] = field(default_factory=dict)  # LoadGen settings that differ
    mean_input_tokens: int = 700
    mean_output_tokens: int = 72
    tpot_s: float = 1 / 32
    prefill_s_per_token: float = 0.0001
    noise: float = 0.05
    drift: float = 0.05  # size of the slow, autocorrelated part of the noise
    chunks: bool = True
    telemetry: bool = True
    simulated: bool = True
    begins_h: int = 0  # hours after the first of a campaign's runs, which follow each other
    run_id: str = "20260101T000000Z-offline-performance-synthetic"


@dataclass
class Table:
    """Columns of all attempts that decided a sample, in order of issue."""

    start: np.ndarray
    sent: np.ndarray
    first: np.ndarray
    last: np.ndarray
    endpoint: np.ndarray
    inputs: np.ndarray
    outputs: np.ndarray
    qsl_idx: np.ndarray
    ok: np.ndarray
    lost: np.ndarray

    @property
    def end_ns(self) -> int:
        return int(self.last.max()) + 200_000


def simulate(plan: Plan) -> Table:
    rng = np.random.default_rng(plan.seed)
    n = plan.samples
    inputs = np.clip(rng.lognormal(np.log(plan.mean_input_tokens), 0.45, n), 60, 4000).astype(np.int64)
    outputs = np.clip(rng.normal(plan.mean_output_tokens, 20, n), 2, 128).astype(np.int64)
    # An answer's length belongs to the sample, so every run of the same samples has the same lengths.
    prefill = inputs * plan.prefill_s_per_token * np.exp(rng.normal(0, plan.noise, n))
    decode = (outputs - 1) * plan.tpot_s * np.exp(rng.normal(0, plan.noise, n))
    starts = np.zeros(n)
    if plan.scenario in ("Server", "Interactive"):
        starts = np.cumsum(rng.exponential(1 / (plan.qps or 10.0), n))
    work = float((prefill + decode).sum())
    expected_s = max(work / sum(node.slots * node.speed for node in plan.nodes), float(starts[-1]))
    drift = _Drift(plan, expected_s, rng)
    assigned = _static_assignment(plan, rng)
    sent, first, last = np.zeros(n), np.zeros(n), np.zeros(n)
    endpoint = np.zeros(n, dtype=np.int64)
    queues = _Slots(plan, assigned is None)
    previous_end = 0.0
    for i in range(n):
        if plan.scenario == "SingleStream":
            starts[i] = previous_end
        e = queues.take(None if assigned is None else int(assigned[i]))
        number, free = e
        begin = max(free, starts[i])
        factor = drift.factor(number, begin)
        sent[i] = begin
        first[i] = begin + prefill[i] * factor + 0.02 * factor
        last[i] = first[i] + decode[i] * factor
        endpoint[i] = number
        previous_end = last[i]
        queues.put(number, last[i])
    ok = np.ones(n, dtype=bool)
    bad = rng.choice(n, plan.failed + plan.lost, replace=False)
    ok[bad] = False
    lost = np.zeros(n, dtype=bool)
    lost[bad[: plan.lost]] = True
    to_ns = lambda s: (s * 1e9).astype(np.int64) + CLOCK_ZERO_NS  # noqa: E731
    return Table(
        to_ns(starts), to_ns(sent), to_ns(first), to_ns(last), endpoint, inputs, outputs,
        np.arange(n) % 13_368, ok, lost,
    )  # fmt: skip


class _Drift:
    """How much longer than nominal things take at a node and a time: slow noise, cold start, throttling, speed."""

    def __init__(self, plan: Plan, expected_s: float, rng: np.random.Generator) -> None:
        self.plan, self.expected_s = plan, expected_s
        steps = rng.normal(0, 1, (len(plan.nodes), 4096))
        walk = np.empty_like(steps)
        walk[:, 0] = steps[:, 0]
        for k in range(1, steps.shape[1]):
            walk[:, k] = 0.8 * walk[:, k - 1] + 0.6 * steps[:, k]
        self.walk = np.exp(plan.drift * walk)

    def factor(self, number: int, time_s: float) -> float:
        node = self.plan.nodes[number]
        factor = float(self.walk[number, int(time_s / self.expected_s * 512) % 4096]) / node.speed
        if time_s < node.cold_s:
            factor *= node.cold_factor
        if node.throttle_from is not None and time_s >= node.throttle_from * self.expected_s:
            factor /= node.throttle_factor
        return factor


class _Slots:
    """When each slot is free; samples go to the earliest, of all nodes or of one."""

    def __init__(self, plan: Plan, pull: bool) -> None:
        self._until_s = [node.until_s for node in plan.nodes]
        slots = [(0.0, i, n) for n, node in enumerate(plan.nodes) for i in range(node.slots)]
        if plan.scenario == "SingleStream":
            slots = slots[:1]
        self._heaps: dict[int | None, list[tuple[float, int, int]]] = {}
        if pull:
            self._heaps[None] = slots
        else:
            for slot in slots:
                self._heaps.setdefault(slot[2], []).append(slot)
        for heap in self._heaps.values():
            heapq.heapify(heap)
        self._pull = pull
        self._taken: tuple[float, int, int] = (0.0, 0, 0)

    def take(self, number: int | None) -> tuple[int, float]:
        self._taken = heapq.heappop(self._heaps[number])
        return self._taken[2], self._taken[0]

    def put(self, number: int, free: float) -> None:
        if free > self._until_s[number]:
            return
        heap = self._heaps[None if self._pull else number]
        heapq.heappush(heap, (free, self._taken[1], number))


def _static_assignment(plan: Plan, rng: np.random.Generator) -> np.ndarray | None:
    shares = [node.share for node in plan.nodes]
    if any(share is None for share in shares):
        return None
    return rng.choice(len(shares), plan.samples, p=shares)
