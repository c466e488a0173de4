"""Numbers and moments as people read them: four significant digits, thousands apart; a sum with its parts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

NOT_MEASURED = "not measured"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MOST_PARTS = 24
_SHOWN_PARTS = 3


def number_text(value: float | None, digits: int = 4) -> str:
    """Such as 13,368 or 0.5835."""
    if value is None or not math.isfinite(value):
        return NOT_MEASURED
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    places = max(0, digits - 1 - math.floor(math.log10(abs(value)))) if value else 0
    return f"{value:,.{min(places, 9)}f}"


def percent_text(share: float | None, places: int = 1) -> str:
    """A part of a whole, such as 99.1 %."""
    return NOT_MEASURED if share is None or not math.isfinite(share) else f"{100 * share:,.{places}f} %"


def span_text(low: float | None, high: float | None) -> str:
    """An interval of which one side at least is known, such as "13.07 to 14.28" or "13.07 or more"."""
    if high is None:
        return f"{number_text(low)} or more"
    return f"{number_text(high)} or less" if low is None else f"{number_text(low)} to {number_text(high)}"


def sum_text(parts: Sequence[object]) -> str:
    """Such as "1 + 2 + 3", or "94 + 96 + 102 + … (1,000 parts)"."""
    if len(parts) <= _MOST_PARTS:
        return " + ".join(map(str, parts))
    return f"{' + '.join(map(str, parts[:_SHOWN_PARTS]))} + … ({len(parts):,} parts)"


def moment_text(utc: str | None) -> str:
    """An ISO time as "27 Nov 2026, 13:53:01 UTC"; what isn't one stays as it is."""
    if not utc:
        return NOT_MEASURED
    try:
        at = datetime.fromisoformat(utc)
    except ValueError:
        return utc
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return f"{at.day} {MONTHS[at.month - 1]} {at.year}, {at:%H:%M:%S} UTC"
