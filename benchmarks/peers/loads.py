"""The loads of the comparison, the server that they meet, and what the server says happened."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

INPUT_TOKENS, OUTPUT_TOKENS = 512, 128
SERVER = ("--ttft-ms", "50", "--itl-ms", "5", "--jitter", "0.1")
FIGURES = ("ttft_p50", "ttft_p99", "tpot_p50", "tpot_p99")

Floats = NDArray[np.float64]
Percentile = Callable[[Floats, int], float]
"""Of ascending values and a share, %. Tools differ in which value they mean: by milliseconds among 100 requests."""


@dataclass(frozen=True)
class Load:
    """Requests in flight, or Poisson arrivals a second; and how many requests."""

    kind: str
    """`concurrency` or `rate`."""
    value: int
    requests: int

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"


LOADS = (
    Load("concurrency", 1, 20),
    Load("concurrency", 8, 160),
    Load("concurrency", 32, 480),
    Load("rate", 5, 100),
    Load("rate", 20, 300),
)
FIRST = Load("concurrency", 8, 16)
"""The load that tells how long a tool takes to its first number: about two seconds of it are the server's."""


@dataclass(frozen=True)
class Truth:
    """What the server did with the requests of a load, ms, in ascending order: `ttft`, `tpot`."""

    sorted_ms: dict[str, Floats]
    load_s: float
    """From the first of the requests to the end of the last."""

    def figures(self, percentile: Percentile) -> dict[str, float]:
        """The true percentiles, ms, by a tool's own definition of one."""
        return {
            f"{name}_p{share}": percentile(values, share)
            for name, values in self.sorted_ms.items()
            for share in (50, 99)
        }


def truth_of(lines: Sequence[bytes], requests: int) -> Truth:
    """The last `requests` answers by arrival: what a tool sends before, it sends to warm up.

    Raises ValueError where fewer were answered to the end.
    """
    rows = [row for row in map(json.loads, lines) if row.get("status") == "done"]
    rows = sorted(rows, key=lambda row: row["arrival_ns"])[-requests:]
    if len(rows) < requests:
        raise ValueError(f"the server answered {len(rows)} requests of {requests}")
    first, last, arrival, tokens = (
        np.array([row[key] for row in rows]) for key in ("first_ns", "last_ns", "arrival_ns", "tokens")
    )
    if tokens.min() < OUTPUT_TOKENS:
        raise ValueError(f"an answer had {tokens.min()} tokens: {OUTPUT_TOKENS} were to be asked for")
    return Truth(
        {"ttft": np.sort(first - arrival) / 1e6, "tpot": np.sort((last - first) / (tokens - 1)) / 1e6},
        load_s=float(max(row["done_ns"] for row in rows) - arrival.min()) / 1e9,
    )
