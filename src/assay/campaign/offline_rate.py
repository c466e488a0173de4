"""Offline's expected rate, where nobody says one: short runs measure it before the official ones.

LoadGen makes the count of an Offline run's samples from the rate that it is told, and 1.1 times the shortest duration
(loadgen.cc): a rate that is too low gives a run that ends too soon and is INVALID.
"""

from __future__ import annotations

from collections.abc import Sequence

from assay.analysis.expected_rate import expected_rate
from assay.benchmarks import get_benchmark
from assay.campaign.entries import rate
from assay.config import Config
from assay.digits import number_text
from assay.runs import CampaignFolder, CampaignState, RunEntry
from assay.runs.scenarios import Scenario

_OFFLINE: Scenario = "Offline"
_FIRST = 400
_LONGER = 4
"""A run that was too short to fill its places is followed by one of so many times as many samples."""


def planning_runs(config: Config, nodes: Sequence[str], runs: Sequence[RunEntry]) -> list[RunEntry]:
    """The run that goes before `runs`: none where the rate is set, or the rules' shortest duration isn't asked for."""
    spec = get_benchmark(config.benchmark).scenarios.get(_OFFLINE)
    timed = any(entry.scenario == _OFFLINE and entry.measures for entry in runs)
    if (
        not timed
        or spec is None
        or not spec.min_duration_ns
        or not config.official
        or rate(config, _OFFLINE) is not None
    ):
        return []
    return [_planning(list(nodes), 0, _FIRST)]


def fit_offline(state: CampaignState, folder: CampaignFolder) -> str:
    """Give the Offline runs that are left the rate that the last planning run measured, or plan a longer one."""
    planning = [entry for entry in state.runs if entry.planning]
    left = [entry for entry in state.todo if entry.scenario == _OFFLINE and entry.target_qps is None]
    if not planning or not left or any(entry.status is None for entry in planning):
        return ""
    last = planning[-1]
    found = expected_rate(folder.run(last.run)) if last.run else None
    if found is None:
        return ""  # the plan's note on a rate that nobody set holds
    if not found.tells:
        queries = min(_LONGER * found.samples, found.drawn_from)
        state.runs.insert(state.runs.index(last) + 1, _planning(last.nodes, len(planning), queries))
        return f"{found.run} was too short to fill its places: another planning run has {queries:,} samples"
    for entry in left:
        entry.target_qps = found.rate
    return f"Offline: {number_text(found.rate)} samples/s are expected, as measured in planning run {found.run}"


def _planning(nodes: list[str], number: int, queries: int) -> RunEntry:
    return RunEntry(
        key=f"offline-planning-r{number}",
        scenario=_OFFLINE,
        mode="performance",
        nodes=nodes,
        repeat=number,
        queries=queries,
        planning=True,
    )
