"""From which load on a sweep's system is saturated: the load grows, the rate doesn't, and requests wait instead.

With a fixed number in flight a load is the first saturated one if at each higher load the rate is at most a tenth
higher, the highest is at least twice the load, and the interval of its rate's ratio lies below the square root of the
load's: less than half of the growth, in logarithms, came out as rate. Where this holds of the highest load against the
one before, save the tenth, and more than half of the growth came out as TTFT, the highest is saturated, and where
between the two that began isn't known. It isn't saturated where more than half of the growth came out as rate.

With arrivals at a rate it is the first of which less was done than arrived, beyond the interval: below 95 % less what
is in flight at the end anyway, which is the part that the lowest load's median latency is of the time. A load so short
that this is half of it tells nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from assay.analysis.campaign import Group, Load, load_of
from assay.analysis.distributions import percentile
from assay.analysis.offered import CARRIED, LEAST_TELLING
from assay.analysis.statistics import Estimate, over_repeats, ratio

Points = Sequence[tuple[Load, Group]]
State = Literal["saturated", "not saturated", "not shown"]

FLAT = 1.1
"""Times a rate: a higher load's that is at most so much is little more."""
_LEAST_GROWTH = 2.0
_WAITS = (("ttft_ns", "TTFT"), ("latency_ns", "latency"))


@dataclass(frozen=True)
class Waits:
    """What grew between two loads: the ratio of its medians."""

    name: str
    ratio: Estimate
    since: Load


@dataclass(frozen=True)
class Saturation:
    """What a sweep shows. `at` is the first saturated load, else the highest."""

    state: State
    at: Load
    top: Load
    beside: Load
    """The load whose rate `change` is against: `at`, or the one before the highest."""
    change: Estimate
    """The highest load's rate over that of `beside`."""
    arrived_per_s: float | None
    """At `at`, where requests arrive at a rate."""
    done_per_s: Estimate
    """At `at`."""
    with_end: bool
    """Whether what was done a second counts the time after the last arrival."""
    waits: Waits | None
    """What grows instead; None where it is saturated by nothing that was measured, or isn't saturated."""


def saturation(points: Points) -> Saturation:
    """What at least two loads, in their order, show."""
    loads, groups = [load for load, _ in points], [group for _, group in points]
    rates = [group.samples_per_s for group in groups]
    arrived = [_arrived(group) for group in groups]
    judge = _by_rates(loads, rates, groups) if loads[0].axis == "concurrency" else _by_arrivals(rates, arrived, groups)
    state, place = judge
    top, last = loads[-1], len(points) - 1
    before = place if state == "saturated" and place < last else last - 1
    # With arrivals, and at the highest load, the first saturated load itself is one at which requests wait.
    calm = max(0, place - 1) if loads[0].axis == "rate" or place == last else place
    return Saturation(
        state=state,
        at=loads[place],
        top=top,
        beside=loads[before],
        change=ratio(rates[-1], rates[before]),
        arrived_per_s=arrived[place],
        done_per_s=rates[place],
        with_end=any(line.offered is not None and not line.offered.timed for line in groups[place].lines),
        waits=_waits(groups[calm], groups[-1], loads[calm]) if state == "saturated" and calm < last else None,
    )


def sweeps(groups: Sequence[Group]) -> list[list[tuple[Load, Group]]]:
    """Groups between which the load is all that differs, each with at least two loads, in their order."""
    found: dict[tuple[object, ...], list[tuple[Load, Group]]] = {}
    for group in groups:
        load, entry = load_of(group.first.entry), group.first.entry
        if load is not None:
            found.setdefault((load.axis, entry.scenario, tuple(entry.nodes)), []).append((load, group))
    return [sorted(points, key=lambda point: point[0].value) for points in found.values() if len(points) > 1]


def highest_carried(points: Points) -> int | None:
    """The place of the highest load, arriving at a rate, of which as much was done as came, below any that isn't
    carried; None: of none is that shown. One that the load generator could have shaped counts where no other does."""
    groups = [group for _, group in points]
    judged = _carried_each([group.samples_per_s for group in groups], [_arrived(group) for group in groups], groups)
    before = judged[: judged.index(False)] if False in judged else judged
    found = [place for place, held in enumerate(before) if held]
    own = [place for place in found if not points[place][1].client_bound]
    return max(own or found, default=None)


def carried_words(group: Group) -> str:
    """What is known of the highest load that was carried: nothing is shown by one whose client was in the way."""
    return "was carried" if group.client_bound else "is shown to be carried"


def client_bound_mark(group: Group) -> str:
    """What stands behind the name of a load that the load generator could have shaped."""
    return " (client-bound)" if group.client_bound else ""


def carried(done_per_s: float, came_per_s: float, usual_s: float, seconds: float) -> bool:
    """Whether as much was done as came, save what is in flight at the end anyway: `usual_s` of the load's `seconds`."""
    least = CARRIED - usual_s / seconds
    return least >= LEAST_TELLING and done_per_s / came_per_s >= least


def flat_from(in_flight: Sequence[float], rates: Sequence[Estimate]) -> int | None:
    """The place of the first saturated one of these loads, which grow; None: none is shown to be."""
    return next((place for place in range(len(rates) - 1) if _flat_from(place, in_flight, rates)), None)


def _by_rates(loads: Sequence[Load], rates: Sequence[Estimate], groups: Sequence[Group]) -> tuple[State, int]:
    """The state, and the load at which it is shown, with a fixed number in flight."""
    last = len(loads) - 1
    in_flight = [load.value for load in loads]
    if (place := flat_from(in_flight, rates)) is not None:
        return "saturated", place
    half = math.sqrt(loads[-1].value / loads[-2].value)
    if (low := ratio(rates[-1], rates[-2]).low) is not None and low > half:
        return "not saturated", last
    waits = _grown(groups[-2], groups[-1], "ttft_ns")
    if _little_gained(last - 1, in_flight, rates) and waits is not None and waits.low is not None and waits.low > half:
        return "saturated", last
    return "not shown", last


def _flat_from(place: int, in_flight: Sequence[float], rates: Sequence[Estimate]) -> bool:
    flat = all(rate.value <= FLAT * rates[place].value for rate in rates[place + 1 :])
    return flat and _little_gained(place, in_flight, rates)


def _little_gained(place: int, in_flight: Sequence[float], rates: Sequence[Estimate]) -> bool:
    """Whether less than half of a load's growth up to the highest came out as rate."""
    growth = in_flight[-1] / in_flight[place]
    high = ratio(rates[-1], rates[place]).high
    return growth >= _LEAST_GROWTH and high is not None and high < math.sqrt(growth)


def _by_arrivals(
    rates: Sequence[Estimate], arrived: Sequence[float | None], groups: Sequence[Group]
) -> tuple[State, int]:
    """The same where requests arrive at a rate."""
    judged = _carried_each(rates, arrived, groups)
    if False in judged:
        return "saturated", judged.index(False)
    return "not saturated" if judged[-1] else "not shown", len(rates) - 1


def _carried_each(
    rates: Sequence[Estimate], arrived: Sequence[float | None], groups: Sequence[Group]
) -> list[bool | None]:
    """Whether each load was carried, False where it is shown not to be; None: neither is shown."""
    usual = _median(groups[0], "latency_ns")
    usual_s, found = 0.0 if usual is None else usual.value / 1e9, list[bool | None]()
    for rate, came, group in zip(rates, arrived, groups, strict=True):
        seconds = _mean([line.offered.seconds for line in group.lines if line.offered])
        if came is None or seconds is None:
            found.append(None)
        elif rate.high is not None and rate.high / came < CARRIED - usual_s / seconds:
            found.append(False)
        else:
            found.append(True if carried(rate.value, came, usual_s, seconds) else None)
    return found


def _waits(calm: Group, top: Group, since: Load) -> Waits | None:
    """The first of TTFT and latency whose median is shown to grow."""
    for key, name in _WAITS:
        grown = _grown(calm, top, key)
        if grown is not None and grown.low is not None and grown.low > 1:
            return Waits(name, grown, since)
    return None


def _grown(calm: Group, top: Group, key: str) -> Estimate | None:
    """How many times a latency's median grew; None where one isn't known."""
    before, after = _median(calm, key), _median(top, key)
    return None if before is None or after is None else ratio(after, before)


def _median(group: Group, key: str) -> Estimate | None:
    """Over the repeats, ns."""
    found = [percentile(line.result.latency[key], "p50") for line in group.lines if key in line.result.latency]
    return over_repeats(found) if found else None


def _arrived(group: Group) -> float | None:
    """Arrivals a second, the mean of the repeats."""
    return _mean([line.offered.per_s for line in group.lines if line.offered])


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
