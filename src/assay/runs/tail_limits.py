"""Limits on a share of requests, such as a 99th percentile: what a rate is held against, as people write it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from assay.runs.slo import Slo, parse_duration_ns, parse_slo

_MEND = "write p99(ttft) < 2 s, with ttft, tpot or latency, or good(ttft=2s, tpot=100ms) > 99 %"
_TAIL = re.compile(r"p(\d+(?:\.\d+)?)\s*\(\s*(ttft|tpot|latency)\s*\)\s*<=?\s*(.+)")
_GOOD = re.compile(r"good\s*\((.+)\)\s*>=?\s*(\d+(?:\.\d+)?)\s*%")
_BETWEEN = re.compile(r",(?![^(]*\))")  # commas outside of brackets


class TailLimit(BaseModel):
    """No more than a share of the requests may break any of some limits; one without an answer breaks them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    keeps: Slo
    share: float = Field(gt=0, lt=1, description="of the requests that may break them")

    @property
    def title(self) -> str:
        """In words: `p99 TTFT ≤ 2,000 ms`, or `99 % good (TTFT ≤ 500 ms, TPOT ≤ 50 ms)`."""
        percent = f"{100 * (1 - self.share):.6g}"
        if len(self.keeps.limits) == 1:
            return f"p{percent} {self.keeps.title}"
        return f"{percent} % good ({self.keeps.title})"

    @property
    def name(self) -> str:
        """What it limits: `TTFT`, or `good answers`."""
        return self.keeps.title.partition(" ")[0] if len(self.keeps.limits) == 1 else "good answers"

    @property
    def written(self) -> str:
        """As `parse_tail_limit` reads it."""
        limits = {name: f"{limit_ns / 1e6:.12g} ms" for name, limit_ns in self.keeps.limits.items()}
        percent = f"{100 * (1 - self.share):.9g}"
        if len(limits) == 1:
            ((name, limit),) = limits.items()
            return f"p{percent}({name}) < {limit}"
        return f"good({', '.join(f'{name}={limit}' for name, limit in limits.items())}) > {percent} %"


def p99(limits_ns: Mapping[str, int]) -> tuple[TailLimit, ...]:
    """A limit of each 99th percentile, ns, by the quantity's name."""
    return tuple(TailLimit(keeps=Slo.model_validate({name: limit}), share=0.01) for name, limit in limits_ns.items())


def parse_tail_limit(text: str) -> TailLimit:
    """`p99(ttft) < 2 s`, or `good(ttft=500ms, tpot=50ms) > 95 %`. Raises ValueError with what is wrong."""
    words = text.strip().lower()
    if tail := _TAIL.fullmatch(words):
        return TailLimit(keeps=Slo.model_validate({tail[2]: parse_duration_ns(tail[3])}), share=_beyond(text, tail[1]))
    if good := _GOOD.fullmatch(words):
        return TailLimit(keeps=parse_slo(good[1]), share=_beyond(text, good[2]))
    raise ValueError(f"{text!r}: {_MEND}")


def parse_tail_limits(text: str) -> list[TailLimit]:
    """Several, with commas between. Raises ValueError with what is wrong."""
    return [parse_tail_limit(part) for part in _BETWEEN.split(text)]


def _beyond(text: str, percent: str) -> float:
    """The share that may break the limits. Raises ValueError for all or none."""
    share = round(1 - float(percent) / 100, 12)
    if not 0 < share < 1 or not math.isfinite(share):
        raise ValueError(f"{text!r}: the share must lie between 0 and 100 %")
    return share


def _from_text(value: Any) -> Any:
    return parse_tail_limit(value) if isinstance(value, str) else value


WrittenTailLimit = Annotated[TailLimit, BeforeValidator(_from_text, json_schema_input_type=TailLimit | str)]
"""As a configuration holds it: text, or its fields."""
