"""The loads of the comparison, the server that they meet, and what the server says happened."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

INPUT_TOKENS, OUTPUT_TOKENS = 512, 128
SERVER = ("--ttft-ms", "50", "--itl-ms", "5", "--jitter", "0.1")
FIGURES = ("ttft_p50", "ttft_p99", "tpot_p50", "tpot_p99")


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
    """By figure, in ms, the two neighbouring values that a percentile lies between, however it is defined."""

    between: dict[str, tuple[float, float]]
    load_s: float
    """From the first of the requests to the end of the last."""

    def error(self, figure: str, measured_ms: float) -> float:
        """How far a measured percentile lies outside, ms; above 0: measured too long."""
        low, high = self.between[figure]
        return measured_ms - low if measured_ms < low else max(0.0, measured_ms - high)


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
    values = {"ttft": (first - arrival) / 1e6, "tpot": (last - first) / (tokens - 1) / 1e6}
    return Truth(
        {
            f"{name}_p{share}": (
                float(np.percentile(of, share, method="lower")),
                float(np.percentile(of, share, method="higher")),
            )
            for name, of in values.items()
            for share in (50, 99)
        },
        load_s=float(max(row["done_ns"] for row in rows) - arrival.min()) / 1e9,
    )
