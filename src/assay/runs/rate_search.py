"""The search for the highest rate of arrivals that keeps its limits, as campaigns and runs note it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from assay.runs.tail_limits import TailLimit

TunedScenario = Literal["Server", "Interactive", "rate"]
ProbeRole = Literal["start", "bracket", "refine", "confirm"]
"""What a run of a search is for: where to begin, which side of the limit a rate is on, where the limit is, whether the
rate that was found holds."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RateSearch(_Model):
    """What is searched for, and how far."""

    scenario: TunedScenario = Field(description="of the confirming run; rate: the pacer's, by Poisson arrivals")
    limits: tuple[TailLimit, ...] = Field(min_length=1, description="what the rate must keep, all of it")
    precision: float = Field(description="ends the probes once the 95 % interval is within it; a share of the rate")
    budget_s: float | None = Field(description="for all runs; null: as long as it takes")
    probes: int | None = Field(description="the most runs; null: any number")
    first_rate: float | None = Field(description="of the first probe; null: from a run with a fixed number in flight")
    confirm_s: float = Field(description="the shortest confirming run")
    confirm_requests: int = Field(default=0, description="the fewest requests of a confirming run")

    @property
    def title(self) -> str:
        """In words: the limits, how far it goes, and what confirms it."""
        limits = " and ".join(limit.title for limit in self.limits)
        budget = "" if self.budget_s is None else f", in {self.budget_s / 60:.3g} min"
        most = "" if self.probes is None else f", {self.probes} probes at most"
        by = "the pacer's arrivals" if self.scenario == "rate" else f"LoadGen's {self.scenario}"
        return f"the highest rate with {limits}, within {100 * self.precision:.3g} %{budget}{most}; confirmed by {by}"


class ProbePlan(_Model):
    """Why a run of a search is made."""

    role: ProbeRole
    why: str
