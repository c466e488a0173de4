"""What a run's nodes cost, as the user says."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from assay.quantities import Price

ALL_ENDPOINTS = "all endpoints"
"""In place of a node, where one price is for all."""


class CostFacts(BaseModel):
    """The price of the nodes that a run was given, busy or not, for as long as it measured."""

    model_config = ConfigDict(extra="forbid")

    currency: str
    per_hour: dict[str, Price] = Field(description="by node, or `all endpoints` where one price is for all")
    unpriced: list[str] = Field(default_factory=list, description="nodes of the run that no price was given for")

    @property
    def whole_per_hour(self) -> float | None:
        """Of all the run's nodes; None where a part of it isn't known."""
        return None if self.unpriced else sum(self.per_hour.values())
