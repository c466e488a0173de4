"""What the load process must know: one JSON file, written by the controller, read by LoadGen's process and workers."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from assay.runs.scenarios import DriverName, Mode, Scenario
from assay.runs.shapes import LoadShape, RateShape, is_live
from assay.runs.stored import Stored, require_model
from assay.runs.tail_limits import TailLimit
from assay.serving.connection import EndpointConnection

UNLIMITED = 1 << 20
"""A window that no client fills."""

LoadgenScenario = Literal["Offline", "Server", "SingleStream"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class EndpointPlan(_Model):
    """One endpoint as the load generator sees it."""

    name: str
    connection: EndpointConnection
    path: str = Field(default="/completions", description="of the API, below its root")
    needs_done: bool = Field(default=True, description="a stream without [DONE] is cut off")
    window: int | None = Field(description="most requests in flight; null: found during warm-up")
    bodies: str = Field(description="path of the request bodies for this endpoint's model name")


class LoadgenSettings(_Model):
    """Which of LoadGen's settings apply. `official` takes all of them from the rules' built-in mlperf.conf."""

    model: str = Field(description="the name in mlperf.conf, e.g. llama3_1-8b")
    scenario: LoadgenScenario
    official: bool
    own_sample_count: bool = Field(description="the benchmark isn't in mlperf.conf: sample counts are its own")
    target_qps: float | None
    queries: int | None = Field(default=None, description="short run: how many queries")
    min_duration_ms: int | None = Field(default=None, description="short run: shortest duration")
    ttft_limit_ns: int | None = None
    tpot_limit_ns: int | None = None
    user_conf: str | None = None
    over_network: bool = Field(default=False, description="LoadGen's query dispatch library stands for the system")


class PacerPlan(_Model):
    """What Assay's own pacer issues, and when."""

    shape: LoadShape
    seed: int = Field(ge=0, description="of the arrivals")
    timetable: str | None = Field(
        default=None, description="path of the samples' own times and conversations, for traces and sessions"
    )
    limits: tuple[TailLimit, ...] = Field(default=(), description="what a shape that is until_sure is tested for")

    @property
    def until_sure(self) -> bool:
        """Whether the load ends once a test is sure of its limits."""
        return isinstance(self.shape, RateShape) and self.shape.until_sure


class Timeouts(_Model):
    stall_s: float = Field(default=60.0, gt=0, description="longest silence of a server that owes an answer")
    request_s: float = Field(default=600.0, gt=0)


class WarmupPlan(_Model):
    """Waves of warm-up prompts until the token rates of two in a row differ by at most `tolerance`."""

    prompts: int = Field(ge=0, description="warm-up prompts; they follow the samples in the bodies; 0: no warm-up")
    tolerance: float = Field(default=0.03, ge=0)
    limit_s: float = Field(default=300.0, gt=0, description="no wave is begun that would end later")

    def short_body(self, samples: int) -> int:
        """Which of the bodies asks for a few tokens only; it comes last."""
        return samples + self.prompts


class LoadPlan(Stored):
    """One run's load."""

    WHAT: ClassVar[str] = "the plan of a load"
    MEND: ClassVar[str] = "remove its run folder, and the run is done again"

    version: int = 1
    folder: str
    scenario: Scenario
    mode: Mode
    loadgen: LoadgenSettings | None = Field(default=None, description="null where the pacer drives")
    pacer: PacerPlan | None = Field(default=None, description="null where LoadGen drives")
    samples: int
    max_tokens: int = Field(description="longest answer that any sample may have")
    answer_limits: list[int] | None = Field(
        default=None, description="longest answer of each sample; null: max_tokens for all"
    )
    eos_id: int | None = Field(description="fills up answers of one token for LoadGen; null: none is known")
    prompt_tokens: str = Field(
        description="path of an int32 .npy: tokens of each sample's prompt, then of the warm-up's"
    )
    prompt_tokens_exact: bool = Field(
        default=True, description="false: lengths are guesses, good enough to weigh samples by"
    )
    tokenizer: str | None = Field(description="tokenizer.json, for servers that send only text")
    endpoints: list[EndpointPlan]
    workers: int = Field(ge=1)
    max_attempts: int = Field(ge=1)
    timeouts: Timeouts
    warmup: WarmupPlan

    @model_validator(mode="after")
    def _one_driver(self) -> Self:
        if (self.loadgen is None) == (self.pacer is None):
            raise ValueError("a load has one driver: loadgen or pacer")
        return self

    @property
    def driver(self) -> DriverName:
        return "loadgen" if self.pacer is None else "pacer"

    def answer_limit(self, qsl_idx: int) -> int:
        """Longest answer of a sample, tokens."""
        return self.max_tokens if self.answer_limits is None else self.answer_limits[qsl_idx]

    @property
    def live_history(self) -> bool:
        """Whether later turns of a conversation carry the answers that the server really gave."""
        return self.pacer is not None and is_live(self.pacer.shape)

    @property
    def streams_first_token(self) -> bool:
        """LoadGen wants FirstTokenComplete in every scenario but Offline; the pacer wants answers alone."""
        return self.loadgen is not None and self.loadgen.scenario != "Offline"


def read_plan(path: Path) -> LoadPlan:
    """Raises UserError where there is none or it can't be read."""
    return require_model(path, LoadPlan, f"{path}: not found: no load was begun")
