"""Which settings and layouts a search through an engine's options may try."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from assay.quantities import AtOnce, Seconds, Several
from assay.runs.campaign import EngineObjective

_Whole = Annotated[int, Field(ge=0, le=10**12)]
_Number = Annotated[float, Field(ge=0, le=1e12)]
Setting = bool | _Whole | _Number | str | tuple[str, ...] | None
"""A value of an engine's option, as YAML has it; the option's own type and bounds are the engine's."""


class Layout(BaseModel):
    """How accelerators are shared out among servers: one node's, or those of nodes that hold a server together."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tensor: Several = Field(default=1, description="accelerators that share each layer")
    pipeline: Several = Field(default=1, description="groups of layers, one after another")
    data: Several = Field(default=1, description="copies of the model behind one server")
    nodes: Several | None = Field(
        default=None,
        description="nodes (Kubernetes: pods) that one server is spread over, where the launcher can; default: as "
        "configured",
    )
    replicas: Several | None = Field(
        default=None, description="servers on each node; default: as many as its accelerators are enough for"
    )

    @property
    def group(self) -> int:
        """Accelerators that one server needs."""
        return self.tensor * self.pipeline * self.data

    @property
    def title(self) -> str:
        """Such as "tensor 2, replicas 2"; what is 1 isn't named, but for nodes."""
        sizes = {"tensor": self.tensor, "pipeline": self.pipeline, "data": self.data, "replicas": self.replicas or 1}
        nodes = [] if self.nodes is None else [f"nodes {self.nodes}"]
        return ", ".join([*nodes, *(f"{name} {size}" for name, size in sizes.items() if size > 1)]) or "one server"


class EngineTuning(BaseModel):
    """What may be tried, and how much of it."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    objective: EngineObjective = Field(
        default="offline",
        description="what makes settings better: offline: Offline output tokens/s; highest-rate: the highest rate of "
        "arrivals that keeps campaign.limits, or the limits of the benchmark's campaign.scenario; pareto: output "
        "tokens/s against the pace of a user, with several numbers of requests in flight",
    )
    settings: dict[str, tuple[Setting, ...]] = Field(
        default_factory=dict, description="engine option: the values that may be tried; no others are"
    )
    layouts: tuple[Layout, ...] = Field(default=(), description="of each node's accelerators; default: as configured")
    tries: Several = Field(default=12, description="server starts of the first, short stage, besides the default's")
    finalists: int = Field(default=2, ge=1, le=16, description="besides the default; each on servers started anew")
    budget_s: Seconds | None = Field(
        default=None, description="time of the loads of the first stage; no try is begun once it is spent"
    )
    search_s: Seconds = Field(
        default=600,
        description="highest-rate: time of a final search, on each server start; short ones take a quarter, longer "
        "ones half",
    )
    concurrencies: tuple[AtOnce, ...] = Field(
        default=(1, 4, 16, 64),
        min_length=2,
        description="pareto: requests in flight, over all endpoints together, that every try is measured with",
    )
    point_s: Seconds = Field(
        default=60,
        description="pareto: how long requests are sent at each of them in finals; short ones take a quarter, longer "
        "ones half",
    )
    memory_target: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="share of an accelerator's memory that weights and KV cache should take; in the report beside "
        "what they take",
    )

    @model_validator(mode="after")
    def _differ(self) -> EngineTuning:
        if len(set(self.layouts)) != len(self.layouts):
            raise ValueError("layouts must differ from each other")
        if len(set(self.concurrencies)) != len(self.concurrencies):
            raise ValueError("concurrencies must differ from each other")
        for name, values in self.settings.items():
            if not values:
                raise ValueError(f"settings.{name}: list the values that may be tried")
        return self
