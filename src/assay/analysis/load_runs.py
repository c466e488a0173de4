"""What a campaign measured, load by load, from its small files alone: its plan, its runs' records and results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assay.analysis.changes import Change
from assay.analysis.differences import Circumstances, Difference, differences
from assay.analysis.names import load_key, name_in
from assay.analysis.result_changes import changes_of_results
from assay.benchmarks import run_benchmark
from assay.runs.campaign import CampaignFolder, CampaignState, RunEntry
from assay.runs.folder import RunFolder
from assay.runs.reading import read_record, read_result
from assay.runs.record import RunRecord, RunStatus
from assay.runs.result import Result
from assay.runs.stored import read_model
from assay.runs.system import SystemRecord


@dataclass(frozen=True)
class LoadRuns:
    """One load of a campaign: its repeats' results, and the first's plan, record and folder."""

    name: str
    entry: RunEntry
    results: Sequence[Result]
    record: RunRecord
    run: RunFolder

    @property
    def circumstances(self) -> Circumstances:
        """What the first was made with and on, as its folder says."""
        system = read_model(self.run.system, SystemRecord)
        facts = {} if system is None else system.model_dump(mode="json", exclude_unset=True)
        return Circumstances(self.record, run_benchmark(self.run), facts, self.run.config)


def measured_loads(folder: CampaignFolder, plan: CampaignState) -> list[LoadRuns]:
    """The loads whose speed was measured in runs that came to their end, in the order of the plan.

    Raises UserError where a file can't be read.
    """
    found: dict[str, list[tuple[RunEntry, RunFolder, Result]]] = {}
    for entry in plan.runs:
        over = entry.run is not None and entry.status in (RunStatus.COMPLETED, RunStatus.INVALID)
        if not over or entry.run is None or not entry.measures:
            continue
        run = folder.run(entry.run)
        result = read_result(run)
        if result is not None and "samples_per_s" in result.figures:
            found.setdefault(load_key(entry), []).append((entry, run, result))
    return [
        LoadRuns(name_in(plan.runs, entry), entry, [result for _, _, result in repeats], read_record(run), run)
        for repeats in found.values()
        for entry, run, _ in repeats[:1]
    ]


def changes_at(pairs: Sequence[tuple[LoadRuns, LoadRuns]], *, tails: bool = False) -> list[list[Change]]:
    """What changed between the loads of each pair, the first of which is the baseline."""

    def at(base: LoadRuns, other: LoadRuns, comparisons: int) -> list[Change]:
        return changes_of_results(base.results, other.results, comparisons, tails=tails)

    count = sum(len(at(base, other, 1)) for base, other in pairs)
    return [at(base, other, max(1, count)) for base, other in pairs]


def differences_at(pairs: Sequence[tuple[LoadRuns, LoadRuns]]) -> list[Difference]:
    """What isn't the same in the first runs of the loads, of as few of them as have every endpoint: a run on one node
    tells nothing of the others' servers."""
    seen: set[str] = set()
    found: dict[tuple[str, str, str, str], Difference] = {}
    for base, other in sorted(pairs, key=lambda pair: -len(pair[1].record.endpoints)):
        endpoints = {endpoint.name for load in (base, other) for endpoint in load.record.endpoints}
        if endpoints <= seen:
            continue
        seen |= endpoints
        for each in differences(base.circumstances, other.circumstances):
            found.setdefault((each.where, each.fact, each.baseline, each.other), each)
    return list(found.values())
