"""Whole campaigns against a baseline, load by load, from their small files alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, computed_field

from assay.analysis.campaign import Load, load_of
from assay.analysis.changes import Change, Judged
from assay.analysis.compare import other_samples, unlike_in, unlike_words
from assay.analysis.differences import Difference
from assay.analysis.load_runs import LoadRuns, changes_at, differences_at, measured_loads
from assay.analysis.names import load_key, name_of
from assay.errors import UserError
from assay.runs.campaign import CampaignFolder, CampaignState, RunEntry, read_campaign
from assay.runs.result import Result

Outcome = Literal["faster", "slower", "both", "better latencies", "worse latencies", "not shown"]


class LoadCompared(BaseModel, Judged):
    """One load of both campaigns. The intervals of all loads hold together at 95 %."""

    model_config = ConfigDict(extra="forbid")

    load: str = Field(description="as the other campaign calls it")
    scenario: str
    axis: Literal["rate", "concurrency"] | None = Field(description="null: no single number says how much was asked")
    value: float | None = Field(description="samples/s asked for, or requests in flight")
    baseline_nodes: list[str]
    nodes: list[str]
    baseline_runs: list[str]
    runs: list[str]
    changes: list[Change]
    fewer_answers: bool = Field(description="the other campaign left a larger share of its samples unanswered")

    @computed_field  # type: ignore[prop-decorator]
    @property
    def outcome(self) -> Outcome:
        """By what decides: the rate where the load doesn't set it, else the latencies. Where the rate isn't shown to
        differ, latencies still may be."""
        words = {change.words for change in self.changes if change.decisive}
        beside = {change.words for change in self.changes if not change.decisive}
        if {"better", "worse"} <= words:
            return "both"
        if "better" in words or "worse" in words:
            return "faster" if "better" in words else "slower"
        if {"better", "worse"} <= beside:
            return "both"
        return "better latencies" if "better" in beside else "worse latencies" if "worse" in beside else "not shown"


class CampaignComparison(BaseModel):
    """One campaign against the baseline."""

    model_config = ConfigDict(extra="forbid")

    baseline: str
    other: str
    loads: list[LoadCompared] = Field(
        description="that both measured, of each scenario from the fewest nodes and the lowest load on"
    )
    only_baseline: list[str] = Field(description="loads that the other didn't measure")
    only_other: list[str]
    differences: list[Difference] = Field(description="of loads' first runs, as many as have every endpoint")
    notes: list[str]


class CampaignMeasured:
    """A campaign's plan and what it measured. Raises UserError where it has no result, or can't be read."""

    def __init__(self, folder: CampaignFolder) -> None:
        self.folder = folder
        self.state: CampaignState = read_campaign(folder)
        self.loads = _from_the_lowest(measured_loads(folder, self.state))
        if not self.loads:
            raise UserError(f"compare: {self.state.id} has no performance run with a result")


def _from_the_lowest(loads: Sequence[LoadRuns]) -> list[LoadRuns]:
    """Fewer nodes before more, a lower load before a higher one: the plan's order may be a random one."""

    def asked(run: LoadRuns) -> tuple[str, float]:
        load = load_of(run.entry)
        return ("", 0.0) if load is None else (load.axis, load.value)

    places = {load.entry.scenario: place for place, load in reversed(list(enumerate(loads)))}
    return sorted(
        loads, key=lambda load: (places[load.entry.scenario], len(load.entry.nodes), load.entry.nodes, asked(load))
    )


def compare_campaigns(campaigns: Sequence[CampaignMeasured]) -> list[CampaignComparison]:
    """Each campaign after the first against the first.

    Raises UserError where no load is in both, or where one has other samples, answers or another benchmark in each.
    """
    if len(campaigns) < 2:
        raise UserError("compare: give at least two campaigns")
    return [_compare(campaigns[0], other) for other in campaigns[1:]]


def _compare(base: CampaignMeasured, other: CampaignMeasured) -> CampaignComparison:
    pairs = matched(base.loads, other.loads)
    if not pairs:
        raise UserError(
            f"compare: no load is in both: {base.state.id} measured {_named(base.loads)}; {other.state.id} measured "
            f"{_named(other.loads)}"
        )
    for left, right in pairs:
        # How long a load lasts may differ, and is part of its shape.
        if unlike := [key for key in unlike_in(left.record, right.record) if key != "shape"]:
            raise UserError(
                f"compare: {right.name}: these campaigns measure different things: "
                f"{unlike_words(unlike, left.record, right.record, (base.state.id, other.state.id))}"
            )
    used = {id(load) for pair in pairs for load in pair}
    return CampaignComparison(
        baseline=base.state.id,
        other=other.state.id,
        loads=[
            _compared(left, right, changes)
            for (left, right), changes in zip(pairs, changes_at(pairs, tails=True), strict=True)
        ],
        only_baseline=[load.name for load in base.loads if id(load) not in used],
        only_other=[load.name for load in other.loads if id(load) not in used],
        differences=differences_at(pairs),
        notes=list(_notes(base, other, pairs)),
    )


def matched(base: Sequence[LoadRuns], other: Sequence[LoadRuns]) -> list[tuple[LoadRuns, LoadRuns]]:
    """The loads that are in both, in the order of `other`: by all that was asked for; of the rest by scenario, load and
    nodes; of what is left then, since other machines have other names, by scenario, load and the number of nodes.

    What several of one campaign fit isn't matched.
    """
    found: dict[int, LoadRuns] = {}
    left, right = list(base), list(other)
    for key in (load_key, _load_on_nodes, _load_on_as_many):
        for load in list(right):
            theirs, ours = ([one for one in side if key(one.entry) == key(load.entry)] for side in (left, right))
            if len(theirs) == len(ours) == 1:
                found[id(load)] = theirs[0]
                left.remove(theirs[0])
                right.remove(load)
    return [(found[id(load)], load) for load in other if id(load) in found]


def _load_on_nodes(entry: RunEntry) -> str:
    load = load_of(entry) or entry.shape
    return f"{entry.scenario} {load!r} {entry.window} {sorted(entry.nodes)}"


def _load_on_as_many(entry: RunEntry) -> str:
    load = load_of(entry) or entry.shape
    return f"{entry.scenario} {load!r} {entry.window} {len(entry.nodes)}"


def _compared(base: LoadRuns, other: LoadRuns, changes: list[Change]) -> LoadCompared:
    load: Load | None = load_of(other.entry)
    return LoadCompared(
        load=other.name,
        scenario=other.entry.scenario,
        axis=load.axis if load else None,
        value=load.value if load else None,
        baseline_nodes=base.entry.nodes,
        nodes=other.entry.nodes,
        baseline_runs=[result.run for result in base.results],
        runs=[result.run for result in other.results],
        changes=changes,
        fewer_answers=_unanswered(other.results) > _unanswered(base.results),
    )


def _unanswered(results: Sequence[Result]) -> float:
    """The share of the issued samples that failed or were lost."""

    def count(name: str) -> float:
        return sum(result.figures[name].value for result in results if name in result.figures)

    issued = count("samples_issued")
    return (issued - count("samples_completed")) / issued if issued else 0.0


def _named(loads: Sequence[LoadRuns]) -> str:
    """With their scenarios, which their own campaign needn't name."""
    return ", ".join(
        dict.fromkeys(name_of(own.entry, with_scenario=own.entry.shape is None, with_nodes=False) for own in loads)
    )


def _notes(
    base: CampaignMeasured, other: CampaignMeasured, pairs: Sequence[tuple[LoadRuns, LoadRuns]]
) -> Iterator[str]:
    yield (
        "Intervals hold the noise within the runs, of repeated ones that between them. Another run of the same "
        "system may differ by more; repeats show by how much."
    )
    if base.state.simulated != other.state.simulated:
        yield "One of the two is simulated."
    yield from dict.fromkeys(note for left, right in pairs for note in other_samples(left.record, right.record))
    if any(sorted(left.entry.nodes) != sorted(right.entry.nodes) for left, right in pairs):
        yield "Their nodes have other names: loads are put side by side by how many nodes took part."
    for campaign, place in ((base, 0), (other, 1)):
        for pair in pairs:
            words = dict.fromkeys(w for result in pair[place].results if (w := result.unanswered_words))
            if words:
                yield f"{pair[place].name} in {campaign.state.id}: {'; '.join(words)}; only answered ones are compared."
