"""Loads in their order, and what they show together: from which on the system is saturated."""

from __future__ import annotations

from collections.abc import Sequence

from assay.analysis.campaign import Group, Load
from assay.analysis.saturation import Saturation, saturation, sweeps
from assay.report import format as fmt
from assay.report.client_shaped import DOUBT

Points = list[tuple[Load, Group]]
AXES = {"rate": "target rate (samples/s)", "concurrency": "requests in flight"}
_BY_FACTORS = 8


def by_factors(loads: Sequence[float]) -> bool:
    """Whether ordered loads grow by factors, so that a log axis shows them all: from 8 times between the ends on."""
    return loads[0] > 0 and loads[-1] >= _BY_FACTORS * loads[0]


def load_words(load: Load) -> str:
    """A load in a sentence."""
    return f"{load.value:,g} samples/s asked for" if load.axis == "rate" else f"{load.value:,g} in flight"


def in_flight(groups: Sequence[Group]) -> Points:
    """The loads of a curve, which has at least two."""
    return next(found for found in sweeps(groups) if found[0][0].axis == "concurrency")


def server_saturation(points: Points) -> Saturation | None:
    """What the loads that the load generator can't have shaped show of the server; None: too few of them.

    Where requests arrive at a rate, each load says by itself whether it is carried. With a number in flight others are
    needed, and that these are not saturated says nothing where higher ones were left out.
    """
    every = saturation(points)
    if every.at.axis == "rate" and not dict(points)[every.at].client_bound:
        return every
    own = [(load, group) for load, group in points if not group.client_bound]
    if len(own) < 2:
        return None
    found = saturation(own)
    return found if found.state == "saturated" or own[-1][0] == points[-1][0] else None


def saturation_words(points: Points) -> str:
    """One sentence: from which load on the server is saturated and what grows, or that it isn't, or isn't shown."""
    found = server_saturation(points)
    if found is None:
        every = saturation(points)
        flat = every.state == "saturated" and every.at != every.top  # at the highest, little more came, not none
        if every.at.axis == "concurrency" and flat:
            return (
                f"From {load_words(every.at)} on more in flight gave little more ({_grown(every)}), but {DOUBT} points "
                "there: whether the server is saturated isn't shown."
            )
        return f"Whether the server is saturated isn't shown: {DOUBT} points."
    return _in_flight(found) if found.at.axis == "concurrency" else _at_a_rate(found)


def _grown(found: Saturation) -> str:
    """The highest load's rate against that of the first that is as good."""
    change = fmt.times(found.change.value, found.change.low, found.change.high)
    return f"{load_words(found.top)}: {change} its rate"


def _in_flight(found: Saturation) -> str:
    change = fmt.times(found.change.value, found.change.low, found.change.high)
    top, beside = load_words(found.top), load_words(found.beside)
    more = fmt.times(found.top.value / found.beside.value, None, None)
    if found.state == "saturated" and found.at == found.top:
        begin = f"Saturated at {top}, from somewhere above {beside} on"
        return f"{begin}: {more} the load gave {change} the rate{_instead(found)}."
    if found.state == "saturated":
        return f"Saturated from {beside} on: {top}, {more} the load, gave {change} its rate{_instead(found)}."
    if found.state == "not saturated":
        return f"Not saturated up to {top}: {more} the load of {beside} gave {change} its rate."
    return f"Whether {top} saturates it isn't shown: {more} the load of {beside} gave {change} its rate."


def _at_a_rate(found: Saturation) -> str:
    if found.arrived_per_s is None:
        return f"Whether {load_words(found.top)} saturates it isn't shown: its arrivals aren't known."
    done = fmt.measured(found.done_per_s.value, "a second", found.done_per_s.low, found.done_per_s.high)
    of_these = f"{fmt.number(found.arrived_per_s)} arrived a second, and {done} were done"
    of_these += ", with the time after the last arrival" if found.with_end else ""
    at = load_words(found.at)
    if found.state == "saturated":
        return f"Saturated at {at}: {of_these}{_instead(found)}."
    if found.state == "not saturated":
        return f"Not saturated: the highest load, {at}, was carried: {of_these}."
    return f"Whether {at} saturates it isn't shown: {of_these}."


def _instead(found: Saturation) -> str:
    waits = found.waits
    if waits is None:
        return ""
    grown = fmt.times(waits.ratio.value, waits.ratio.low, waits.ratio.high)
    where = f" at {load_words(found.top)}" if found.top != found.at or found.top.axis == "concurrency" else ""
    return f"; what grows instead is {waits.name}, its median{where} {grown} that of {load_words(waits.since)}"
