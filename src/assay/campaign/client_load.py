"""What planned runs ask of the client, held against this machine before anything is started."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assay.benchmarks import Benchmark
from assay.campaign.loadgen_settings import target_qps
from assay.campaign.pacing import timetable_of, window
from assay.config import Config
from assay.datasets import Dataset
from assay.deploy.check.controller import HERE
from assay.digits import number_text, percent_text
from assay.engines import build_engine
from assay.errors import UserError
from assay.load.cores import cores_here
from assay.load.demand import (
    CORE_TOKENS_PER_S,
    STREAM_TOKENS_PER_S,
    Demand,
    arrivals_of,
    together,
)
from assay.load.room import Lack, Room, lacks
from assay.load.warmup.places import LARGEST_WINDOW
from assay.runs import RunEntry
from assay.runs.client_bound import CPU_LIMIT
from assay.runs.scenarios import is_paced
from assay.serving.health import CheckRow, judged


@dataclass(frozen=True)
class Machine:
    """This machine as a client."""

    cores: int
    room: Room
    core_tokens_per_s: float
    basis: str
    """Where that figure is from."""

    @classmethod
    def here(cls, core_tokens_per_s: float | None) -> Machine:
        """With the rate that was measured here, if it was."""
        return cls(
            cores_here(),
            Room.here(),
            core_tokens_per_s or CORE_TOKENS_PER_S,
            "measured here" if core_tokens_per_s else "measured elsewhere; `assay check` measures it here",
        )

    def reads(self, workers: int) -> float:
        """Tokens/s, each a chunk, that so many workers read without shaping the result."""
        return CPU_LIMIT * self.core_tokens_per_s * min(workers, self.cores)

    def said(self, workers: int) -> str:
        named = f"{workers} worker{'' if workers == 1 else 's'} on {self.cores} core{'' if self.cores == 1 else 's'}"
        return (
            f"{named} {'read' if workers > 1 else 'reads'} up to {self.reads(workers):,.0f} tokens/s "
            f"({percent_text(CPU_LIMIT, 0)} of {self.core_tokens_per_s:,.0f} a core, {self.basis})"
        )


@dataclass(frozen=True)
class ClientLoad:
    """What one run asks."""

    demand: Demand
    addresses: tuple[str, ...]
    """Where its endpoints are reached, as far as that is known before they run."""
    workers: int
    timed: bool
    """Whether a slow client would show in a figure."""

    def lacks(self, machine: Machine) -> list[Lack]:
        """The limits that its connections pass."""
        return lacks(self.demand, self.addresses, self.workers, machine.room)

    def slow(self, machine: Machine) -> list[Lack]:
        """Where the client would be the limit: by its arrivals, or by streams as fast as workers are planned for."""
        asked, streams, reads = self.demand.tokens_per_s, self.demand.streams, machine.reads(self.workers)
        enough = streams is not None and streams * STREAM_TOKENS_PER_S <= reads
        if not self.timed or enough or (asked is not None and asked <= reads):
            return []
        if asked is not None:
            detail = f"arrivals bring up to {asked:,.0f} tokens/s, and {machine.said(self.workers)}"
        elif streams is not None:
            each = f"{number_text(reads / streams, 3)} for each of {streams} streams"
            detail = f"{machine.said(self.workers)}, {each}: of faster servers it would measure itself"
        else:
            return []
        return [Lack(detail, "take a machine with more cores for the client, or less load", sure=asked is not None)]


class ClientLoads:
    """The runs of one configuration."""

    def __init__(self, config: Config, benchmark: Benchmark, dataset: Dataset) -> None:
        self._config = config
        self._benchmark = benchmark
        self._samples = len(dataset)
        self._timetable = timetable_of(dataset.samples)
        self._tokens = float(np.mean([sample.max_tokens or benchmark.max_new_tokens for sample in dataset.samples]))
        self._window = build_engine(config.engine).window
        self._addresses = _addresses(config)

    def of(self, entry: RunEntry) -> ClientLoad:
        """What a planned run will ask."""
        addresses = [address for node in entry.nodes for address in self._addresses.get(node, ())]
        own = window(entry, entry.window or self._window)
        rate = self._arrivals(entry)
        demand = Demand(
            windows=(own or LARGEST_WINDOW,) * len(addresses),
            guessed=own is None,
            together=together(entry.scenario, entry.shape, self._issued(entry)),
            tokens_per_s=None if rate is None else rate * self._tokens,
        )
        workers = self._config.load.workers or demand.workers(cores_here())
        return ClientLoad(demand, tuple(addresses), workers, timed=entry.mode == "performance")

    def _arrivals(self, entry: RunEntry) -> float | None:
        if entry.shape is not None:
            return arrivals_of(entry.shape, self._timetable)
        return target_qps(self._config, self._benchmark, entry) if is_paced(entry.scenario) else None

    def _issued(self, entry: RunEntry) -> int | None:
        if entry.shape is not None:
            return entry.shape.most_requests(self._samples) if entry.shape.lasts_s is None else None
        if self._config.official:
            return None
        return self._samples if entry.mode == "accuracy" else entry.queries or self._samples

    def require_room(self, runs: Sequence[RunEntry], machine: Machine) -> None:
        """Raises UserError where a run's connections can't all be opened; not where their number is a guess."""
        lacks = [lack for entry in runs for lack in self.of(entry).lacks(machine) if lack.sure]
        if lacks:
            raise UserError("\n".join(dict.fromkeys(f"{lack.detail}: {lack.mend}" for lack in lacks)))

    def remarks(self, entry: RunEntry, machine: Machine) -> list[str]:
        """Where the client would be a run's limit, in words."""
        load = self.of(entry)
        return [f"{lack.detail}: {lack.mend}" for lack in (*load.lacks(machine), *load.slow(machine))]

    def lines(self, runs: Sequence[RunEntry], machine: Machine) -> list[str]:
        """The remarks on all runs, each once."""
        remarks = [remark for entry in runs for remark in self.remarks(entry, machine)]
        return [f"client: {remark}" for remark in dict.fromkeys(remarks)]

    def rows(self, runs: Sequence[RunEntry], machine: Machine) -> list[CheckRow]:
        """Whether there is room for all connections, and whether the client is fast enough: a row each."""
        loads = [self.of(entry) for entry in runs]
        heaviest = max(loads, key=lambda load: sum(load.demand.loads))
        lacks = sorted((lack for load in loads for lack in load.lacks(machine)), key=lambda lack: not lack.sure)
        slow = [lack for load in loads for lack in load.slow(machine)]
        asked = _streams_said(heaviest.demand)
        return [
            _row("connections", lacks, 3, asked, required=bool(lacks) and lacks[0].sure),
            _row("client", slow, 5, f"{asked}; {machine.said(heaviest.workers)}", required=False),
        ]


def _row(check: str, lacks: Sequence[Lack], weight: int, passed: str, *, required: bool) -> CheckRow:
    detail, mend = (lacks[0].detail, lacks[0].mend) if lacks else (passed, "")
    return judged(HERE, check, not lacks, weight, detail, mend, required=required)


def _addresses(config: Config) -> dict[str, list[str]]:
    """Where each node's endpoints are reached; servers that start with the run are at addresses of their own."""
    engine, found = build_engine(config.engine), defaultdict[str, list[str]](list)
    for server in engine.endpoints():
        reached = engine.connection(server.name, server.url, config.reach)
        found[server.node].append(reached.proxy or f"{reached.host}:{reached.port}")
    if not found:
        for spec in engine.servers(config.cluster.node_list()):
            found[spec.node].append(spec.name)
    return found


def _streams_said(demand: Demand) -> str:
    """Its requests in flight, in words."""
    if demand.streams is None:
        return "as many requests in flight as arrive"
    return f"up to {demand.streams} requests in flight"
