"""Endpoints of two runs side by side: which is held against which, and what the records tell of both."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from assay.analysis.flat import flat
from assay.runs.record import EndpointFacts

Pair = tuple[EndpointFacts | None, EndpointFacts] | tuple[EndpointFacts, None]
"""The baseline's and the other's; None: that run has fewer."""


def endpoint_pairs(base: Sequence[EndpointFacts], other: Sequence[EndpointFacts]) -> list[Pair]:
    """By name; those that are left in their order, for at another address or on another machine the same server has
    another name."""
    theirs = {endpoint.name: endpoint for endpoint in base}
    kept = {endpoint.name for endpoint in other}
    left = iter([endpoint for endpoint in base if endpoint.name not in kept])
    found: list[Pair] = [(theirs.get(own.name) or next(left, None), own) for own in other]
    return [*found, *((endpoint, None) for endpoint in left)]


def pair_name(pair: Pair) -> str:
    """What facts of both are told under."""
    return next(own.name for own in reversed(pair) if own is not None)


def pair_facts(pair: Pair, place: str) -> tuple[dict[str, str], dict[str, str]]:
    """What is told of either, each fact's name after `place`; of one without a counterpart no more than that it is
    there."""
    left, right = pair
    if left is None:
        return {}, {place: "present"}
    if right is None:
        return {place: "present"}, {}
    hidden = {"name", "memory", *_not_told(left, right)}
    first, second = (flat(own.model_dump(mode="json", exclude=hidden), place) for own in pair if own)
    return first, second


def _not_told(left: EndpointFacts, right: EndpointFacts) -> tuple[str, ...]:
    """The address is a fact where the user gave it, and says then which machine it is; else it is of the moment."""
    both = (left, right)
    if any(own.engine != "external" or own.path != "direct" for own in both):
        return ("url",)
    of_address = left.url != right.url and all(own.node == urlsplit(own.url).hostname for own in both)
    return ("node",) if of_address else ()
