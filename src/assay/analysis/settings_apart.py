"""Settings of two configurations that aren't the same and can be changed one by one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

_ONE_OF_MANY = frozenset({"kind", "launcher"})
"""What says which other settings there are: not to be changed alone."""


def settings_apart(base: Any, other: Any) -> dict[str, str]:
    """What `--set` takes to give `base` the value of `other`, by the setting's dotted name."""
    mine, theirs = dict(_settings(base)), dict(_settings(other))
    shared = (name for name in mine if name in theirs and name.rpartition(".")[2] not in _ONE_OF_MANY)
    return {name: f"{name}={_typed(theirs[name])}" for name in shared if mine[name] != theirs[name]}


def _settings(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Values and lists of them by dotted names, as far as `--set` reaches: not into lists, nor to names with dots."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if "." not in str(name):
                yield from _settings(inner, f"{path}.{name}".lstrip("."))
    elif not isinstance(value, list) or not any(isinstance(inner, dict | list) for inner in value):
        yield path, value


def _typed(value: Any) -> str:
    """In YAML, on one line."""
    return yaml.safe_dump(value, default_flow_style=True, width=float("inf")).removesuffix("...\n").strip()
