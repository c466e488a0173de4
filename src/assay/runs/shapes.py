"""The shapes of load that Assay's pacer drives, as a run's record and a campaign's plan hold them.

Every shape is bounded: by `requests`, by `duration_s`, or by both (whichever comes first). Without a bound it goes
through the data set once. Samples are taken in the order of the data set and begin again at its end.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from assay.quantities import AtOnce, Count, Factor, Rate, Seconds
from assay.runs.scenarios import PacerDriven

Arrivals = Literal["constant", "poisson", "gamma"]
History = Literal["recorded", "live"]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    requests: Count | None = Field(default=None, description="no more than so many")
    duration_s: Seconds | None = Field(
        default=None, description="nothing is sent later; what is in flight then is let finish"
    )

    @property
    def lasts_s(self) -> float | None:
        """How long requests are sent at most, s; None where only their number ends the load."""
        return self.duration_s

    @property
    def least_s(self) -> float | None:
        """How long requests are sent at least, s; None where their number may end the load sooner."""
        return None if self.requests is not None else self.lasts_s

    def window_s(self, issued: int, took_s: float) -> float | None:
        """The time over which its rates count, s; None: until the last answer, which came `took_s` after the start.

        Where time ended the sending, that time, also if the answers came sooner.
        """
        return None if self.requests is not None and issued >= self.requests else self.lasts_s

    def most_requests(self, samples: int) -> int | None:
        """How many requests at most, over a data set of `samples`; None where only the time ends the load."""
        if self.requests is not None:
            return self.requests
        return None if self.lasts_s is not None else samples


class ConcurrencyShape(_Shape):
    """A fixed number of requests in flight, over all endpoints together: when one ends the next is sent."""

    kind: Literal["concurrency"] = "concurrency"
    concurrency: AtOnce = Field(description="requests in flight, over all endpoints together")

    @property
    def title(self) -> str:
        return f"{self.concurrency} in flight"

    @property
    def scenario(self) -> PacerDriven:
        return "Concurrency"


class RateShape(_Shape):
    """Arrivals at a mean rate, whether or not answers keep up."""

    kind: Literal["rate"] = "rate"
    rate: Rate = Field(description="arrivals a second")
    arrivals: Arrivals = Field(
        default="poisson", description="constant: evenly spaced; poisson: at random; gamma: as burstiness says"
    )
    burstiness: Factor = Field(
        default=1.0,
        description="gamma: shape of the gaps' distribution; their coefficient of variation is 1/√burstiness, so "
        "1 is Poisson, less is burstier, more is steadier",
    )
    until_sure: bool = Field(
        default=False, description="it ends before, once a test is sure whether its limits are kept or broken"
    )

    @model_validator(mode="after")
    def _sure_of_a_number(self) -> Self:
        if self.until_sure and (self.requests is None or self.duration_s is not None):
            raise ValueError("until_sure goes with requests, the most that are sent, and without duration_s")
        return self

    @model_validator(mode="after")
    def _burstiness_is_gammas(self) -> Self:
        if self.arrivals != "gamma" and self.burstiness != 1.0:
            raise ValueError("burstiness goes with arrivals: gamma")
        return self

    def window_s(self, issued: int, took_s: float) -> float | None:
        """As of any shape; and at least the time over which so many requests are offered.

        After the last arrival a gap is due like those before it: without it a load of five requests at 5 a second, done
        0.86 s after the first, would be 5.8 a second.
        """
        offered_s = issued / self.rate
        return super().window_s(issued, took_s) or (offered_s if offered_s > took_s else None)

    @property
    def title(self) -> str:
        how = {"constant": "evenly spaced", "poisson": "Poisson", "gamma": f"gamma, burstiness {self.burstiness:g}"}
        return f"{self.rate:,g} samples/s asked for ({how[self.arrivals]})"

    @property
    def scenario(self) -> PacerDriven:
        return "Rate"


class RampShape(_Shape):
    """A load that grows or falls evenly from one rate or concurrency to another, and then stays there."""

    model_config = ConfigDict(populate_by_name=True)

    kind: Literal["ramp"] = "ramp"
    of: Literal["rate", "concurrency"] = Field(description="what grows or falls: a rate or requests in flight")
    start: Rate = Field(alias="from", description="arrivals a second (Poisson), or requests in flight")
    to: Rate = Field(description="the value at the end of the ramp, in the unit of `from`")
    over_s: Seconds = Field(description="seconds of the ramp; it also ends the load where no bound is given")

    @property
    def lasts_s(self) -> float | None:
        if self.duration_s is None and self.requests is None:
            return self.over_s
        return self.duration_s

    @property
    def title(self) -> str:
        unit = "samples/s asked for (Poisson)" if self.of == "rate" else "in flight"
        return f"{self.start:,g} to {self.to:,g} {unit}, over {self.over_s:g} s"

    @property
    def scenario(self) -> PacerDriven:
        return "Rate" if self.of == "rate" else "Concurrency"


class TraceShape(_Shape):
    """The arrival times that the data set gives, replayed; once only, for times don't wrap around."""

    kind: Literal["trace"] = "trace"
    speed: Factor = Field(default=1.0, description="2: twice as fast as recorded")

    @property
    def least_s(self) -> None:
        """The recorded arrivals may be over sooner."""
        return None

    @property
    def title(self) -> str:
        return "trace as recorded" if self.speed == 1 else f"trace, {self.speed:g} times as fast"

    @property
    def scenario(self) -> PacerDriven:
        return "Trace"


class SessionsShape(_Shape):
    """Conversations: each turn waits for the answer before it and for the think time that the data gives.

    Either `concurrency` conversations are open at once, a new one beginning when one ends, or conversations begin at
    `rate` a second (Poisson) however many are open.
    """

    kind: Literal["sessions"] = "sessions"
    concurrency: AtOnce | None = Field(default=None, description="conversations at once")
    rate: Rate | None = Field(default=None, description="conversations that begin a second")
    sticky: bool = Field(default=True, description="a conversation stays on the endpoint that took its first turn")
    history: History = Field(
        default="recorded", description="earlier answers in a turn's prompt: the data's, or the server's own (live)"
    )

    @model_validator(mode="after")
    def _one_load(self) -> Self:
        if (self.concurrency is None) == (self.rate is None):
            raise ValueError("sessions need concurrency or rate, one of them")
        return self

    @property
    def title(self) -> str:
        if self.rate is not None:
            load = f"{self.rate:g} conversations begin a second"
        else:
            load = f"{self.concurrency} conversation{'' if self.concurrency == 1 else 's'} at once"
        place = "each at one endpoint" if self.sticky else "turns at any endpoint"
        return f"{load}, {place}" + (", live history" if self.history == "live" else "")

    @property
    def scenario(self) -> PacerDriven:
        return "Sessions"


def is_live(shape: LoadShape | None) -> bool:
    """Whether later turns of a conversation carry the answers that the server really gave."""
    return isinstance(shape, SessionsShape) and shape.history == "live"


LoadShape = Annotated[
    ConcurrencyShape | RateShape | RampShape | TraceShape | SessionsShape, Field(discriminator="kind")
]
