"""Throughput against pace: what each number in flight gives the system, and how fast each user's answer comes.

Pace is MLPerf Endpoints' tokens/s for each user: 1000 / TPOT p90 in ms. A point is on the front where no other gives
both more tokens/s and a faster pace (Pareto).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from assay.analysis.campaign import Group
from assay.analysis.expenses import EXPENSES
from assay.analysis.load_runs import LoadRuns
from assay.analysis.loads import Value, figure_over, pace_of, percentile_over
from assay.analysis.statistics import Estimate
from assay.analysis.summary import shaped_by_client
from assay.runs.campaign import RunEntry
from assay.runs.record import RunRecord
from assay.runs.result import Result
from assay.runs.shapes import ConcurrencyShape


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class CurvePoint(_Model):
    """What one load gave; over several repeats every number is the mean of theirs."""

    load: str = Field(description="the load in words")
    in_flight: int | None = Field(description="null: Offline")
    runs: list[str] = Field(description="run folders that the point is of")
    output_tokens_per_s: Value = Field(description="of the whole system")
    per_accelerator: Value | None = Field(description="output tokens/s; null: their number isn't known")
    per_user: Value = Field(description="tokens/s of one answer: 1000 / TPOT p90 in ms")
    ttft_p90_ns: Value | None
    expenses: dict[str, Value] = Field(description="energy and money, by the names of the results' figures")
    client_bound: bool = Field(description="the load generator could have shaped it: it isn't the server's")
    unanswered: str = Field(description="samples that failed or were lost, in words; empty: none")
    front: bool = Field(
        default=False, description="the server's own, and none of these has both more tokens/s and a faster pace"
    )


class Curve(_Model):
    """Points from few to many in flight, then Offline."""

    accelerators: int | None = Field(description="of the endpoints; null: not known")
    points: list[CurvePoint]
    units: dict[str, str] = Field(description="of the points' expenses, by their names")

    @property
    def loads(self) -> list[CurvePoint]:
        """Those with a number in flight."""
        return [point for point in self.points if point.in_flight is not None]

    @property
    def of_server(self) -> list[CurvePoint]:
        """Points that the load generator can't have shaped."""
        return [point for point in self.points if not point.client_bound]


def front_of_all(curves: Mapping[str, Curve], *, each: bool) -> list[tuple[str, CurvePoint]]:
    """The points of several systems that none of them beats in both, each with its system's name, from slow to fast.

    `each`: for each accelerator instead of the whole system.
    """
    own = [(name, point, _rate(point, each=each)) for name, curve in curves.items() for point in curve.of_server]
    best = [
        (name, point)
        for name, point, rate in own
        if not any(_above((other, one.per_user.value), (rate, point.per_user.value)) for _, one, other in own)
    ]
    return sorted(best, key=lambda found: found[1].per_user.value)


def _rate(point: CurvePoint, *, each: bool) -> float:
    value = point.per_accelerator if each else point.output_tokens_per_s
    return 0.0 if value is None else value.value


@dataclass(frozen=True)
class LoadMeasured:
    """One load's repeats, with the means of what they gave, as far as it is known."""

    entry: RunEntry
    record: RunRecord
    results: Sequence[Result]
    output_tokens_per_s: Value | None
    expenses: Mapping[str, Value]


def curve_of(groups: Sequence[Group]) -> Curve | None:
    """The curve of a campaign that was analysed; None: fewer than two numbers in flight have tokens and a pace."""
    return curve_from([_of_group(group) for group in groups])


def _of_group(group: Group) -> LoadMeasured:
    results, tokens = [line.result for line in group.lines], group.tokens_per_s
    expenses = {name: _value(value) for name, value in group.expenses.items()}
    known = _value(tokens) if tokens.value > 0 else None
    return LoadMeasured(group.first.entry, group.first.record, results, known, expenses)


def curve_measured(loads: Sequence[LoadRuns]) -> Curve | None:
    """The curve of a campaign of which the results alone are known; None: as of `curve_of`."""
    return curve_from([_of_results(load) for load in loads])


def _of_results(load: LoadRuns) -> LoadMeasured:
    known = {name: figure_over(load.results, name) for name in ("output_tokens_per_s", *EXPENSES)}
    expenses = {name: value for name in EXPENSES if (value := known[name]) is not None}
    return LoadMeasured(load.entry, load.record, load.results, known["output_tokens_per_s"], expenses)


def curve_from(loads: Sequence[LoadMeasured]) -> Curve | None:
    """The curve of the loads on the most nodes; None: fewer than two numbers in flight have tokens and a pace."""
    nodes = max((load.entry.nodes for load in loads), key=len, default=[])
    here = [load for load in loads if load.entry.nodes == nodes]
    counts = {sum(len(endpoint.accelerators) for endpoint in load.record.endpoints) for load in here}
    accelerators = counts.pop() or None if len(counts) == 1 else None
    points = [point for load in here if (point := _point(load, accelerators)) is not None]
    points.sort(key=lambda point: math.inf if point.in_flight is None else point.in_flight)
    figures = [load.results[0].figures for load in here]
    units = {name: own[name].unit for own in figures for name in EXPENSES if name in own}
    curve = Curve(accelerators=accelerators, points=points, units=units)
    if len(curve.loads) < 2:
        return None
    for point in curve.of_server:
        point.front = not any(_beats(other, point) for other in curve.of_server)
    return curve


def _point(load: LoadMeasured, accelerators: int | None) -> CurvePoint | None:
    """None where the load is of another kind, or its tokens or pace aren't known."""
    entry, tokens = load.entry, load.output_tokens_per_s
    if isinstance(entry.shape, ConcurrencyShape):
        title, in_flight = entry.shape.title, entry.shape.concurrency
    elif entry.scenario == "Offline" and entry.window is None:
        title, in_flight = "Offline", None
    else:
        return None
    tpot = percentile_over(load.results, "tpot_ns", "p90")
    if tokens is None or tpot is None or not tpot.value > 0:
        return None
    return CurvePoint(
        load=title,
        in_flight=in_flight,
        runs=[result.run for result in load.results],
        output_tokens_per_s=tokens,
        per_accelerator=None if accelerators is None else _scaled(tokens, 1 / accelerators),
        per_user=pace_of(tpot),
        ttft_p90_ns=percentile_over(load.results, "ttft_ns", "p90"),
        expenses=dict(load.expenses),
        client_bound=shaped_by_client(load.results),
        unanswered="; ".join(dict.fromkeys(words for result in load.results if (words := result.unanswered_words))),
    )


def _scaled(value: Value, factor: float) -> Value:
    low, high = (None if bound is None else bound * factor for bound in (value.low, value.high))
    return Value(value=value.value * factor, low=low, high=high)


def _value(estimate: Estimate) -> Value:
    return Value(value=estimate.value, low=estimate.low, high=estimate.high)


def _beats(one: CurvePoint, other: CurvePoint) -> bool:
    """Whether it is better in one and at least as good in the other."""
    return _above(
        (one.output_tokens_per_s.value, one.per_user.value), (other.output_tokens_per_s.value, other.per_user.value)
    )


def _above(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one != other and one[0] >= other[0] and one[1] >= other[1]
