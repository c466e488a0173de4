"""What changed since the last campaign of the same kind, name and loads in the same folder of results.

Only that campaign's small files are read: its plan, its runs' records and results.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydantic import BaseModel, ConfigDict, Field

from assay.analysis.changes import Change
from assay.analysis.compare import unlike_in
from assay.analysis.differences import Difference
from assay.analysis.load_runs import LoadRuns, changes_at, differences_at, measured_loads
from assay.analysis.names import load_key
from assay.analysis.summary import shaped_by_client
from assay.errors import AssayError
from assay.runs.campaign import CampaignFolder, CampaignState, find_campaigns, read_campaign
from assay.runs.stored import read_object


class LoadChange(BaseModel):
    """What changed at one load. The intervals of all loads hold together at 95 %."""

    model_config = ConfigDict(extra="forbid")

    load: str
    changes: list[Change] = Field(description="the earlier campaign is the baseline")


class SinceLast(BaseModel):
    """This campaign against an earlier one."""

    model_config = ConfigDict(extra="forbid")

    campaign: str
    started_utc: str
    loads: list[LoadChange]
    differences: list[Difference] = Field(description="of loads' first runs, as many as have every endpoint")
    client_bound: bool = Field(description="the load generator could have shaped the earlier campaign's results")


def since_last(folder: CampaignFolder, state: CampaignState, loads: Sequence[LoadRuns]) -> SinceLast | None:
    """Against the newest earlier campaign that measured the same; None where there is none, or nothing was measured."""
    if not loads:
        return None
    for earlier, plan in _earlier(folder, state):
        try:
            found = _against(earlier, plan, loads)
        except AssayError:  # what can't be read can't be compared with, and is no fault of this campaign
            continue
        if found is not None:
            return found
    return None


def _earlier(folder: CampaignFolder, state: CampaignState) -> Iterator[tuple[CampaignFolder, CampaignState]]:
    """Campaigns of the same kind and name that were begun before, the newest first."""
    for candidate in reversed(find_campaigns(folder.path.resolve().parent)):
        try:
            plan = read_object(candidate.state) or {}
            known = plan.get("kind"), plan.get("name"), plan.get("simulated", False)
            if known == (state.kind, state.name, state.simulated) and plan["started_utc"] < state.started_utc:
                yield candidate, read_campaign(candidate)
        except (AssayError, KeyError, TypeError):
            continue


def _against(earlier: CampaignFolder, plan: CampaignState, loads: Sequence[LoadRuns]) -> SinceLast | None:
    """None where it hasn't measured each of the loads, on the same samples."""
    theirs = {load_key(load.entry): load for load in measured_loads(earlier, plan)}
    pairs = [(theirs.get(load_key(load.entry)), load) for load in loads]
    same = [
        (base, own)
        for base, own in pairs
        if base is not None
        and base.record.samples == own.record.samples  # so many, from the data set's first on
        and not unlike_in(base.record, own.record)
    ]
    if len(same) < len(loads):
        return None
    return SinceLast(
        campaign=plan.id,
        started_utc=plan.started_utc,
        loads=[
            LoadChange(load=own.name, changes=changes) for (_, own), changes in zip(same, changes_at(same), strict=True)
        ],
        differences=differences_at(same),
        client_bound=any(shaped_by_client(base.results) for base, _ in same),
    )
