"""What changed since the last campaign of the same kind, name and loads in the same folder of results.

Only that campaign's small files are read: its plan, its runs' records and results.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from assay.analysis.changes import Change
from assay.analysis.compare import unlike_in
from assay.analysis.differences import Circumstances, Difference, differences
from assay.analysis.names import same_load
from assay.analysis.result_changes import changes_of_results
from assay.benchmarks import run_benchmark
from assay.errors import AssayError
from assay.runs.campaign import CampaignFolder, CampaignState, RunEntry, find_campaigns, read_campaign
from assay.runs.folder import RunFolder
from assay.runs.reading import read_record, read_result
from assay.runs.record import RunRecord, RunStatus
from assay.runs.result import Result
from assay.runs.stored import read_model, read_object
from assay.runs.system import SystemRecord


@dataclass(frozen=True)
class LoadRuns:
    """One load of a campaign: its repeats' results, and what the first was made with."""

    name: str
    entry: RunEntry
    results: Sequence[Result]
    first: Circumstances


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
    differences: list[Difference] = Field(description="of the first load's first runs")


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
    theirs = [_runs(earlier, plan, load) for load in loads]
    if not all(theirs):
        return None
    count = sum(
        len(changes_of_results(own.results, [r for _, _, r in them])) for own, them in zip(loads, theirs, strict=True)
    )
    return SinceLast(
        campaign=plan.id,
        started_utc=plan.started_utc,
        loads=[
            LoadChange(load=own.name, changes=changes_of_results([r for _, _, r in them], own.results, max(1, count)))
            for own, them in zip(loads, theirs, strict=True)
        ],
        differences=differences(_circumstances(*theirs[0][0][:2]), loads[0].first),
    )


def _runs(earlier: CampaignFolder, plan: CampaignState, load: LoadRuns) -> list[tuple[RunFolder, RunRecord, Result]]:
    """Its runs of the load that came to their end; none where they measured something else."""
    found = []
    for entry in plan.runs:
        fits = entry.mode == "performance" and entry.compliance is None and same_load(entry, load.entry)
        if not fits or entry.run is None or entry.status not in (RunStatus.COMPLETED, RunStatus.INVALID):
            continue
        run = earlier.run(entry.run)
        record, result = read_record(run), read_result(run)
        if unlike_in(record, load.first.record):
            return []
        if result is not None and "samples_per_s" in result.figures:
            found.append((run, record, result))
    return found


def _circumstances(run: RunFolder, record: RunRecord) -> Circumstances:
    system = read_model(run.system, SystemRecord)
    facts = {} if system is None else system.model_dump(mode="json", exclude_unset=True)
    return Circumstances(record, run_benchmark(run), facts, run.config)
