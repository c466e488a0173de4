"""What a search through an engine's settings found, as reports and other tools have it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from assay.analysis.engine_ahead import Ahead
from assay.analysis.engine_answers import Agreement
from assay.analysis.engine_front import Front, TryPoint
from assay.analysis.engine_rates import Key
from assay.analysis.loads import Value
from assay.runs.campaign import EngineObjective, Stage

Outcome = Literal[
    "better", "default is best", "depends on the pace", "no difference shown", "answers worse", "not compared"
]


class MemoryShares(BaseModel):
    """What a server takes of its fullest accelerator."""

    model_config = ConfigDict(extra="forbid")

    weights: float = Field(description="share of the accelerator's memory")
    kv_cache: float = Field(description="share of the accelerator's memory")
    kv_cache_tokens: int | None = Field(description="that the cache has room for")

    @property
    def both(self) -> float:
        return self.weights + self.kv_cache


class Try(BaseModel):
    """One setup with one window, as far as it got."""

    model_config = ConfigDict(extra="forbid")

    name: str
    settings: dict[str, Any] = Field(description="engine options that aren't the configuration's")
    servers: int | None = Field(description="on each node; null: as configured")
    server_nodes: int | None = Field(default=None, description="that each server is spread over; null: as configured")
    servers_in_all: int | None = Field(default=None, description="that its runs went to; null: not known")
    window: int | None = Field(description="requests in flight at an endpoint; null: the engine's own")
    default: bool = Field(description="it is the configuration as it is")
    stage: Stage = Field(description="how far it got")
    rates: dict[Stage, Value] = Field(
        default_factory=dict,
        description="of what is searched for, in each stage, over its starts; of pareto the geometric mean over "
        "its numbers in flight",
    )
    points: dict[Stage, list[TryPoint]] = Field(
        default_factory=dict, description="of pareto: with each number in flight, in each stage"
    )
    starts: int = Field(default=0, description="server starts that the last stage's rate is over")
    confirmed: int | None = Field(
        default=None, description="of those, how many a run at the rate found confirmed; null: rates aren't searched"
    )
    start_s: float | None = Field(default=None, description="what a start of its slowest server took, s, in the mean")
    memory: MemoryShares | None = Field(default=None, description="null: the engine or the node doesn't tell")
    reason: str = Field(default="", description="why it has no rate in its last stage")
    runs: list[str] = Field(default_factory=list)

    @property
    def key(self) -> Key:
        """That of its runs, as `key_of` has it."""
        return str(sorted(self.settings.items())), self.servers, self.server_nodes, self.window

    @property
    def rate(self) -> Value | None:
        """In the stage that it got to."""
        return self.rates.get(self.stage)


class Against(BaseModel):
    """A finalist's rate over the default's, over server starts; the intervals of all finalists hold together."""

    model_config = ConfigDict(extra="forbid")

    name: str
    ratio: float
    low: float | None
    high: float | None


class AnswerScores(BaseModel):
    """The best try's answers against the default's: one metric of the benchmark's scorer."""

    model_config = ConfigDict(extra="forbid")

    metric: str
    default: float
    low: float | None = Field(description="of the default's 95 % interval; null: there is none")
    high: float | None
    best: float

    @property
    def worse(self) -> bool:
        """Below all that the default's own interval holds."""
        return self.low is not None and self.best < self.low

    @property
    def judged(self) -> bool:
        """Whether it is known to be worse or not."""
        return self.low is not None or self.best >= self.default


class Tuned(BaseModel):
    """The whole search."""

    model_config = ConfigDict(extra="forbid")

    objective: EngineObjective = Field(default="offline", description="what the rates are of")
    limits: list[str] = Field(default_factory=list, description="what a highest rate keeps, in words")
    tries: list[Try] = Field(description="in the order in which they were begun")
    against: list[Against] = Field(description="the finalists', the highest first")
    best: str | None = Field(
        description="name of the finalist that beats the default, of pareto at every pace; null: none does"
    )
    front: Front | None = Field(default=None, description="of pareto, once finals are over: the best by the pace")
    scores: list[AnswerScores] = Field(description="of the best against the default; empty: not measured")
    ahead: Ahead | None = Field(default=None, description="what more nodes may give; null: no law is known")
    agreement: Agreement | None = Field(default=None, description="of the best's tokens with the default's")
    outcome: Outcome

    @property
    def default(self) -> Try | None:
        return next((one for one in self.tries if one.default), None)

    def named(self, name: str | None) -> Try | None:
        return next((one for one in self.tries if one.name == name), None)
