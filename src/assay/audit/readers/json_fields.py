"""Reading fields of other tools' JSON and YAML, where anything may stand in any place."""

from __future__ import annotations

import math
from typing import Any

Json = dict[str, Any]


def section(data: Json, name: str) -> Json:
    """The object in a field; empty where there is none."""
    value = data.get(name)
    return value if isinstance(value, dict) else {}


def number(value: object) -> float | None:
    """A finite number, also where it stands as text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def count(value: object) -> int | None:
    """A whole number, every digit of it; None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    found = number(value)
    return int(found) if found is not None and found == int(found) else None
