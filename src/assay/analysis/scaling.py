"""Scaling over nodes: efficiency against measured baselines, and a model of it where the points allow one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from assay.analysis.statistics import Estimate, Floats, over_repeats, ratio, total

NOT_MEASURED = "not measured"
_AMDAHL_SIZES = 3
_USL_SIZES = 4
_DRAWS = 400
_SEED = 20260102


class Efficiency(BaseModel):
    """Combined throughput over the sum of the measured single-node throughputs."""

    model_config = ConfigDict(extra="forbid")

    nodes: list[str]
    rate: float = Field(description="output tokens/s together, mean of the repeats")
    rate_low: float | None
    rate_high: float | None
    repeats: int
    sum_alone: float | None = Field(description="null: a baseline is missing")
    sum_low: float | None = None
    sum_high: float | None = None
    efficiency: float | None = None
    low: float | None = None
    high: float | None = None
    best_alone: str | None = Field(default=None, description="the node that is fastest alone")
    speedup: float | None = Field(default=None, description="against the best node alone")
    speedup_low: float | None = None
    speedup_high: float | None = None
    missing: list[str] = Field(default_factory=list, description="nodes without a measured baseline")


class ScalingFit(BaseModel):
    """C(n) = n / (1 + a (n - 1) + b n (n - 1)), in units of the mean node alone.

    With b = 0 it is Amdahl's law (a: the serial share); else Gunther's Universal Scalability Law (a: contention,
    b: coherency). n is the sum of the members' own rates over the mean rate, so that unequal nodes count as what
    they are.
    """

    model_config = ConfigDict(extra="forbid")

    law: str
    contention: float
    contention_low: float
    contention_high: float
    coherency: float | None
    coherency_low: float | None
    coherency_high: float | None
    sizes: list[int]
    unit: float = Field(description="tokens/s of the mean node alone")
    predicted_nodes: list[int]
    predicted: list[float]
    predicted_low: list[float]
    predicted_high: list[float]


class Scaling(BaseModel):
    model_config = ConfigDict(extra="forbid")

    groups: list[Efficiency]
    alone: dict[str, tuple[float, float | None, float | None]] = Field(description="node: rate alone, interval")
    fit: ScalingFit | None
    why_no_fit: str = ""


@dataclass(frozen=True)
class Measured:
    """One group of nodes with the rates of its repeats."""

    nodes: tuple[str, ...]
    repeats: tuple[Estimate, ...]

    @property
    def rate(self) -> Estimate:
        return over_repeats(self.repeats)


def scaling(groups: Sequence[Measured]) -> Scaling | None:
    """Efficiency of every group of at least two nodes; None where there is no such group.

    All groups must have done the same work with the same settings; the caller sees to that.
    """
    alone = {group.nodes[0]: group.rate for group in groups if len(group.nodes) == 1}
    several = sorted((g for g in groups if len(g.nodes) > 1), key=lambda g: (len(g.nodes), g.nodes))
    if not several:
        return None
    fit, why = _fit(alone, several)
    return Scaling(
        groups=[_efficiency(group, alone) for group in several],
        alone={node: (e.value, e.low, e.high) for node, e in sorted(alone.items())},
        fit=fit,
        why_no_fit=why,
    )


def _efficiency(group: Measured, alone: Mapping[str, Estimate]) -> Efficiency:
    together = group.rate
    found = Efficiency(
        nodes=list(group.nodes),
        rate=together.value,
        rate_low=together.low,
        rate_high=together.high,
        repeats=len(group.repeats),
        sum_alone=None,
        missing=[node for node in group.nodes if node not in alone],
    )
    if found.missing:
        return found
    baselines = {node: alone[node] for node in group.nodes}
    whole = total(list(baselines.values()))
    share = ratio(together, whole)
    best = max(baselines, key=lambda node: baselines[node].value)
    faster = ratio(together, baselines[best])
    found.sum_alone, found.sum_low, found.sum_high = whole.value, whole.low, whole.high
    found.efficiency, found.low, found.high = share.value, share.low, share.high
    found.best_alone = best
    found.speedup, found.speedup_low, found.speedup_high = faster.value, faster.low, faster.high
    return found


def _fit(alone: Mapping[str, Estimate], groups: Sequence[Measured]) -> tuple[ScalingFit | None, str]:
    usable = [g for g in groups if all(node in alone for node in g.nodes) and g.rate.se is not None]
    sizes = sorted({1, *(len(g.nodes) for g in usable)})
    if len(sizes) < _AMDAHL_SIZES:
        return (
            None,
            f"a fit needs at least {_AMDAHL_SIZES} different numbers of nodes with baselines, here {len(sizes)}",
        )
    unit = float(np.mean([e.value for e in alone.values()]))
    n = np.array([1.0, *(sum(alone[node].value for node in g.nodes) / unit for g in usable)])
    c = np.array([1.0, *(g.rate.value / unit for g in usable)])
    errors = np.array([0.0, *((g.rate.se or 0.0) / g.rate.value for g in usable)])
    with_coherency = len(sizes) >= _USL_SIZES
    best = _solve(n, c, with_coherency)
    rng = np.random.default_rng(_SEED)
    draws = np.array(
        [_solve(n, c * np.exp(errors * rng.standard_normal(len(c))), with_coherency) for _ in range(_DRAWS)]
    )
    ahead = np.arange(1.0, 2 * sizes[-1] + 1)
    curves = unit * np.array([_capacity(ahead, *draw) for draw in draws])
    low, high = np.quantile(draws, [0.025, 0.975], axis=0)
    band = np.quantile(curves, [0.025, 0.975], axis=0)
    return ScalingFit(
        law="Universal Scalability Law" if with_coherency else "Amdahl's law",
        contention=best[0],
        contention_low=float(low[0]),
        contention_high=float(high[0]),
        coherency=best[1] if with_coherency else None,
        coherency_low=float(low[1]) if with_coherency else None,
        coherency_high=float(high[1]) if with_coherency else None,
        sizes=sizes,
        unit=unit,
        predicted_nodes=[int(v) for v in ahead],
        predicted=[float(v) for v in unit * _capacity(ahead, *best)],
        predicted_low=[float(v) for v in band[0]],
        predicted_high=[float(v) for v in band[1]],
    ), ""


def _solve(n: Floats, c: Floats, with_coherency: bool) -> tuple[float, float]:
    """n/C - 1 = a (n - 1) + b n (n - 1) is linear in a and b; neither may be negative."""
    from scipy.optimize import nnls

    columns = [n - 1, n * (n - 1)] if with_coherency else [n - 1]
    solution, _ = nnls(np.column_stack(columns), n / c - 1)
    return float(solution[0]), float(solution[1]) if with_coherency else 0.0


def _capacity(n: Floats, contention: float, coherency: float) -> Floats:
    return n / (1 + contention * (n - 1) + coherency * n * (n - 1))
