"""Throughput against pace: what each number in flight gives the system, and how fast each user's answer comes.

Pace is MLPerf Endpoints' tokens/s for each user: 1000 / TPOT p90 in ms. A point is on the front where no other gives
both more tokens/s and a faster pace (Pareto).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from assay.analysis.campaign import Group
from assay.analysis.loads import Value, percentile_over
from assay.analysis.statistics import Estimate
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

    @property
    def loads(self) -> list[CurvePoint]:
        """Those with a number in flight."""
        return [point for point in self.points if point.in_flight is not None]

    @property
    def of_server(self) -> list[CurvePoint]:
        """Points that the load generator can't have shaped."""
        return [point for point in self.points if not point.client_bound]


def curve_of(groups: Sequence[Group]) -> Curve | None:
    """The curve of the loads on the most nodes; None: fewer than two have a pace, or tokens aren't known."""
    nodes = max((group.first.entry.nodes for group in groups), key=len, default=[])
    here = [group for group in groups if group.first.entry.nodes == nodes]
    counts = {sum(len(endpoint.accelerators) for endpoint in group.first.record.endpoints) for group in here}
    accelerators = counts.pop() or None if len(counts) == 1 else None
    points = [point for group in here if (point := _point(group, accelerators)) is not None]
    points.sort(key=lambda point: math.inf if point.in_flight is None else point.in_flight)
    curve = Curve(accelerators=accelerators, points=points)
    if len(curve.loads) < 2:
        return None
    for point in curve.of_server:
        point.front = not any(_beats(other, point) for other in curve.of_server)
    return curve


def _point(group: Group, accelerators: int | None) -> CurvePoint | None:
    """None where the group is of another load, or its tokens or pace aren't known."""
    entry, results = group.first.entry, [line.result for line in group.lines]
    if isinstance(entry.shape, ConcurrencyShape):
        load, in_flight = entry.shape.title, entry.shape.concurrency
    elif entry.scenario == "Offline" and entry.window is None:
        load, in_flight = "Offline", None
    else:
        return None
    tokens, tpot = group.tokens_per_s, percentile_over(results, "tpot_ns", "p90")
    if not tokens.value > 0 or tpot is None or not tpot.value > 0:
        return None
    return CurvePoint(
        load=load,
        in_flight=in_flight,
        runs=[line.folder.id for line in group.lines],
        output_tokens_per_s=_value(tokens),
        per_accelerator=None if accelerators is None else _value(tokens.scaled(1 / accelerators)),
        per_user=_pace(tpot),
        ttft_p90_ns=percentile_over(results, "ttft_ns", "p90"),
        expenses={name: _value(value) for name, value in group.expenses.items()},
        client_bound=any(line.record.client.client_bound for line in group.lines),
        unanswered=group.unanswered,
    )


def _value(estimate: Estimate) -> Value:
    return Value(value=estimate.value, low=estimate.low, high=estimate.high)


def _pace(tpot_ns: Value) -> Value:
    """Tokens/s of an answer whose tokens are so far apart; the longest time is the slowest pace."""
    low, high = (1e9 / bound if bound else None for bound in (tpot_ns.high, tpot_ns.low))
    return Value(value=1e9 / tpot_ns.value, low=low, high=high)


def _beats(one: CurvePoint, other: CurvePoint) -> bool:
    """Whether it is better in one and at least as good in the other."""
    rates = one.output_tokens_per_s.value, other.output_tokens_per_s.value
    paces = one.per_user.value, other.per_user.value
    return rates[0] >= rates[1] and paces[0] >= paces[1] and (rates[0] > rates[1] or paces[0] > paces[1])
