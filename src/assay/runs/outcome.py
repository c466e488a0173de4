"""`parts/outcome.json`: how the load process says it ended and what it counted, until the run is closed."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from assay.runs.folder import RunFolder
from assay.runs.stored import Stored, read_model
from assay.runs.warmup import WarmupFacts

LoadEnd = Literal["finished", "error", "stopped", "endpoints_gone", "killed"]


class ProcessFacts(BaseModel):
    """What a process of the load side measured of itself, over the load."""

    model_config = ConfigDict(extra="forbid")

    cpu_share: float = Field(description="CPU seconds a wall second")
    peak_rss_bytes: int
    lag_p99_ns: int | None = Field(default=None, description="lateness of its event loop; null: it has none")
    lag_max_ns: int | None = None


class HopTimes(BaseModel):
    """From a worker's seeing a first token or an answer to the source's being told, ns."""

    model_config = ConfigDict(extra="forbid")

    p50_ns: int
    p99_ns: int
    max_ns: int


class Sure(BaseModel):
    """What a test told of a load's limits while it lasted, and ended it."""

    model_config = ConfigDict(extra="forbid")

    over: bool = Field(description="some limit is broken by more than its share; else all are kept")
    because: Literal["limits", "growth", "ease", "so far"] = Field(
        default="limits",
        description="limits: by the share of the requests that broke them; growth: a queue grows; ease: no request of "
        "many came near a limit; so far: few enough broke one, of too few to show a queue that grows slowly. Neither "
        "of the last two is sure, but enough to try a higher rate",
    )
    after_ns: int = Field(description="since the load began")


class LoadOutcome(Stored):
    """Counts are null where the process didn't live to tell them."""

    WHAT: ClassVar[str] = "the outcome of a load"
    MEND: ClassVar[str] = "remove it, and the run is closed as one whose load was cut off"

    version: int = 1
    status: LoadEnd
    reason: str = ""
    issued: int | None = None
    completed: int | None = None
    failed: int | None = None
    short_outputs: int = 0
    estimated_tokens: int = 0
    first_token_then_resent: int = 0
    failures: dict[str, str] = Field(default_factory=dict, description="endpoint: its last failure, in its own words")
    windows: dict[str, int] = Field(default_factory=dict, description="endpoint: most requests in flight")
    hops: HopTimes | None = None
    processes: dict[str, ProcessFacts] = Field(default_factory=dict)
    warmup: WarmupFacts | None = None
    schedule_seed: int | None = None
    sure: Sure | None = Field(default=None, description="what ended a load that goes on until a test is sure")
    target_qps: float | None = None

    @property
    def finished(self) -> bool:
        return self.status == "finished"


def read_outcome(folder: RunFolder) -> LoadOutcome:
    """How the load ended; a process that was killed said nothing. Raises UserError where the file can't be read."""
    killed = LoadOutcome(status="killed", reason="LoadGen's process ended without a word; see driver.log")
    return read_model(folder.outcome, LoadOutcome) or killed
