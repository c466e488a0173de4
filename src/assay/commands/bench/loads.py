"""The loads that the options ask for, as `campaign.loads` takes them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from assay.errors import UserError

DEFAULT_DURATION_S = 10.0

Load = dict[str, Any]


def loads_of(
    *,
    concurrency: str | None,
    rate: str | None,
    arrivals: str | None,
    burstiness: float | None,
    ramp: str | None,
    trace: float | None,
    sessions: str | None,
    spread: bool,
    requests: int | None,
    duration: str | None,
) -> list[Load]:
    """One load a value, in the order concurrency, rate, ramp, trace, sessions; by default one request at a time.

    Raises UserError where a value can't be read, or an option has no load that it is about.
    """
    if rate is None and (arrivals or burstiness):
        raise UserError(f"{'--arrivals' if arrivals else '--burstiness'} goes with --rate, and there is none")
    if ramp and duration and not (concurrency or rate or trace or sessions):
        raise UserError(f"--duration {duration}: a ramp lasts as long as --ramp itself says")
    if spread and sessions is None:
        raise UserError("--spread goes with --sessions, and there are none")
    bound = _bound(requests, duration)
    spacing = _arrivals(arrivals, burstiness)
    loads: list[Load] = [
        {"kind": "concurrency", "concurrency": number, **bound}
        for number in _numbers("--concurrency", concurrency, int)
    ]
    loads += [{"kind": "rate", "rate": value, **spacing, **bound} for value in _numbers("--rate", rate, float)]
    if ramp is not None:
        loads.append({"kind": "ramp", "of": "rate", **_ramp(ramp), **({"requests": requests} if requests else {})})
    if trace is not None:  # it ends by itself
        loads.append({"kind": "trace", "speed": trace, **({} if requests is None and duration is None else bound)})
    loads += [
        {"kind": "sessions", "concurrency": number, "sticky": not spread, **bound}
        for number in _numbers("--sessions", sessions, int)
    ]
    return loads or [{"kind": "concurrency", "concurrency": 1, **bound}]


def _arrivals(arrivals: str | None, burstiness: float | None) -> dict[str, Any]:
    if burstiness is None:
        return {"arrivals": arrivals or "poisson"}
    if arrivals not in (None, "gamma"):
        raise UserError(f"--burstiness goes with --arrivals gamma, not {arrivals}")
    return {"arrivals": "gamma", "burstiness": burstiness}


def _bound(requests: int | None, duration: str | None) -> dict[str, Any]:
    """What ends a load: the requests, the time, whichever comes first; by default a short time."""
    bound: dict[str, Any] = {} if requests is None else {"requests": requests}
    if duration is not None:
        bound["duration_s"] = seconds_of("--duration", duration)
    return bound or {"duration_s": DEFAULT_DURATION_S}


def _ramp(text: str) -> dict[str, Any]:
    parts = text.split(":")
    if len(parts) != 3:
        raise UserError(f"--ramp {text}: write FROM:TO:TIME, such as 1:20:60s")
    try:
        start, end = float(parts[0]), float(parts[1])
    except ValueError:
        raise UserError(f"--ramp {text}: write FROM:TO:TIME with numbers, such as 1:20:60s") from None
    return {"from": start, "to": end, "over_s": seconds_of("--ramp", parts[2])}


def seconds_of(option: str, text: str) -> float:
    """A time above 0, s. Raises UserError."""
    from assay.runs.slo import parse_duration_ns

    try:
        seconds = parse_duration_ns(text) / 1e9
    except ValueError as error:
        raise UserError(f"{option}: {error}") from None
    if seconds <= 0:
        raise UserError(f"{option} {text}: must be more than 0")
    return seconds


def _numbers(option: str, text: str | None, kind: Callable[[str], Any]) -> list[Any]:
    if text is None:
        return []
    if re.search(r"\d,\s|^\s*,|,\s*$|,,", text):
        raise UserError(f"{option} {text}: separate the values by single commas, such as 1,8,32")
    try:
        values = [kind(part) for part in text.split(",")]
    except ValueError:
        what = "whole numbers" if kind is int else "numbers"
        raise UserError(f"{option} {text}: write {what} separated by commas, such as 1,8,32") from None
    if any(not 0 < value < float("inf") for value in values):
        raise UserError(f"{option} {text}: values must be above 0")
    if len(set(values)) != len(values):
        raise UserError(f"{option} {text}: a value is given twice; --repeats measures again")
    return values
