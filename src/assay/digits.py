"""A number as people read it: four significant digits, thousands apart."""

from __future__ import annotations

import math

NOT_MEASURED = "not measured"


def number_text(value: float | None, digits: int = 4) -> str:
    """Such as 13,368 or 0.5835."""
    if value is None or not math.isfinite(value):
        return NOT_MEASURED
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    places = max(0, digits - 1 - math.floor(math.log10(abs(value)))) if value else 0
    return f"{value:,.{min(places, 9)}f}"
