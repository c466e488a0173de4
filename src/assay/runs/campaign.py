"""A campaign's folder: `campaign.json` beside the run folders that answer its question."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field

from assay.runs.folder import MANIFEST, ReportFolder, RunFolder
from assay.runs.names import PlainName
from assay.runs.rate_search import ProbePlan, RateSearch
from assay.runs.record import RunStatus
from assay.runs.scenarios import Compliance, Mode, Scenario
from assay.runs.shapes import LoadShape
from assay.runs.stored import Stored, require_model

CampaignKind = Literal[
    "single",
    "scaling",
    "official",
    "sweep",
    "bench",
    "tune-curve",
    "tune-rate",
    "tune-engine",
]
BEST = "best.yaml"
Stage = Literal["short", "longer", "final"]
"""Of a search: all tries, the better half, the finalists."""
STAGE_SHARES: dict[Stage, float] = {"short": 0.25, "longer": 0.5, "final": 1.0}
"""How much a run of a stage is given, of what a final one is: its samples, or its time."""
EngineObjective = Literal["offline", "highest-rate", "pareto"]
"""What makes an engine's settings better: Offline output tokens/s, the highest rate that keeps limits, or tokens/s
against the pace of a user."""

# A run with one of these is over: resuming never repeats it.
ENDED = (RunStatus.COMPLETED, RunStatus.INVALID, RunStatus.FAILED, RunStatus.TIMEOUT)


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RunEntry(_Model):
    """One planned run and how it went."""

    key: str = Field(description="unique in the campaign, the same on every resume")
    scenario: Scenario
    mode: Mode
    nodes: list[PlainName] = Field(description="nodes whose endpoints take part")
    repeat: int = 0
    target_qps: float | None = None
    queries: int | None = Field(
        default=None, description="of a short run; null: every sample once, or the rules' count"
    )
    window: int | None = Field(default=None, description="requests in flight at each endpoint; null: the engine's own")
    shape: LoadShape | None = Field(default=None, description="what the pacer drives; null: LoadGen does")
    compliance: Compliance | None = None
    planning: bool = Field(default=False, description="it says what to ask of later runs, and is no result by itself")
    probe: ProbePlan | None = Field(default=None, description="of a search: what the run is for")
    settings: dict[str, Any] = Field(
        default_factory=dict, description="engine options that aren't the configuration's in this run"
    )
    servers: int | None = Field(default=None, description="servers on each node; null: as configured")
    server_nodes: int | None = Field(
        default=None, description="nodes or pods that each server is spread over; null: as configured"
    )
    start: int = Field(default=0, description="runs of one number share their servers; each number starts them anew")
    stage: Stage | None = Field(default=None, description="which part of a search planned it")
    run: PlainName | None = Field(default=None, description="the run folder's name once started")
    status: RunStatus | None = Field(default=None, description="null: not yet ended")
    reason: str = ""
    earlier: list[PlainName] = Field(default_factory=list, description="run folders of tries that were interrupted")

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    @property
    def measures(self) -> bool:
        """Whether its speed is a result: not that of an accuracy run, a compliance test or a planning run."""
        return self.mode == "performance" and self.compliance is None and not self.planning

    @property
    def as_configured(self) -> bool:
        """Whether its servers are the configuration's."""
        return not self.settings and self.servers is None and self.server_nodes is None

    @property
    def may_fail(self) -> bool:
        """Whether that it fails is a result: it tries settings that nobody said would work."""
        return self.stage is not None and not self.as_configured

    @property
    def asked(self) -> dict[str, Any]:
        """What is to be done, without how it went. What has its default is left out: a version that adds a field with
        one says the same of an older plan."""
        asked = self.model_dump(
            mode="json", exclude_defaults=True, exclude={"run", "status", "reason", "earlier", "shape"}
        )
        if self.shape is not None:
            asked["shape"] = {"kind": self.shape.kind, **self.shape.model_dump(mode="json", exclude_defaults=True)}
        return asked


class Session(_Model):
    """One process that worked on the campaign. One without an end was killed."""

    started_utc: str
    ended_utc: str | None = None
    assay_version: str
    pid: int = Field(gt=0, lt=2**31)


class CampaignState(Stored):
    """`campaign.json`: the plan and how far it got; written after every change."""

    WHAT: ClassVar[str] = "a campaign"
    MEND: ClassVar[str] = "restore the file, or start a new campaign (`assay report` still reads the folders in runs/)"

    version: int = 1
    id: PlainName
    kind: CampaignKind
    name: str
    started_utc: str
    ended_utc: str | None = Field(default=None, description="when no run was left to do")
    config_sha256: str
    dataset_sha256: str = ""
    user_conf_sha256: str = Field(default="", description="of LoadGen's user.conf; empty: there is none")
    seed: int = Field(description="of the order of runs")
    simulated: bool = False
    has_manifest: bool = Field(default=False, description="it was carried out with one; false in earlier versions")
    rate_search: RateSearch | None = Field(
        default=None, description="tune-rate: what is searched for; tune-engine: at each final start"
    )
    project_samples: int | None = Field(default=None, description="the report projects rates to this many samples")
    plan_note: str = Field(default="", description="what is to be said of the plan wherever its results are shown")
    objective: EngineObjective = Field(default="offline", description="of tune-engine: what makes settings better")
    memory_target: float | None = Field(
        default=None, description="share of an accelerator's memory that weights and KV cache were to take"
    )
    left_out: dict[str, str] = Field(default_factory=dict, description="node that can't run: why")
    sessions: list[Session] = Field(default_factory=list)
    runs: list[RunEntry] = Field(description="in the order in which they are carried out")

    @property
    def todo(self) -> list[RunEntry]:
        """Runs without a status, in order."""
        return [entry for entry in self.runs if entry.status is None]

    @property
    def plan_sha256(self) -> str:
        """Of what was asked: kind, configuration, data set, seed, and the runs in their order."""
        plan = {
            **self.model_dump(mode="json", include={"kind", "config_sha256", "dataset_sha256", "seed"}),
            "runs": [entry.asked for entry in self.runs],
        }
        return hashlib.sha256(orjson.dumps(plan, option=orjson.OPT_SORT_KEYS)).hexdigest()


@dataclass(frozen=True)
class CampaignFolder:
    """The paths inside a campaign folder."""

    path: Path

    @property
    def state(self) -> Path:
        return self.path / "campaign.json"

    @property
    def config(self) -> Path:
        return self.path / "config.yaml"

    @property
    def best(self) -> Path:
        """Of a search through settings: the configuration that it found best."""
        return self.path / BEST

    @property
    def benchmark(self) -> Path:
        """What its runs measure, resolved; absent from campaigns of early versions."""
        return self.path / "benchmark.json"

    @property
    def prompt_counts(self) -> Path:
        """What the server said of its prompts' tokens, where it was asked (`campaign.kept_counts.KeptCounts`)."""
        return self.path / "prompt_counts.json"

    @property
    def runs(self) -> Path:
        return self.path / "runs"

    @property
    def report(self) -> Path:
        """The page about all of its runs, made last."""
        return ReportFolder(self.path).html

    @property
    def report_json(self) -> Path:
        """The same report as data."""
        return ReportFolder(self.path).data

    @property
    def report_log(self) -> Path:
        """Why its report couldn't be made, where it couldn't."""
        return self.path / "report.log"

    @property
    def deployment(self) -> Path:
        """The servers that were started (`deploy.state.DeploymentRecord`)."""
        return self.path / "deployment.json"

    @property
    def trials(self) -> Path:
        """Folders of deployments that tried one node each."""
        return self.path / "trials"

    @property
    def manifest(self) -> Path:
        """Its files and its runs' manifests (`CampaignManifest`); absent from campaigns of early versions."""
        return self.path / MANIFEST

    @property
    def signature(self) -> Path:
        """Of the manifest, by OpenSSH, where somebody signed it."""
        return self.path / f"{MANIFEST}.sig"

    @property
    def lock(self) -> Path:
        """Held by the process that carries the campaign out."""
        return self.path / "campaign.lock"

    def run(self, run_id: str) -> RunFolder:
        return RunFolder(self.runs / run_id)


def campaign_title(kind: str, name: str) -> str:
    """Such as "bench campaign" or "scaling campaign nightly"; a campaign without a name of its own bears its kind's."""
    return f"{kind} campaign {name}" if name not in ("", kind) else f"{kind} campaign"


def read_campaign(folder: CampaignFolder) -> CampaignState:
    """Read `campaign.json`. Raises UserError where there is none or it can't be read."""
    return require_model(folder.state, CampaignState, f"{folder.path}: not a campaign folder (no campaign.json)")


def find_campaigns(output: Path) -> list[CampaignFolder]:
    """The campaign folders in `output`, the oldest first; empty where there is no such folder."""
    # Names begin with the UTC time of their making, so their order is that of time.
    return [CampaignFolder(path.parent) for path in sorted(output.glob("*/campaign.json"))]
