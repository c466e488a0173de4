"""What simulated endpoints wrote down of a run, and how long it takes at the speed that they are set to."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson
from numpy.typing import NDArray


@dataclass(frozen=True)
class Pace:
    """What every endpoint is set to; times in ms."""

    ttft_ms: float
    itl_ms: float
    tokens_per_chunk: int
    places: int
    """Requests that it answers at a time."""

    def service_s(self, tokens: NDArray[np.int64]) -> NDArray[np.float64]:
        """How long answers of so many tokens take, s."""
        chunks = -(-tokens // self.tokens_per_chunk)
        return (self.ttft_ms + (chunks - 1) * self.itl_ms) / 1e3


@dataclass(frozen=True)
class Served:
    """The requests of a run as the endpoints saw them, in the order of their arrival; ns of CLOCK_MONOTONIC."""

    arrival_ns: NDArray[np.int64]
    first_ns: NDArray[np.int64]
    done_ns: NDArray[np.int64]
    tokens: NDArray[np.int64]
    lateness_p99_us: float
    """How late the slowest of the endpoints sent a chunk that was due."""


def served(files: Iterable[Path], begin_ns: int, end_ns: int) -> Served:
    """What arrived between two times. Raises RuntimeError where an answer wasn't given whole."""
    rows: list[tuple[int, int, int, int]] = []
    late_us = 0.0
    for path in files:
        for text in path.read_bytes().splitlines():
            line = orjson.loads(text)
            if line.get("summary"):
                late_us = max(late_us, line["lateness"]["p99_us"])
            elif begin_ns <= line["arrival_ns"] <= end_ns:
                if line["status"] != "done":
                    raise RuntimeError(f"{path.name}: a request is {line['status']}")
                rows.append((line["arrival_ns"], line["first_ns"], line["done_ns"], line["tokens"]))
    columns = np.array(sorted(rows), dtype=np.int64).reshape(-1, 4).T
    return Served(*columns, lateness_p99_us=late_us)


def ideal_s(done: Served, pace: Pace, endpoints: int) -> float:
    """How long the endpoints would take for these answers if each place took the next one at once."""
    free = [0.0] * min(endpoints * pace.places, len(done.tokens))
    for service_s in pace.service_s(done.tokens).tolist():
        heapq.heapreplace(free, free[0] + service_s)
    return max(free)
