"""The cases of `chaos.py`: which load, which servers with which faults, and what is ended when. Drawn from a seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SHAPES = ("Offline", "Server", "SingleStream", "concurrency", "rate")
ENDLESS = "hang,after=12,p=0.05"
"""Not for `assay bench`, which waits a minute for a silent server."""
FAULTS = (
    "error_500,after=8,p=0.1",
    "error_429,after=8,p=0.2",
    "reset,after=8,p=0.1",
    "half_close,after=8,p=0.1",
    "garbage,after=8,p=0.1",
    "malformed_sse,after=8,p=0.1",
    "empty,after=8,p=0.1",
    "short_count,after=8,p=0.1",
    "hang,after=12,for=1.5",
    ENDLESS,
    "slow,after=10,for=1.5,factor=5",
    "refuse,after=15,for=1",
    "die,after=25",
)
PHASES = {"start": 1.0, "servers": 1.0, "warm-up": 0.3, "load": 2.5, "closing": 0.2, "report": 1.5}
"""How long after its beginning a process may be ended, s."""


@dataclass(frozen=True)
class Kill:
    """One process of a campaign, and when it is ended: `delay_s` after a phase began, by these signals."""

    target: str
    signals: tuple[str, ...]
    phase: str
    delay_s: float


@dataclass(frozen=True)
class Case:
    """What is done, and to what."""

    number: int
    shape: str
    own_servers: bool
    """Whether the campaign starts its servers itself; else it finds them running."""
    nodes: int
    repeats: int
    seed: int
    faults: tuple[tuple[str, ...], ...]
    kills: tuple[Kill, ...]


def draw(seed: int, number: int) -> Case:
    """The case of that number: the same for the same seed."""
    rng = random.Random(f"{seed}/{number}")
    shape = rng.choice(SHAPES)
    nodes = rng.choice((1, 1, 2))
    own = shape[0].isupper() and rng.random() < 0.6
    known = [fault for fault in FAULTS if shape[0].isupper() or fault != ENDLESS]
    faults = tuple(tuple(rng.sample(known, rng.choice((0, 1, 1, 2)))) for _ in range(nodes))
    kills = tuple(_kill(rng, own) for _ in range(rng.choice((0, 1, 1, 2, 3))))
    return Case(number, shape, own, nodes, rng.choice((1, 1, 2)), rng.randrange(1000), faults, kills)


def _kill(rng: random.Random, own_servers: bool) -> Kill:
    target = rng.choice(("controller",) * 4 + ("driver", "worker") + (("server",) if own_servers else ()))
    if target == "controller":
        signals = rng.choice(
            [("SIGKILL",), ("SIGKILL",), ("SIGTERM",), ("SIGINT",), ("SIGHUP",), ("SIGINT",) * 2, ("SIGINT",) * 3]
        )
        phase = rng.choice(tuple(PHASES))
    else:
        signals, phase = (rng.choice(("SIGKILL", "SIGTERM")),), rng.choice(("warm-up", "load", "load"))
    return Kill(target, signals, phase, rng.uniform(0, PHASES[phase]))


SPEED = {"ttft_ms": 60, "itl_ms": 5, "output_tokens": 16}


def is_bench(case: Case) -> bool:
    """Whether `assay bench` carries the load out; else `assay run` with one of LoadGen's scenarios."""
    return case.shape in ("concurrency", "rate")


def bench_arguments(case: Case, urls: Sequence[str], output: Path) -> list[str]:
    """`assay bench`, on servers that run."""
    load = ["--concurrency", "4"] if case.shape == "concurrency" else ["--rate", "20"]
    common = ["--requests", "60", "--input", "20", "--output", "16", "--warmup", "1", "--api", "completions"]
    return ["bench", *urls, *load, *common, "--repeats", str(case.repeats), "--results", str(output)]


def settings(case: Case, urls: Sequence[str], output: Path, truth: Path) -> dict[str, Any]:
    """The configuration for `assay run`: on `urls`, or, where there are none, with servers of its own."""
    names = [f"node-{node}" for node in range(case.nodes)]
    chosen: dict[str, Any] = {
        "name": "chaos",
        "scenarios": [case.shape],
        "modes": ["performance"],
        "dataset": {"samples": 12},
        "queries": {"Offline": 60, "Server": 60, "SingleStream": 20},
        "target_qps": {"Server": 20.0},
        "load": {"warmup_prompts": 1, "stall_timeout_s": 3, "request_timeout_s": 15},
        "campaign": {"repeats": case.repeats, "run_timeout_s": 60},
        "output": str(output),
    }
    if case.own_servers:
        faults = dict(zip(names, map(list, case.faults), strict=True))
        engine = {"kind": "simulated", "window": 4, "faults": faults, "truth": str(truth), "seed": case.seed, **SPEED}
        return chosen | {"engine": engine, "cluster": {"nodes": [{"name": name} for name in names]}}
    endpoints = [{"url": url, "name": name, "node": name} for url, name in zip(urls, names, strict=True)]
    return chosen | {"engine": {"kind": "external", "model": "simulated", "window": 4, "endpoints": endpoints}}


def server_options(case: Case, node: int) -> list[str]:
    """The simulator's, for a server that the campaign doesn't start itself."""
    options = [word for name, value in SPEED.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    options += [word for fault in case.faults[node] for word in ("--fault", fault)]
    return [*options, "--seed", str(case.seed + node)]
