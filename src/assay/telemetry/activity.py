"""The lines of the node probe's `--every`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

# Metric names of accelerators are gpu<i>_ and these; throttle_mask is `throttle_reasons`, NVML's bits as a number.
_RENAMED = {"throttle_mask": "throttle_reasons"}
_NAME = "[a-z0-9_]{1,64}"
_DIGITS = 4

Add = Callable[[str, str, int, float], None]
"""Takes node, metric, time in CLOCK_MONOTONIC ns, value."""


@dataclass(frozen=True)
class Activity:
    """One line of a probe."""

    at_ns: int | None = None
    """When it was looked, CLOCK_MONOTONIC of the probe's machine."""
    values: tuple[tuple[int | None, str, float], ...] = ()
    """An accelerator's index (None: the host), metric name and value."""


def parse_activity(line: bytes) -> Activity:
    """What a line tells; nothing of one that isn't the probe's."""
    try:
        told = orjson.loads(line)
    except orjson.JSONDecodeError:
        return Activity()
    if not isinstance(told, dict) or told.keys() != {"at_ns", "host", "gpus"}:
        return Activity()
    at_ns = told["at_ns"]
    return Activity(at_ns if type(at_ns) is int else None, tuple(_values(told)))


def _values(told: dict[str, Any]) -> Iterator[tuple[int | None, str, float]]:
    for name, value in _known(told["host"]):
        yield None, name, value
    gpus = told["gpus"] if isinstance(told["gpus"], dict) else {}
    for index, activity in gpus.items():
        if index.isascii() and index.isdigit() and len(index) <= _DIGITS:
            for name, value in _known(activity):
                yield int(index), f"gpu{index}_{_RENAMED.get(name, name)}", value


def _known(values: Any) -> Iterator[tuple[str, float]]:
    """Named numbers: what else a line holds comes from no probe."""
    for name, value in values.items() if isinstance(values, dict) else ():
        if type(value) in (int, float) and math.isfinite(value) and re.fullmatch(_NAME, name):
            yield name, float(value)
