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
_STEP = 1e-6  # of a logarithm, for a numerical derivative


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
    unanswered: list[str] = Field(
        default_factory=list, description="which of the runs that it rests on lack answers, and how many"
    )


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
    unanswered: str = ""
    """Samples that its runs left unanswered, in words."""

    @property
    def rate(self) -> Estimate:
        return over_repeats(self.repeats)

    @property
    def shown(self) -> Estimate:
        """The rate as a reader sees it: one run's is what its own result says, everywhere."""
        return self.repeats[0] if len(self.repeats) == 1 else self.rate


def scaling(groups: Sequence[Measured]) -> Scaling | None:
    """Efficiency of every group of at least two nodes; None where there is no such group.

    All groups must have done the same work with the same settings; the caller sees to that.
    """
    alone = {group.nodes[0]: group.rate for group in groups if len(group.nodes) == 1}
    shown = {group.nodes[0]: group.shown for group in groups if len(group.nodes) == 1}
    lacking = {group.nodes: group.unanswered for group in groups if group.unanswered}
    several = sorted((g for g in groups if len(g.nodes) > 1), key=lambda g: (len(g.nodes), g.nodes))
    if not several:
        return None
    fit, why = _fit(alone, several)
    return Scaling(
        groups=[
            _efficiency(group, alone).model_copy(update={"unanswered": _lacking(group.nodes, lacking)})
            for group in several
        ],
        alone={node: (e.value, e.low, e.high) for node, e in sorted(shown.items())},
        fit=fit,
        why_no_fit=why,
    )


def _lacking(nodes: tuple[str, ...], lacking: Mapping[tuple[str, ...], str]) -> list[str]:
    """What the group's own runs and its baselines left unanswered."""
    rests_on: dict[tuple[str, ...], str] = {nodes: "together"}
    rests_on |= {(node,): f"{node} alone" for node in nodes}
    return [f"{name}: {lacking[key]}" for key, name in rests_on.items() if key in lacking]


def _efficiency(group: Measured, alone: Mapping[str, Estimate]) -> Efficiency:
    together = group.rate
    found = Efficiency(
        nodes=list(group.nodes),
        rate=together.value,
        rate_low=group.shown.low,
        rate_high=group.shown.high,
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
    alone = {node: rate for node, rate in alone.items() if rate.se is not None}
    usable = [g for g in groups if all(node in alone for node in g.nodes) and g.rate.se is not None]
    sizes = sorted({1, *(len(g.nodes) for g in usable)})
    if len(sizes) < _AMDAHL_SIZES:
        return (
            None,
            f"a fit needs at least {_AMDAHL_SIZES} different numbers of nodes with baselines, here {len(sizes)}",
        )
    law = _Law(alone, usable, with_coherency=len(sizes) >= _USL_SIZES)
    ahead = np.arange(1.0, 2 * sizes[-1] + 1)
    predicted, low, high = law.predict(ahead)
    (a, a_low, a_high), coherency = law.parameter(1), law.parameter(2) if law.with_coherency else (None, None, None)
    return ScalingFit(
        law="Universal Scalability Law" if law.with_coherency else "Amdahl's law",
        contention=a,
        contention_low=a_low,
        contention_high=a_high,
        coherency=coherency[0],
        coherency_low=coherency[1],
        coherency_high=coherency[2],
        sizes=sizes,
        unit=law.unit,
        predicted_nodes=[int(v) for v in ahead],
        predicted=[float(v) for v in predicted],
        predicted_low=[float(v) for v in low],
        predicted_high=[float(v) for v in high],
    ), ""


class _Law:
    """The law that the measured rates give, and how far each of their errors moves it.

    The errors are carried to the first order (delta method, Welch-Satterthwaite degrees of freedom): those of the
    nodes alone too, on which every n rests.
    """

    def __init__(self, alone: Mapping[str, Estimate], groups: Sequence[Measured], *, with_coherency: bool) -> None:
        self.with_coherency = with_coherency
        self._members = np.array([[node in group.nodes for node in alone] for group in groups], dtype=float)
        self._rates = [*alone.values(), *(group.rate for group in groups)]
        logs = np.log([rate.value for rate in self._rates])
        self._at = self._solve(logs, free=False)
        free = self._solve(logs, free=True)
        moved = logs + _STEP * np.eye(len(logs))
        self._slopes = np.array([(self._solve(row, free=True) - free) / _STEP for row in moved])

    @property
    def unit(self) -> float:
        """The mean rate alone."""
        return float(np.exp(self._at[0]))

    def parameter(self, place: int) -> tuple[float, float, float]:
        """Contention (1) or coherency (2) with its bounds; neither is negative."""
        value, reach = float(self._at[place]), self._reach(np.eye(3)[place])
        return value, max(0.0, value - reach), value + reach

    def predict(self, n: Floats) -> tuple[Floats, Floats, Floats]:
        """The rate of n mean nodes, with its bounds."""
        _, a, b = self._at
        share = 1 + a * (n - 1) + b * n * (n - 1)
        value = self.unit * n / share
        directions = np.column_stack([np.ones(len(n)), -(n - 1) / share, -n * (n - 1) / share])
        reach = np.exp([self._reach(direction) for direction in directions])
        return value, value / reach, value * reach

    def _reach(self, direction: Floats) -> float:
        """How far log unit, a and b may together lie off in a direction."""
        moves = self._slopes @ direction
        parts = [rate.scaled(abs(move) / rate.value) for move, rate in zip(moves, self._rates, strict=True)]
        return total(parts).reach() or 0.0

    def _solve(self, logs: Floats, *, free: bool) -> Floats:
        """Log unit, a and b: n/C - 1 = a (n - 1) + b n (n - 1) is linear in them. `free`: they may be negative."""
        from scipy.optimize import nnls

        nodes = self._members.shape[1]
        single, together = np.exp(logs[:nodes]), np.exp(logs[nodes:])
        unit = float(single.mean())
        n, c = self._members @ single / unit, together / unit
        columns = np.column_stack([n - 1, n * (n - 1)] if self.with_coherency else [n - 1])
        solution = np.linalg.lstsq(columns, n / c - 1)[0] if free else nnls(columns, n / c - 1)[0]
        return np.array([np.log(unit), *solution, *([] if self.with_coherency else [0.0])])
