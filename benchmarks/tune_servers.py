"""Simulated inference servers: queueing models whose highest rate within limits is known from long simulations.

Requests arrive as a Poisson process. Decoding is shared: all running requests get their next token together, after an
inter-token latency that grows with how many run. What a server lacks first differs: places for requests, speed of
decoding, or time for prefill. Lengths of answers and times of prefill vary by lognormals.
"""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass
from functools import partial
from multiprocessing.pool import Pool

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ALLOWED = 0.01
"""Of the requests over the TTFT limit, and of those over the TPOT limit: MLPerf's."""


@dataclass(frozen=True)
class Server:
    """Times in s. The inter-token latency with b running requests is `itl * (1 + slowing * b)`."""

    name: str
    places: int
    itl: float
    slowing: float
    prefill: float
    prefill_sigma: float
    exclusive: bool
    """Whether decoding stands still while a prompt is read, one prompt at a time."""
    tokens: float
    tokens_sigma: float
    ttft_limit: float
    tpot_limit: float
    capacity: float
    """About how many requests a second are answered where all are there from the begin on."""
    root: float
    """The rate at which `ALLOWED` of the requests are over one of the limits, as `measured_root` finds it."""


SERVERS = (
    Server("places", 64, 0.020, 1 / 200, 0.05, 0.2, False, 128, 0.5, 2.0, 0.2, 16.9, 15.668),
    Server("decoding", 4096, 0.010, 1 / 60, 0.05, 0.2, False, 128, 0.5, 2.0, 0.040, 62.5, 28.541),
    Server("prefill", 256, 0.012, 1 / 400, 0.03, 0.8, True, 64, 0.5, 1.0, 0.2, 28.0, 25.696),
)
SHARP = Server("sharp", 512, 0.007, 1 / 215, 0.0118, 0.1, True, 129, 0.0, 2.0, 0.1, 56.0, 55.6)
"""Answers of one length, as where every request ends at its most tokens: about what Llama-3.1-8B's shape does on one
H100 with vLLM. No latency tells of the limit before the queue grows."""


@dataclass(frozen=True)
class Requests:
    """In order of arrival; s."""

    arrived: Floats
    first: Floats
    done: Floats
    tokens: NDArray[np.int64]

    def of_limits(self, server: Server) -> Floats:
        """TTFT and TPOT over their limits."""
        tpot = (self.done - self.first) / np.maximum(1, self.tokens - 1)
        return np.column_stack([(self.first - self.arrived) / server.ttft_limit, tpot / server.tpot_limit])


def serve(server: Server, rate: float, count: int, random: np.random.Generator) -> Requests:
    """`count` requests at `rate` a second, from an idle server on, until the last is answered."""
    arrived = np.cumsum(random.exponential(1 / rate, count))
    tokens = np.maximum(2, random.lognormal(np.log(server.tokens), server.tokens_sigma, count).astype(np.int64))
    reading = server.prefill * random.lognormal(-(server.prefill_sigma**2) / 2, server.prefill_sigma, count)
    first, done = np.zeros(count), np.zeros(count)
    _play(server, arrived.tolist(), tokens.tolist(), reading.tolist(), first, done)
    return Requests(arrived, first, done, tokens)


def _play(
    server: Server, arrived: list[float], tokens: list[int], reading: list[float], first: Floats, done: Floats
) -> None:
    now, told, coming, count = 0.0, 0.0, 0, len(arrived)  # `told`: tokens that one gets that runs since the begin
    waiting: deque[int] = deque()
    running: list[tuple[float, int]] = []
    while coming < count or waiting or running:
        if waiting and len(running) < server.places:
            request = waiting.popleft()
            if server.exclusive:
                now += reading[request]
                first[request] = now
            else:
                first[request] = now + reading[request]
            heapq.heappush(running, (told + tokens[request] - 1, request))
            while coming < count and arrived[coming] <= now:
                waiting.append(coming)
                coming += 1
            continue
        itl = server.itl * (1 + server.slowing * len(running))
        ends = now + (running[0][0] - told) * itl if running else np.inf
        if coming < count and arrived[coming] <= ends:
            told += (arrived[coming] - now) / itl
            now = max(now, arrived[coming])
            waiting.append(coming)
            coming += 1
        else:
            told, request = heapq.heappop(running)
            now = ends
            done[request] = now if server.exclusive else now + reading[request]


_ROOT_RATES = (0.99, 1.0, 1.01)
_ROOT_RUNS, _ROOT_REQUESTS, _ROOT_WARM = 16, 400_000, 4000


def measured_root(server: Server, pool: Pool) -> tuple[float, float]:
    """The root and its standard error, from 6.4 million requests at each of three rates about `server.root`."""
    shares = []
    for place, part in enumerate(_ROOT_RATES):
        one = partial(_long_share, server, part * server.root)
        shares.append(pool.map(one, [[77, place, run] for run in range(_ROOT_RUNS)]))
    means = np.array([np.mean(each) for each in shares])
    errors = np.array([np.std(each, ddof=1) / np.sqrt(len(each)) for each in shares]) / means
    slope, level = np.polyfit(np.log(_ROOT_RATES), np.log(means), 1)
    error = float(np.sqrt((errors**2).sum()) / len(errors) / slope)
    root = server.root * float(np.exp((np.log(ALLOWED) - level) / slope))
    return root, root * error


def _long_share(server: Server, rate: float, seed: list[int]) -> float:
    requests = serve(server, rate, _ROOT_REQUESTS, np.random.default_rng(seed))
    return float((requests.of_limits(server)[_ROOT_WARM:] > 1).mean(axis=0).max())
