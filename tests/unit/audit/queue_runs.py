"""True runs: a small queue simulation, and every figure that a report could state of it, derived from its samples.

Simulated data, made to look like a real server's within the limits of its hardware: nothing here is a measurement.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

WEIGHTS = 6.98e9  # llama3.1-8b without its embeddings
A30_FLOPS = 165e12


@dataclass
class Simulated:
    """Samples in order of issue; times in ns from the start of the run."""

    node: np.ndarray
    start_ns: np.ndarray
    first_ns: np.ndarray
    done_ns: np.ndarray
    tokens_in: np.ndarray
    tokens_out: np.ndarray

    def __len__(self) -> int:
        return len(self.start_ns)

    @property
    def latency_ns(self) -> np.ndarray:
        return self.done_ns - self.start_ns

    @property
    def ttft_ns(self) -> np.ndarray:
        return self.first_ns - self.start_ns

    @property
    def tpot_ns(self) -> np.ndarray:
        return (self.done_ns - self.first_ns) // (self.tokens_out - 1)

    @property
    def duration_s(self) -> float:
        return float(self.done_ns.max()) / 1e9

    def of_node(self, node: int) -> Simulated:
        mask = self.node == node
        columns = (self.node, self.start_ns, self.first_ns, self.done_ns, self.tokens_in, self.tokens_out)
        return Simulated(*(column[mask] for column in columns))


def simulate(
    rng: np.random.Generator, samples: int, concurrency: int, speeds: list[float], arrivals: np.ndarray | None = None
) -> Simulated:
    """Nodes of the given speeds pull samples, each with `concurrency` at a time; slower than an A30 in float16.

    With `arrivals` (s) a sample starts when it arrives and waits for a place; else when a place is free.
    """
    tokens_in = rng.integers(100, 1500, samples)
    tokens_out = rng.integers(2, 129, samples)
    places = [(node, 0.0) for node in range(len(speeds)) for _ in range(concurrency)]
    free = np.zeros(len(places))
    node, start, first, done = (np.zeros(samples) for _ in range(4))
    for i in range(samples):
        arrived = float(arrivals[i]) if arrivals is not None else 0.0
        place = int(np.argmin(np.maximum(free, arrived)))
        begin = max(free[place], arrived)
        which = places[place][0]
        slow = 1 / speeds[which]
        prefill = concurrency * 2 * WEIGHTS * tokens_in[i] / A30_FLOPS * 1.3 + 0.02
        node[i] = which
        start[i] = arrived if arrivals is not None else begin
        first[i] = begin + prefill * slow * rng.uniform(1, 1.4)
        done[i] = first[i] + (tokens_out[i] - 1) * 0.025 * slow * rng.uniform(1, 1.5)
        free[place] = done[i]
    ns = [np.round(values * 1e9).astype(np.int64) for values in (start, first, done)]
    return Simulated(node.astype(int), *ns, tokens_in, tokens_out)


def printed(value: float, digits: int) -> str:
    """A number as a report prints it, with that many significant digits and no exponent."""
    if value == 0:
        return "0"
    decimals = max(digits - 1 - int(np.floor(np.log10(abs(value)))), 0)
    return f"{value:.{decimals}f}"


def spread(values: np.ndarray, digits: int) -> dict[str, Any]:
    """Statistics in ms; percentiles that the number of samples can carry, by nearest rank."""
    ordered = np.sort(values) / 1e6
    n = len(ordered)
    stats = {
        "min": ordered[0],
        "max": ordered[-1],
        "mean": ordered.mean(),
        **({"std": ordered.std(ddof=1)} if n > 1 else {}),
        **{f"p{p}": ordered[min(n - 1, int(n * p / 100))] for p in (50, 90, 95, 99) if n * (100 - p) >= 100},
    }
    return {"unit": "ms", "n": str(n), **{name: printed(float(value), digits) for name, value in stats.items()}}


def run_claims(
    name: str, sim: Simulated, nodes: list[str], concurrency: int, digits: int, failed: int = 0
) -> dict[str, Any]:
    """Everything that a report could state of a run."""
    n, tokens = len(sim), int(sim.tokens_out.sum())
    at_limit = int((sim.tokens_out == 128).sum())
    return {
        "name": name,
        "nodes": nodes,
        "samples": {"assigned": str(n + failed), "completed": str(n), "failed": str(failed), "lost": "0"},
        "success_rate": f"{printed(100 * n / (n + failed), digits)} %",
        "duration": f"{printed(sim.duration_s, digits)} s",
        "samples_per_s": printed(n / sim.duration_s, digits),
        "tokens_per_s": printed(tokens / sim.duration_s, digits),
        "output_tokens": str(tokens),
        "mean_output_tokens": printed(tokens / n, digits + 1),
        "mean_input_tokens": printed(float(sim.tokens_in.mean()), digits + 1),
        "concurrency": str(concurrency),
        "latency": spread(sim.latency_ns, digits),
        "ttft": spread(sim.ttft_ns, digits),
        "tpot": spread(sim.tpot_ns, digits),
        "outputs": {
            "limit": "128",
            "length": str(at_limit),
            "eos": str(n - at_limit),
            "longest": str(sim.tokens_out.max()),
        },
    }


def report_claims(seed: int, samples: int, concurrency: int, nodes: int, digits: int, failed: int) -> dict[str, Any]:
    """A report on nodes alone and together, with scaling, speed-up and projection as they are."""
    rng = np.random.default_rng(seed)
    speeds = [float(rng.uniform(0.4, 1.0)) for _ in range(nodes)]
    names = [f"node{i}" for i in range(nodes)]
    alone = [simulate(rng, samples, concurrency, [speed]) for speed in speeds]
    runs = [run_claims(f"{n} alone", sim, [n], concurrency, digits) for n, sim in zip(names, alone, strict=True)]
    together = simulate(rng, samples * nodes, concurrency, speeds)
    whole = run_claims("together", together, names, concurrency * nodes, digits, failed)
    own = [together.of_node(i) for i in range(nodes)]
    parts = []
    if failed == 0 and all(len(sim) > 1 for sim in own):
        parts = [
            run_claims(f"{n} in together", sim, [n], concurrency, digits) for n, sim in zip(names, own, strict=True)
        ]
        whole["parts"] = [part["name"] for part in parts]
    rates = [len(sim) / sim.duration_s for sim in alone]
    combined = len(together) / together.duration_s
    derived: list[dict[str, Any]] = [
        {
            "kind": "speedup",
            "value": printed(combined / max(rates), digits) + "x",
            "combined": "together",
            "baselines": [run["name"] for run in runs],
        },
        {
            "kind": "projection",
            "run": "together",
            "samples": "13368",
            "duration": printed(13368 / combined / 3600, digits) + " h",
        },
    ]
    efficiency = combined / sum(rates)
    if efficiency <= 1:
        derived.append(
            {
                "kind": "scaling",
                "value": printed(100 * efficiency, digits) + " %",
                "combined": "together",
                "baselines": [run["name"] for run in runs],
            }
        )
    return {
        "version": "1",
        "title": f"{nodes} nodes",
        "system": {"accelerators": [{"name": "NVIDIA A30"}]},
        "model": {"name": "Llama-3.1-8B-Instruct", "precision": "float16"},
        "dataset": {"name": "CNN/DailyMail"},
        "engine": {"prefix_caching": "false", "max_output_tokens": "128"},
        "runs": [*runs, whole, *parts],
        "derived": derived,
    }
