"""Limits that a good answer keeps: what goodput counts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from assay.quantities import A_YEAR_S, Seconds

_TIME = re.compile(r"(\d+(?:\.\d+)?)\s*(us|ms|s|m|h)")
_NS = {"us": 1_000, "ms": 1_000_000, "s": 1_000_000_000, "m": 60_000_000_000, "h": 3_600_000_000_000}
_LONGEST_NS = A_YEAR_S * _NS["s"]


def parse_duration_ns(text: str) -> int:
    """`500ms`, `1.5s`, `2m`, `1h` in ns. Raises ValueError where it is no time with its unit, or none at all."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r}: write a time with its unit, such as 500ms or 1.5s")
    value_ns = float(match[1]) * _NS[match[2]]
    if value_ns >= _LONGEST_NS:
        raise ValueError(f"{text[:20]!r}: longer than a year")
    return round(value_ns)


def _from_text(value: Any) -> Any:
    return parse_duration_ns(value) if isinstance(value, str) else value


def _seconds(value: Any) -> Any:
    return parse_duration_ns(value) / 1e9 if isinstance(value, str) else value


WrittenSeconds = Annotated[Seconds, BeforeValidator(_seconds, json_schema_input_type=Seconds | str)]
"""A time in seconds, or text with a unit: `20m`."""
Limit = Annotated[Annotated[int, Field(gt=0, le=_LONGEST_NS)] | None, BeforeValidator(_from_text)]


class Slo(BaseModel):
    """An answer is good when it keeps every limit that is given. Times are ns, or text with a unit: `ttft: 500ms`."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    ttft_ns: Limit = Field(default=None, alias="ttft", description="start to first token, at most")
    tpot_ns: Limit = Field(default=None, alias="tpot", description="time per output token after the first, at most")
    latency_ns: Limit = Field(default=None, alias="latency", description="start to last token, at most")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.limits:
            raise ValueError("give at least one limit: ttft, tpot or latency")
        return self

    @property
    def limits(self) -> dict[str, int]:
        """The limits that are given, ns, by name."""
        named = {"ttft": self.ttft_ns, "tpot": self.tpot_ns, "latency": self.latency_ns}
        return {name: limit for name, limit in named.items() if limit is not None}

    @property
    def title(self) -> str:
        """In words: `TTFT ≤ 500 ms, TPOT ≤ 50 ms`."""
        words = {"ttft": "TTFT", "tpot": "TPOT", "latency": "latency"}
        return ", ".join(f"{words[name]} ≤ {limit / 1e6:,.12g} ms" for name, limit in self.limits.items())

    def of_limit(self, times_ns: Mapping[str, NDArray[np.int64]]) -> NDArray[np.float64]:
        """How much of its limit each answer took, the most where there are several: more than 1 breaks it; shape (n,).

        `times_ns` are by the limits' names, shape (n,) each. An answer of fewer than two tokens has no TPOT to break a
        limit with: it is given as 0.
        """
        shares = [times_ns[name] / limit for name, limit in self.limits.items()]
        most: NDArray[np.float64] = np.maximum.reduce(shares)
        return most


def parse_slo(text: str) -> Slo:
    """`ttft=500ms,tpot=50ms`. Raises ValueError with what is wrong."""
    parts = [part.partition("=") for part in text.split(",") if part.strip()]
    if not parts or any(not sign for _, sign, _ in parts):
        raise ValueError("write limits as ttft=500ms,tpot=50ms")
    unknown = [name.strip() for name, _, _ in parts if name.strip() not in ("ttft", "tpot", "latency")]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is no limit: there are ttft, tpot and latency")
    limits: dict[str, int] = {}
    for name, _, value in parts:
        if (key := f"{name.strip()}_ns") in limits:
            raise ValueError(f"{name.strip()} is there twice: give each limit once")
        limits[key] = parse_duration_ns(value)
        if limits[key] <= 0:
            raise ValueError(f"{name.strip()}={value.strip()}: no answer keeps a limit of 0; write more")
    return Slo.model_validate(limits)
