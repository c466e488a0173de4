"""A campaign's folder: `campaign.json` beside the run folders that answer its question."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from assay.errors import UserError
from assay.runs.folder import RunFolder
from assay.runs.record import Mode, RunStatus, Scenario


class RunEntry(BaseModel):
    """One planned run and how it went."""

    model_config = ConfigDict(extra="forbid")

    key: str = Field(description="unique in the campaign, the same on every resume")
    scenario: Scenario
    mode: Mode
    nodes: list[str] = Field(description="nodes whose endpoints take part")
    repeat: int = 0
    target_qps: float | None = None
    run: str | None = Field(default=None, description="the run folder's name once started")
    status: RunStatus | None = Field(default=None, description="null: not yet started")
    reason: str = ""


class CampaignState(BaseModel):
    """`campaign.json`."""

    model_config = ConfigDict(extra="forbid")

    version: int = 1
    id: str
    kind: str
    name: str
    started_utc: str
    ended_utc: str | None = None
    config_sha256: str
    seed: int
    runs: list[RunEntry]


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
    def runs(self) -> Path:
        return self.path / "runs"

    def run(self, run_id: str) -> RunFolder:
        return RunFolder(self.runs / run_id)


def read_campaign(folder: CampaignFolder) -> CampaignState:
    """Read `campaign.json`. Raises UserError where there is none or it can't be read."""
    try:
        return CampaignState.model_validate_json(folder.state.read_bytes())
    except FileNotFoundError:
        raise UserError(f"{folder.path}: not a campaign folder (no campaign.json)") from None
    except ValueError as error:
        raise UserError(f"{folder.state}: can't be read as a campaign: {error}") from None
