"""How long the full data set would take at a measured rate, with the arithmetic."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from assay.analysis.statistics import Estimate


class Projection(BaseModel):
    """Samples ÷ rate. It holds if the rate does: same samples on average, same settings, no further slowing."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(description="whose rate")
    samples: int
    rate: float = Field(description="samples/s, measured")
    rate_low: float | None
    rate_high: float | None
    seconds: float
    seconds_low: float | None
    seconds_high: float | None

    @property
    def arithmetic(self) -> str:
        """The division written out."""
        return f"{self.samples:,} samples / {self.rate:.4g} samples/s = {self.seconds:,.0f} s"


def project(name: str, samples: int, rate: Estimate) -> Projection | None:
    """The time for `samples` at `rate`; None where nothing was measured."""
    if not rate.value > 0:
        return None
    low, high = rate.low, rate.high
    return Projection(
        name=name,
        samples=samples,
        rate=rate.value,
        rate_low=low,
        rate_high=high,
        seconds=samples / rate.value,
        seconds_low=None if high is None else samples / high,
        seconds_high=None if low is None else samples / low,
    )
