"""Nested data as dotted names and words, so that two such sets can be held against each other fact by fact."""

from __future__ import annotations

from typing import Any


def flat(value: Any, path: str = "") -> dict[str, str]:
    """Nested data as dotted names and words."""
    if isinstance(value, dict):
        return {k: v for key, item in value.items() for k, v in flat(item, f"{path}.{key}".lstrip(".")).items()}
    if isinstance(value, list):
        if all(not isinstance(item, dict | list) for item in value):
            return {path: ", ".join(map(_words, value)) or "none"}
        return {k: v for place, item in enumerate(value) for k, v in flat(item, f"{path}[{place}]").items()}
    return {path: "unknown" if value is None else _words(value)}


def _words(value: Any) -> str:
    """0 and 0.0 are the same value."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
