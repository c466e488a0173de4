"""What a campaign's runs say together: repeats, scaling, sweeps, projections."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from assay.analysis.answer_findings import answer_findings
from assay.analysis.answers import AnswersCompared, RunAnswers, compare_answers, read_answers
from assay.analysis.client_findings import search_client_findings
from assay.analysis.earlier import SinceLast, since_last
from assay.analysis.engine_ahead import ahead
from assay.analysis.engine_answers import agreement
from assay.analysis.engine_models import Tuned
from assay.analysis.engine_tries import Seen, memory_shares, tuned_from
from assay.analysis.expenses import EXPENSES
from assay.analysis.figures import estimate_of
from assay.analysis.finding import Citation, Finding
from assay.analysis.load_runs import LoadRuns
from assay.analysis.names import name_in, titles_of
from assay.analysis.nodes import Symmetry
from assay.analysis.offered import Offered, offered
from assay.analysis.projection import Course, Projection, course, project
from assay.analysis.rate_answer import RateAnswer, rate_answer
from assay.analysis.rates import sample_rate, timing_error_ns, token_rate
from assay.analysis.run import RunAnalysis, measures_speed
from assay.analysis.scaling import Efficiency, Measured, Scaling, scaling
from assay.analysis.statistics import Estimate, over_repeats
from assay.analysis.whole_set import whole_set
from assay.benchmarks import Benchmark, campaign_benchmark
from assay.digits import number_text
from assay.runs.campaign import CampaignFolder, CampaignState, RunEntry, read_campaign
from assay.runs.campaign_manifest import check_campaign
from assay.runs.folder import RunFolder
from assay.runs.ledger import Ledger, unanswered_words
from assay.runs.manifest import Checked
from assay.runs.record import EndpointFacts, RunRecord
from assay.runs.result import Result
from assay.runs.setups import setup_words
from assay.runs.shapes import ConcurrencyShape, RateShape


@dataclass(frozen=True)
class RunLine:
    """One run of a campaign, as far as it got; without its samples, which may be many."""

    entry: RunEntry
    folder: RunFolder
    benchmark: Benchmark
    record: RunRecord
    result: Result
    ledger: Ledger | None
    findings: list[Finding]
    system: dict[str, Any]
    nodes: Symmetry | None
    samples_per_s: Estimate | None
    tokens_per_s: Estimate | None
    course: Course | None
    answers: RunAnswers | None
    offered: Offered | None


@dataclass(frozen=True)
class Group:
    """Repeats of one planned run."""

    key: str
    lines: tuple[RunLine, ...]

    @property
    def first(self) -> RunLine:
        return self.lines[0]

    @property
    def client_bound(self) -> bool:
        """Whether the load generator could have shaped one of its runs."""
        return any(line.record.client.client_bound for line in self.lines)

    @property
    def unanswered(self) -> str:
        """Samples of all repeats that failed or were lost, in words; empty: none."""
        ledgers = [line.ledger for line in self.lines if line.ledger is not None]
        return unanswered_words(sum(known.issued for known in ledgers), sum(known.unanswered for known in ledgers))

    @property
    def samples_per_s(self) -> Estimate:
        return _of_group([line.samples_per_s for line in self.lines if line.samples_per_s is not None])

    @property
    def tokens_per_s(self) -> Estimate:
        known = [line.tokens_per_s for line in self.lines if line.tokens_per_s is not None]
        return _of_group(known) if known else Estimate(math.nan, None)

    @property
    def expenses(self) -> dict[str, Estimate]:
        """What energy and money all repeats took in the mean, by the figure's name; those that each of them has."""
        figures = [line.result.figures for line in self.lines]
        known = [name for name in EXPENSES if all(name in own for own in figures)]
        return {name: over_repeats([estimate_of(own[name]) for own in figures]) for name in known}


def _of_group(rates: list[Estimate]) -> Estimate:
    """A rate over repeats. One run's is what its own result says: what repeats would share isn't added to it."""
    return rates[0] if len(rates) == 1 else over_repeats(rates)


@dataclass
class CampaignAnalysis:
    """A campaign, analysed."""

    folder: CampaignFolder
    state: CampaignState
    benchmark: Benchmark
    manifest: Checked
    lines: list[RunLine] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    scaling: Scaling | None = None
    why_no_scaling: str = ""
    projections: list[Projection] = field(default_factory=list)
    answers: AnswersCompared | None = None
    findings: list[Finding] = field(default_factory=list)
    since_last: SinceLast | None = None
    tuned: Tuned | None = None
    rate: RateAnswer | None = None
    """Of a search for a rate."""

    @property
    def nodes(self) -> list[str]:
        return sorted({node for entry in self.state.runs for node in entry.nodes})

    @property
    def endpoints(self) -> list[EndpointFacts]:
        """All that any run used, as the last run that used them recorded them."""
        return list({endpoint.name: endpoint for line in self.lines for endpoint in line.record.endpoints}.values())

    @property
    def system(self) -> list[EndpointFacts]:
        """Those that make up what was measured: layouts that were tried one after another are the same hardware.

        The runs with most nodes come first, then those with most accelerators; each adds its endpoints only where it
        adds a node.
        """
        found: dict[str, EndpointFacts] = {}
        seen: set[str] = set()
        for line in sorted(self.lines, key=_extent, reverse=True):
            machines = {node for endpoint in line.record.endpoints for node in endpoint.machines}
            if not machines <= seen:
                seen |= machines
                found = {endpoint.name: endpoint for endpoint in line.record.endpoints} | found
        return list(found.values())

    @cached_property
    def titles(self) -> dict[str, str]:
        """What each planned run is called by itself, by its key."""
        return titles_of(self.state.runs)

    def name(self, entry: RunEntry) -> str:
        """What a run is called here: without what all runs of the campaign have in common."""
        return name_in(self.state.runs, entry)


def _extent(line: RunLine) -> tuple[int, int]:
    """How many nodes and accelerators a run had."""
    endpoints = line.record.endpoints
    nodes = {node for endpoint in endpoints for node in endpoint.machines}
    return len(nodes), sum(len(endpoint.accelerators) for endpoint in endpoints)


def analyse_campaign(folder: CampaignFolder, lines: Sequence[RunLine]) -> CampaignAnalysis | None:
    """Analyse a campaign from its runs' lines, in the order of its plan; None where no run was started.

    Raises UserError where the folder isn't a campaign's.
    """
    if not lines:
        return None
    benchmark = campaign_benchmark(folder) or lines[-1].benchmark
    analysis = CampaignAnalysis(folder, read_campaign(folder), benchmark, check_campaign(folder), list(lines))
    analysis.groups = _groups(analysis.lines)
    analysis.since_last = since_last(folder, analysis.state, [_load_runs(analysis, group) for group in analysis.groups])
    if analysis.state.kind == "tune-rate":
        analysis.rate = rate_answer(folder, analysis.state)
    _scale(analysis)
    analysis.tuned = _tuned(analysis)
    analysis.projections = _projections(analysis)
    # Answers of endpoints that were set up differently are compared by what they were set up with.
    answers = [line.answers for line in lines if line.answers is not None and analysis.tuned is None]
    analysis.answers = compare_answers(answers) if answers else None
    of_runs = [finding for line in lines for finding in line.findings]
    analysis.findings = of_runs if analysis.rate is None else search_client_findings(of_runs, analysis.rate)
    analysis.findings += _scaling_findings(analysis)
    analysis.findings += answer_findings(analysis.state.id, analysis.answers)
    return analysis


@dataclass(frozen=True, order=True)
class Load:
    """How much was asked of the endpoints: one number, of one of two kinds."""

    axis: Literal["rate", "concurrency"]
    value: float


def load_of(entry: RunEntry) -> Load | None:
    """The load of a planned run; None where no single number says it."""
    match entry.shape:
        case ConcurrencyShape(concurrency=places):
            return Load("concurrency", places)
        case RateShape(rate=rate):
            return Load("rate", rate)
        case None if entry.target_qps:
            return Load("rate", entry.target_qps)
        case None if entry.window and entry.stage is None:  # sweeps had no pacer once
            return Load("concurrency", entry.window)
    return None


def run_line(entry: RunEntry, run: RunAnalysis) -> RunLine:
    """What a campaign keeps of a run's analysis."""
    samples = run.samples
    error_ns = 0.0 if samples is None or not len(samples) else timing_error_ns(samples, run.record.client)
    return RunLine(
        entry=entry,
        folder=run.folder,
        benchmark=run.benchmark,
        record=run.record,
        result=run.result,
        ledger=run.ledger,
        findings=run.findings,
        system=run.system,
        nodes=run.nodes,
        samples_per_s=None if samples is None else sample_rate(samples, timing_error_ns=error_ns),
        tokens_per_s=None if samples is None or not samples.counted else token_rate(samples, timing_error_ns=error_ns),
        course=None if samples is None else course(samples),
        answers=None if samples is None or run.benchmark.sampling else read_answers(run.folder.requests, run.record),
        offered=offered(samples, run.record, run.ledger.issued if run.ledger else 0),
    )


def _groups(lines: list[RunLine]) -> list[Group]:
    """Performance runs with a rate, by what was planned; the repeat is all that may differ. Loads are in order."""
    found: dict[tuple[object, ...], list[RunLine]] = {}
    for line in lines:
        e = line.entry
        if line.samples_per_s is None or not e.measures:
            continue
        setup = () if e.stage is None else (setup_words(e.settings, e.servers, server_nodes=e.server_nodes), e.stage)
        found.setdefault((e.scenario, tuple(e.nodes), e.target_qps, e.window, e.shape, *setup), []).append(line)
    groups = [Group("/".join(map(str, key)), tuple(members)) for key, members in found.items()]
    if all(load_of(group.first.entry) is not None for group in groups):
        groups.sort(key=lambda group: load_of(group.first.entry) or Load("rate", 0.0))
    return groups


def _load_runs(analysis: CampaignAnalysis, group: Group) -> LoadRuns:
    first = group.first
    results = [line.result for line in group.lines]
    return LoadRuns(analysis.name(first.entry), first.entry, results, first.record, first.folder)


def _tuned(analysis: CampaignAnalysis) -> Tuned | None:
    if analysis.state.kind != "tune-engine":
        return None
    seen = {}
    for line in analysis.lines:
        ready_ns = line.record.warmup.ready_ns.values()
        ready_s = max(ready_ns) / 1e9 if ready_ns else None
        memory = memory_shares(line.record, line.system)
        seen[line.record.id] = Seen(line.tokens_per_s, ready_s, memory, len(line.record.endpoints) or None)
    found = tuned_from(analysis.folder, analysis.state, [line.result for line in analysis.lines], seen)
    chosen = found.named(found.best) or found.default
    if chosen is not None and chosen.stage == "final" and chosen.rate is not None:
        measured = [line for line in analysis.lines if line.record.id in chosen.runs]
        if measured:
            record = measured[-1].record
            nodes = {node for endpoint in record.endpoints for node in (endpoint.node, *endpoint.followers)}
            found.ahead = ahead(analysis.folder, record, len(nodes), chosen.rate)
    best = found.named(found.best)
    if best is None or found.default is None:
        return found
    finals = {line.record.id: line.answers for line in analysis.lines if line.entry.stage == "final"}
    default, own = ([known for run in one.runs if (known := finals.get(run))] for one in (found.default, best))
    return found.model_copy(update={"agreement": agreement(default, own)})


def _scale(analysis: CampaignAnalysis) -> None:
    """Efficiency from this campaign's own Offline runs, if all did the same work with the same settings."""
    groups = [g for g in analysis.groups if g.first.entry.scenario == "Offline" and g.first.entry.window is None]
    if not any(len(g.first.entry.nodes) > 1 for g in groups):
        return
    if not any(len(g.first.entry.nodes) == 1 for g in groups):
        analysis.why_no_scaling = "not measured: no node was run alone"
        return
    unlike = _unlike([line for group in groups for line in group.lines])
    if unlike:
        analysis.why_no_scaling = f"not measured: the runs differ in {', '.join(unlike)}"
        return
    if any(line.tokens_per_s is None for group in groups for line in group.lines):
        analysis.why_no_scaling = "not measured: the tokens of some runs aren't known"
        return
    measured = [
        Measured(
            tuple(g.first.entry.nodes),
            tuple(line.tokens_per_s for line in g.lines if line.tokens_per_s is not None),
            g.unanswered,
        )
        for g in groups
    ]
    analysis.scaling = scaling(measured)


def _unlike(lines: list[RunLine]) -> list[str]:
    """Facts that must be the same in all runs of a scaling comparison, and aren't."""
    facts = ("benchmark", "dataset_sha256", "samples", "max_tokens", "model")
    found = [fact for fact in facts if len({str(getattr(line.record, fact)) for line in lines}) > 1]
    for fact in ("engine", "engine_version", "settings", "window"):
        first: dict[str, Any] = {}
        values = ((endpoint.name, getattr(endpoint, fact)) for line in lines for endpoint in line.record.endpoints)
        # As values, not as words: 0 and 0.0 are the same setting.
        if any(value != first.setdefault(name, value) for name, value in values):
            found.append(f"an endpoint's {fact}")
    return found


def _projections(analysis: CampaignAnalysis) -> list[Projection]:
    """For each load whose rate is a speed; of settings that were tried, for those that were measured to the end."""
    found = []
    for group in analysis.groups:
        first = group.first
        whole = whole_set(first.record, analysis.benchmark, analysis.state.project_samples)
        if whole is None or not measures_speed(first.record) or first.entry.stage not in (None, "final"):
            continue
        courses = [line.course for line in group.lines if line.course is not None]
        found.append(project(analysis.name(first.entry), whole, courses, group.unanswered))
    return [projection for projection in found if projection is not None]


def _scaling_findings(analysis: CampaignAnalysis) -> list[Finding]:
    """Groups that are slower than what their nodes do alone, by more than noise explains."""
    if analysis.scaling is None:
        return []
    found = []
    for group in analysis.scaling.groups:
        if group.efficiency is None:
            continue
        name = " + ".join(group.nodes) if len(group.nodes) <= 4 else f"{len(group.nodes)} nodes"
        seen = [Citation(run=analysis.state.id, file="runs/*/requests.parquet", figure=_efficiency_words(group))]
        if group.speedup is not None and group.speedup_high is not None and group.speedup_high < 1:
            found.append(
                Finding(
                    rule="slower-together",
                    severity="error",
                    title=f"{name} together are slower than {group.best_alone} alone.",
                    evidence=seen,
                )
            )
        elif group.high is not None and group.high < 0.95:
            found.append(
                Finding(
                    rule="scaling-loss",
                    severity="warning",
                    title=f"{name} together do less than the sum of what they do alone.",
                    evidence=seen,
                    suggestion="see the tail and the nodes of these runs' own reports",
                )
            )
        elif group.low is not None and group.low > 1.05:
            found.append(
                Finding(
                    rule="scaling-above-one",
                    severity="warning",
                    title=f"{name} together do more than the sum of what they do alone.",
                    evidence=seen,
                    suggestion="doubt the baselines: were they cold, shorter, or disturbed?",
                )
            )
    return found


def _efficiency_words(group: Efficiency) -> str:
    return (
        f"{number_text(group.rate)} tokens/s together, {number_text(group.sum_alone)} as the sum of the nodes alone: "
        f"efficiency {group.efficiency:.3f} ({_or_unknown(group.low)} to {_or_unknown(group.high)}); "
        f"against {group.best_alone} alone {group.speedup:.3f} "
        f"({_or_unknown(group.speedup_low)} to {_or_unknown(group.speedup_high)})"
        + "".join(f"; {words}" for words in group.unanswered)
    )


def _or_unknown(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"
