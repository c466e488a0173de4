"""The lines of the node probe's `--every`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson

# Metric names of accelerators are gpu<i>_ and these; throttle_mask is `throttle_reasons`, NVML's bits as a number.
_RENAMED = {"throttle_mask": "throttle_reasons"}

Add = Callable[[str, str, int, float], None]
"""Takes node, metric, time in CLOCK_MONOTONIC ns, value."""


def parse_activity(line: bytes) -> Iterator[tuple[int | None, str, float]]:
    """An accelerator's index (None: the host), metric name and value; nothing of a line that isn't the probe's."""
    try:
        told = orjson.loads(line)
    except orjson.JSONDecodeError:
        return
    if not isinstance(told, dict) or told.keys() != {"host", "gpus"}:
        return
    for name, value in _known(told["host"]):
        yield None, name, value
    for index, activity in told["gpus"].items():
        for name, value in _known(activity):
            yield int(index), f"gpu{index}_{_RENAMED.get(name, name)}", value


def _known(values: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for name, value in values.items():
        if value is not None:
            yield name, float(value)
