"""Which settings give the most for which pace of a user: the front of a search's finalists (Pareto).

For users who want at least some pace, the best is the point of the most tokens/s among those that are as fast. So the
points of the front, from the fastest on, divide the paces into ranges, each with its own best. What it gives is held
against the most that the default may give at any pace of the range: its points whose pace's interval reaches into it.
The default's own is held against the most that any other may give there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from assay.analysis.loads import Value, pace_of, percentile_over
from assay.analysis.statistics import CONFIDENCE, Estimate, over_repeats, ratio
from assay.analysis.summary import shaped_by_client
from assay.runs.campaign import RunEntry
from assay.runs.result import Result
from assay.runs.shapes import ConcurrencyShape

RateOf = Callable[[RunEntry], Estimate | None]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TryPoint(_Model):
    """What a try gave with one number in flight, over its starts."""

    in_flight: int
    output_tokens_per_s: Value = Field(description="of the whole system")
    per_user: Value = Field(description="pace: tokens/s of one answer, 1000 / TPOT p90 in ms")
    client_bound: bool = Field(description="the load generator could have shaped it: it is never on the front")


class PaceRange(_Model):
    """The paces of a user for which one point gives the most tokens/s."""

    name: str = Field(description="the settings")
    in_flight: int
    above: float = Field(description="tokens/s for each user; 0: however slow")
    up_to: float = Field(description="tokens/s for each user, included: the point's own pace")
    output_tokens_per_s: Value
    ratio: float | None = Field(
        description="over the default's most there, of the default's own over the most of the others; null: none there"
    )
    low: float | None
    high: float | None
    shown: bool = Field(description="better than the default by an interval; all ranges hold together")
    default_best: bool = Field(default=False, description="the default's own, and so better than any other")


class Front(_Model):
    """The best by the pace of a user, the fastest first."""

    accelerators: int | None = Field(default=None, description="of the system; null: not known")
    ranges: list[PaceRange]

    @property
    def dominating(self) -> str | None:
        """The settings that are shown to be better at every pace; None: there are none."""
        names = {one.name if one.shown else None for one in self.ranges}
        return names.pop() if len(names) == 1 else None

    @property
    def default_best(self) -> bool:
        """Whether the default is shown to be better than any other at every pace."""
        return bool(self.ranges) and all(one.default_best for one in self.ranges)

    @property
    def shown(self) -> list[str]:
        """The settings that are shown to be better at some pace, those for the fastest first."""
        return list(dict.fromkeys(one.name for one in self.ranges if one.shown))


@dataclass(frozen=True)
class Measured:
    """A point with what its rate's error is made of."""

    point: TryPoint
    rate: Estimate


def measured(entries: Iterable[RunEntry], of_run: Mapping[str, Result], rate_of: RateOf) -> list[Measured]:
    """The points of one try's runs in one stage, from few to many in flight; those alone that all starts have."""
    loads: dict[int, list[RunEntry]] = {}
    for entry in entries:
        if isinstance(entry.shape, ConcurrencyShape):
            loads.setdefault(entry.shape.concurrency, []).append(entry)
    found = (_point(in_flight, own, of_run, rate_of) for in_flight, own in sorted(loads.items()))
    return [point for point in found if point is not None]


def _point(
    in_flight: int, entries: Sequence[RunEntry], of_run: Mapping[str, Result], rate_of: RateOf
) -> Measured | None:
    rates = [rate for entry in entries if (rate := rate_of(entry)) is not None]
    results = [result for entry in entries if (result := of_run.get(entry.run or "")) is not None]
    tpot = percentile_over(results, "tpot_ns", "p90")
    if len(rates) < len(entries) or tpot is None or not tpot.value > 0:
        return None
    rate = rates[0] if len(rates) == 1 else over_repeats(rates)
    value = Value(value=rate.value, low=rate.low, high=rate.high)
    return Measured(
        TryPoint(
            in_flight=in_flight,
            output_tokens_per_s=value,
            per_user=pace_of(tpot),
            client_bound=shaped_by_client(results),
        ),
        rate,
    )


def mean_rate(rates: Sequence[Estimate]) -> Estimate:
    """The geometric mean of one start's rates: an improvement counts as much at few in flight as at many."""
    if len(rates) == 1:
        return rates[0]
    value = math.exp(sum(math.log(rate.value) for rate in rates) / len(rates))
    if any(rate.se is None for rate in rates):
        return Estimate(value, None)
    shared = value * sum(rate.shared / rate.value for rate in rates) / len(rates)
    return Estimate(
        value, value * math.hypot(*((rate.se or 0.0) / rate.value for rate in rates)) / len(rates), shared=shared
    )


def on_front(points: Mapping[str, Sequence[TryPoint]]) -> list[tuple[str, TryPoint]]:
    """The points, each with its try's name, that no other beats in both, the fastest for a user first."""
    own = [(name, point) for name, of in points.items() for point in of if not point.client_bound]
    best = [(name, point) for name, point in own if not any(_beats(other, point) for _, other in own)]
    return sorted(best, key=lambda found: (-found[1].per_user.value, found[1].output_tokens_per_s.value))


def _beats(one: TryPoint, other: TryPoint) -> bool:
    ours, theirs = ((point.output_tokens_per_s.value, point.per_user.value) for point in (one, other))
    return ours != theirs and ours[0] >= theirs[0] and ours[1] >= theirs[1]


def front_of(tries: Mapping[str, Sequence[Measured]], default: str) -> Front:
    """Of the tries by their names, of which one is the default."""
    found = on_front({name: [one.point for one in own] for name, own in tries.items()})
    of_default, of_others = tries[default], [one for name, own in tries.items() if name != default for one in own]
    confidence = 1 - (1 - CONFIDENCE) / max(1, len(found))  # so that all ranges' intervals hold together
    ranges = []
    for place, (name, point) in enumerate(found):
        above = found[place + 1][1].per_user.value if place + 1 < len(found) else 0.0
        own = next(one for one in tries[name] if one.point is point)
        against, more = _held(own, of_others if name == default else of_default, above, confidence)
        low, high = (None if against is None else against.interval_at(confidence)) or (None, None)
        ranges.append(
            PaceRange(
                name=name, in_flight=point.in_flight, above=above, up_to=point.per_user.value,
                output_tokens_per_s=point.output_tokens_per_s, ratio=None if against is None else against.value,
                low=low, high=high, shown=more and name != default, default_best=more and name == default,
            )
        )  # fmt: skip
    return Front(ranges=ranges)


def _held(own: Measured, against: Sequence[Measured], above: float, confidence: float) -> tuple[Estimate | None, bool]:
    """The point's rate over the most that those may give at a pace above that, and whether it is shown to be more.
    Where they have no such pace, whether that is shown."""
    theirs = [one for one in against if not one.point.client_bound]
    reaching = [one for one in theirs if (one.point.per_user.high or one.point.per_user.value) > above]
    if not reaching:
        low = own.point.per_user.low
        fastest = max((one.point.per_user.high or math.inf for one in theirs), default=math.inf)
        return None, low is not None and low > fastest
    quotient = ratio(own.rate, max((one.rate for one in reaching), key=lambda rate: rate.value))
    interval = quotient.interval_at(confidence)
    return quotient, interval is not None and interval[0] > 1
