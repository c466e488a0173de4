"""What the simulated servers wrote down of a campaign: the truth that its report is held against.

The servers know nothing of runs, and the client has no part in these files. Both use this machine's CLOCK_MONOTONIC, so
the requests of a run are those that arrived between its first issue and its last answer.
"""

from __future__ import annotations

import heapq
import json
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assay.engines.options import SimulatedOptions
from assay.runs import CampaignFolder, CampaignState, read_requests


@dataclass(frozen=True)
class Served:
    """The requests that one server answered in one run, by arrival; seconds."""

    arrival_s: NDArray[np.float64]
    done_s: NDArray[np.float64]
    tokens: NDArray[np.float64]


@dataclass(frozen=True)
class TrueRun:
    """One run as its servers saw it."""

    nodes: tuple[str, ...]
    served: Mapping[str, Served]

    @property
    def samples(self) -> int:
        return sum(len(own.arrival_s) for own in self.served.values())

    @property
    def seconds(self) -> float:
        """From the first arrival to the last byte of the last answer."""
        return self._end_s - float(min(own.arrival_s[0] for own in self.served.values()))

    @property
    def samples_per_s(self) -> float:
        return self.samples / self.seconds

    @property
    def tokens_per_s(self) -> float:
        return float(sum(own.tokens.sum() for own in self.served.values())) / self.seconds

    @property
    def _end_s(self) -> float:
        return float(max(own.done_s.max() for own in self.served.values()))

    def share(self, node: str) -> float:
        return len(self.served[node].arrival_s) / self.samples

    def idle_tail_s(self, node: str) -> float:
        return self._end_s - float(self.served[node].done_s.max())


def true_runs(folder: CampaignFolder, state: CampaignState, truth: Path) -> dict[str, TrueRun]:
    """Each run of the campaign, by key."""
    found = {}
    for entry in state.runs:
        assert entry.run is not None
        times = read_requests(folder.run(entry.run).requests, ["issued_ns", "done_ns"]).to_pydict()
        begin_ns, end_ns = min(times["issued_ns"]), max(times["done_ns"])
        served = {node: _served(truth / f"{node}.jsonl", begin_ns, end_ns) for node in entry.nodes}
        found[entry.key] = TrueRun(tuple(entry.nodes), served)
    return found


def _served(path: Path, begin_ns: int, end_ns: int) -> Served:
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    own = [line for line in lines if not line.get("summary") and begin_ns <= line["arrival_ns"] <= end_ns]
    own.sort(key=lambda line: line["arrival_ns"])
    assert all(line["status"] == "done" for line in own)
    times = {key: np.array([line[f"{key}_ns"] for line in own]) / 1e9 for key in ("arrival", "done")}
    return Served(times["arrival"], times["done"], np.array([line["tokens"] for line in own], dtype=np.float64))


def true_seconds(runs: Sequence[TrueRun], engine: SimulatedOptions, samples: int) -> float:
    """How long these servers would take for `samples` different samples, going on as they did in `runs`.

    Each sample's length is drawn as the simulator draws those of its prompts. What a request of a length takes, and how
    long a place waits for the next, are what the servers wrote down; the schedule is worked out place by place.
    """
    draw, sigma = random.Random(20261122), engine.output_sigma
    lengths = [
        max(1, round(engine.output_tokens * math.exp(draw.gauss(-sigma * sigma / 2, sigma)))) for _ in range(samples)
    ]
    free = []
    for node in runs[0].nodes:
        own = [run.served[node] for run in runs]
        took_s = np.concatenate([served.done_s - served.arrival_s for served in own])
        slope_s, least_s = np.polyfit(np.concatenate([served.tokens for served in own]), took_s, 1)
        wait_s = float(np.mean([_wait_s(served, engine.window) for served in own]))
        free += [(0.0, place, node, slope_s, least_s + wait_s) for place in range(engine.window)]
    heapq.heapify(free)
    end_s = 0.0
    for length in lengths:
        at_s, place, node, slope_s, least_s = heapq.heappop(free)
        done_s = at_s + least_s + slope_s * length
        end_s = max(end_s, done_s)
        heapq.heappush(free, (done_s, place, node, slope_s, least_s))
    return end_s


def _wait_s(served: Served, places: int) -> float:
    """How long a place stays empty between two requests, on average: the n-th end makes room for the n-th arrival."""
    ends = np.sort(served.done_s)[: len(served.arrival_s) - places]
    return float((served.arrival_s[places:] - ends).mean())
