"""Numbers as people read them: four significant digits, thousands apart; a sum with its parts."""

from __future__ import annotations

import math
from collections.abc import Sequence

NOT_MEASURED = "not measured"
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


def sum_text(parts: Sequence[object]) -> str:
    """Such as "1 + 2 + 3", or "94 + 96 + 102 + … (1,000 parts)"."""
    if len(parts) <= _MOST_PARTS:
        return " + ".join(map(str, parts))
    return f"{' + '.join(map(str, parts[:_SHOWN_PARTS]))} + … ({len(parts):,} parts)"
