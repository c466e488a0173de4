"""`campaign.curve` of the configuration: the points of a curve of throughput against pace."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from assay.quantities import AtOnce, Count, Seconds


class CurveConfig(BaseModel):
    """Which points a curve of throughput against pace has."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    points: Literal["log2", "mlperf-endpoints"] = Field(
        default="log2",
        description="log2: twice as many in flight each time, until the server is saturated; mlperf-endpoints: seven "
        "points and durations of the shape that MLPerf Endpoints v1.0 asks for: same shape, not a submission",
    )
    least: AtOnce = Field(default=1, description="requests in flight at the first point")
    most: AtOnce = Field(
        default=1024,
        description="requests in flight that no point goes beyond; with mlperf-endpoints those of the last one",
    )
    duration_s: Seconds | None = Field(
        default=None, description="of a point; default: 20, and with mlperf-endpoints 600 up to 32 in flight, else 1200"
    )
    requests: Count | None = Field(default=None, description="no more than so many at a point")
    budget_s: Seconds | None = Field(
        default=None, description="time of all points' loads and repeats; no point is begun for which it is too short"
    )

    @model_validator(mode="after")
    def _goes_up(self) -> CurveConfig:
        if self.most < 2 * self.least:
            raise ValueError("most must be at least twice least: a curve has more than one point")
        if self.points == "mlperf-endpoints":
            if self.budget_s is not None:
                raise ValueError("budget_s goes with points: log2; those of mlperf-endpoints are all measured")
            if not self.least <= 32 < self.most:
                raise ValueError("points: mlperf-endpoints needs least of at most 32 and most above 32")
        return self
