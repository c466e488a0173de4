"""Simulated repeats of groups of nodes whose true rates are known."""

from __future__ import annotations

import numpy as np

from assay.analysis.scaling import Measured
from assay.analysis.statistics import Estimate


def measured(
    nodes: tuple[str, ...], rate: float, rng: np.random.Generator, repeats: int = 3, spread: float = 0.01
) -> Measured:
    """A group whose runs differ by `spread`, as each of them says of itself."""
    rates = rate * (1 + spread * rng.standard_normal(repeats))
    return Measured(nodes, tuple(Estimate(float(r), r * spread, 50, 100) for r in rates))


def cluster(rng: np.random.Generator, contention: float, coherency: float, sizes: tuple[int, ...]) -> list[Measured]:
    """Nodes of rate 100, each alone, and their first `sizes` together under the Universal Scalability Law."""
    names = tuple(f"n{i}" for i in range(max(sizes)))
    groups = [measured((name,), 100.0, rng) for name in names]
    several = [n for n in sizes if n > 1]
    return groups + [measured(names[:n], 100 * n / slowdown(n, contention, coherency), rng) for n in several]


def slowdown(n: int, contention: float, coherency: float) -> float:
    return 1 + contention * (n - 1) + coherency * n * (n - 1)
