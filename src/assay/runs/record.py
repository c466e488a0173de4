"""`run.json`: what was planned, what happened, and what the harness measured of itself."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from assay.runs.api import ApiFacts
from assay.runs.cost import CostFacts
from assay.runs.names import PlainName
from assay.runs.outcome import Sure
from assay.runs.scenarios import Compliance, DriverName, Mode, Scenario
from assay.runs.shapes import LoadShape
from assay.runs.slo import Slo
from assay.runs.stored import Stored
from assay.runs.tail_limits import TailLimit
from assay.runs.warmup import WarmupFacts


class RunStatus(StrEnum):
    """How a run ended. `incomplete` is what a run without an end is."""

    INCOMPLETE = "incomplete"
    COMPLETED = "completed"
    INVALID = "invalid"
    FAILED = "failed"
    TIMEOUT = "timeout"
    INTERRUPTED = "interrupted"
    SKIPPED = "skipped"


REFUSED = "the audit found"
"""How the reason of a run begins that went to its end, and whose own figures contradict each other."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class MemoryFacts(_Model):
    """What a server takes of its fullest accelerator's memory, as its own log says."""

    weights_bytes: int
    kv_cache_bytes: int
    kv_cache_tokens: int | None = Field(default=None, description="that the cache has room for; null: not told")


class EndpointFacts(_Model):
    """One system under test, as the load generator knew it."""

    name: PlainName
    url: str
    node: PlainName
    followers: list[PlainName] = Field(
        default_factory=list, description="further nodes that it is spread over, each with as many accelerators"
    )
    accelerators: list[str] = Field(default_factory=list, description="names, one an accelerator")
    engine: str
    engine_version: str | None = None
    model: str
    window: int | None = Field(description="most requests in flight; null: not found yet")
    path: str = Field(default="direct", description="direct, or tunnel where the user asked for one")
    settings: dict[str, Any] = Field(default_factory=dict, description="the engine's options as started")
    simulated: bool = Field(default=False, description="it says so itself, or the configuration does")
    memory: MemoryFacts | None = Field(default=None, description="null: its log doesn't tell")

    @property
    def machines(self) -> tuple[str, ...]:
        """All nodes that it is on; `node` stands for them."""
        return self.node, *self.followers


class ClientAudit(_Model):
    """Whether the harness could have shaped the result."""

    client_bound: bool = False
    reasons: list[str] = Field(default_factory=list)
    cpu_share: dict[str, float] = Field(default_factory=dict, description="process: CPU seconds a wall second")
    peak_rss_bytes: dict[str, int] = Field(default_factory=dict, description="process: the most memory it held")
    loop_lag_p99_ns: dict[str, int] = Field(default_factory=dict, description="process: event loop lateness")
    loop_lag_max_ns: dict[str, int] = Field(default_factory=dict)
    schedule_lateness_p50_ns: int | None = None
    schedule_lateness_p99_ns: int | None = None
    completion_hop_p50_ns: int | None = Field(
        default=None, description="worker saw the first token, to LoadGen's process told LoadGen"
    )
    completion_hop_p99_ns: int | None = None
    completion_hop_max_ns: int | None = None
    calibration: dict[str, float] | None = Field(
        default=None, description="errors against the simulator's truth on this machine, before the run"
    )


class RunRecord(Stored):
    """The facts of one run's course. Written when it starts, and again when it ends."""

    WHAT: ClassVar[str] = "a run's record"
    READS: ClassVar[tuple[int, ...]] = (1, 2)

    version: Literal[2] = 2
    id: str
    assay_version: str
    benchmark: str
    scenario: Scenario
    mode: Mode
    official: bool
    driver: DriverName = Field(default="loadgen", description="what issued the samples")
    shape: LoadShape | None = Field(default=None, description="the pacer's load; null where LoadGen drove")
    api: ApiFacts | None = Field(default=None, description="how requests were written; null in earlier versions")
    slo: Slo | None = Field(default=None, description="limits of a good answer, as the user set them")
    limits: tuple[TailLimit, ...] = Field(default=(), description="what a search holds its rate against")
    sure: Sure | None = Field(default=None, description="what ended a load that goes on until a test is sure")
    schedule_seed: int | None = Field(default=None, description="of the pacer's arrivals")
    status: RunStatus = RunStatus.INCOMPLETE
    reason: str = ""
    started_utc: str
    ended_utc: str | None = None
    clock_offset_ns: int = Field(description="UTC minus CLOCK_MONOTONIC at the start, ns")
    dataset_name: str
    dataset_sha256: str
    dataset_samples: int = Field(description="samples in the data set")
    samples: int = Field(description="samples that this run could draw from")
    dataset_generated: bool = Field(default=False, description="true where the samples are random or generated")
    dataset_tokens_sha256: str | None = Field(
        default=None, description="of the token ids of all its samples; empty: some have none; null in earlier versions"
    )
    dataset_note: str = Field(default="", description="how generated prompts got their lengths; what was left out")
    model: str = Field(description="the benchmark's own: the checkpoint that it starts from")
    simulated: bool = Field(default=False, description="true where the endpoints are simulated")
    target_qps: float | None = None
    max_tokens: int
    endpoints: list[EndpointFacts] = Field(default_factory=list)
    warmup: WarmupFacts = Field(default_factory=WarmupFacts)
    client: ClientAudit = Field(default_factory=ClientAudit)
    issued: int = 0
    loadgen_version: str | None = None
    campaign_key: str | None = Field(default=None, description="its entry in the campaign; null: of no campaign")
    nodes: list[str] = Field(default_factory=list, description="nodes whose endpoints were to take part")
    cost: CostFacts | None = Field(default=None, description="what those nodes cost; null: the user doesn't say")
    repeat: int = 0
    compliance: Compliance | None = None
    planning: bool = Field(default=False, description="it says what to ask of later runs, and is no result by itself")
    lost: dict[str, str] = Field(default_factory=dict, description="endpoint whose server ended by itself: why")
    closed: str = Field(default="", description="how it was closed, where not by the process that carried it out")
    has_manifest: bool = Field(default=False, description="closing it writes a manifest; false in earlier versions")

    @property
    def served_models(self) -> tuple[str, ...]:
        """The models that the endpoints serve, by the names that they go by there."""
        return tuple(sorted({endpoint.model for endpoint in self.endpoints}))

    @model_validator(mode="before")
    @classmethod
    def _lift_version_1(cls, data: Any) -> Any:
        """Version 1 kept what a campaign knows of its run as words in `tags`."""
        if not isinstance(data, dict) or data.get("version") != 1:
            return data
        old = _Version1.model_validate(data)
        tags = old.tags
        return {name: value for name, value in data.items() if name != "tags"} | {
            "version": 2,
            "campaign_key": tags.campaign_key,
            "nodes": tags.nodes.split(",") if tags.nodes else [],
            "repeat": tags.repeat,
            "compliance": tags.compliance,
            "lost": _lost_by_name(tags.lost, [endpoint.name for endpoint in old.endpoints]),
            "closed": tags.closed,
        }


class _Tags(BaseModel):
    """What version 1 kept under `tags`, all of it text."""

    campaign_key: str | None = None
    nodes: str = ""
    repeat: int = 0
    compliance: Compliance | None = None
    lost: str = ""
    closed: str = ""


class _Version1(BaseModel):
    """The part of a record of version 1 that the fields of version 2 are made from."""

    tags: _Tags = _Tags()
    endpoints: list[EndpointFacts] = []


def _lost_by_name(words: str, endpoints: Iterable[str]) -> dict[str, str]:
    """`a (why), b (why)` as version 1 wrote it, by endpoint."""
    starts = sorted((words.index(f"{name} ("), name) for name in endpoints if f"{name} (" in words)
    found = {}
    for number, (start, name) in enumerate(starts, start=1):
        end = starts[number][0] if number < len(starts) else len(words)
        found[name] = words[start + len(name) + 2 : end].removesuffix(", ").removesuffix(")")
    return found
