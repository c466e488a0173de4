"""What happened before a run's clock, and what its waves say of how warm the endpoints were."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field


def growth(rates: Sequence[float]) -> float:
    """How much faster the last wave was than the one before it: 0.1 is 10 %; at least two waves."""
    before, last = rates[-2:]
    return _more(last, before)


def rise(rates: Sequence[float]) -> float:
    """How much faster the better of the last two waves was than the best before them; at least three waves."""
    return _more(max(rates[-2:]), max(rates[:-2]))


def _more(rate: float, than: float) -> float:
    return rate / than - 1 if than > 0 else float("inf")


class WarmupFacts(BaseModel):
    """What happened before the clock."""

    model_config = ConfigDict(extra="forbid")

    requests: int = 0
    settled: bool = False
    first_ttft_ns: int | None = Field(
        default=None, description="one prompt alone, first of all; the slowest endpoint's"
    )
    settled_ttft_ns: int | None = Field(default=None, description="one prompt alone, after the rounds; the slowest's")
    duration_ns: int = 0
    rule: str = ""
    waves: dict[str, list[float]] = Field(
        default_factory=dict, description="endpoint: output tokens/s of its waves, the first one first"
    )
    places: dict[str, int] = Field(default_factory=dict, description="endpoint: requests of a wave, sent at once")
    tolerance: float | None = Field(
        default=None, description="by how much the rates of two waves in a row may differ; null in earlier versions"
    )
    ready_ns: dict[str, int] = Field(default_factory=dict, description="endpoint: start or submission to ready")
    queued_ns: dict[str, int] = Field(
        default_factory=dict, description="endpoint: the part of it that its job waited for its turn, where jobs do"
    )
