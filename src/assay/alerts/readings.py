"""What rules say of one moment, before anyone asks how long it has been so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from assay.alerts.options import AmountRule, ShareRule


@dataclass(frozen=True)
class About:
    """What an alert is about; nothing: the whole run."""

    node: str = ""
    endpoint: str = ""
    device: str = ""


@dataclass(frozen=True)
class Reading:
    """One rule, held against one endpoint, node or device. Neither bad nor good: it stays what it was."""

    rule: str
    about: About
    time_ns: int
    """CLOCK_MONOTONIC: when the newest of what it rests on was seen."""
    value: float
    limit: float
    unit: str
    bad: bool
    good: bool
    words: Callable[[], str]
    """What is the case, in a sentence without its end."""
    since_ns: int | None = None
    """Since when it has been so at least, where it rests on a span of time."""


def above(
    rule: str, settings: ShareRule | AmountRule, about: About, time_ns: int, value: float, unit: str,
    words: Callable[[], str], *, began_ns: int | None = None,
) -> Reading:  # fmt: skip
    """A value that shouldn't get above the limit. `began_ns`: since when it has grown, where the value is a time."""
    bad, good = value > settings.limit, value <= settings.limit - settings.margin
    return Reading(rule, about, time_ns, value, settings.limit, unit, bad, good, words, began_ns if bad else None)


def below(
    rule: str, settings: ShareRule | AmountRule, about: About, time_ns: int, value: float, unit: str,
    words: Callable[[], str],
) -> Reading:  # fmt: skip
    """A value that shouldn't get below the limit."""
    return Reading(
        rule, about, time_ns, value, settings.limit, unit, value < settings.limit,
        value >= settings.limit + settings.margin, words,
    )  # fmt: skip
