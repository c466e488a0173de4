"""The one most useful next step on a page, with a command that works as it stands there."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from assay.analysis.advice import queries_wanted
from assay.analysis.campaign import CampaignAnalysis, Group
from assay.analysis.rate_answer import RateAnswer
from assay.analysis.run import RunAnalysis
from assay.report import format as fmt
from assay.report.client_shaped import client_shaped
from assay.report.limits import UNSHOWN, held_by_all, held_limits
from assay.report.next_step import next_step
from assay.runs.record import RunRecord

_FEWEST_REPEATS = 3
_FIRST_LIMIT = "p99(ttft) < 2 s"
_LIMITED = {"ttft_ns": "ttft", "tpot_ns": "tpot", "latency_ns": "latency"}


def run_next(run: RunAnalysis) -> str:
    """One sentence of a run; empty where nothing is open, and of one that no campaign knows of."""
    record = run.record
    if record.campaign_key is None:
        return ""
    if run.samples is None:
        return "".join(next_step(run.folder.campaign, [record.status], [record.reason]))
    if not run.folder.config.exists():
        return ""
    steps = _of_records([record], [queries_wanted(run.result.loadgen, record)])
    return next((f"Next: {why}: {_run_again('../../..', *sets)}." for why, sets in steps), "")


def campaign_next(analysis: CampaignAnalysis) -> str:
    """One sentence of a campaign: what is left to do, else what leaves most open; empty where nothing does."""
    runs = [entry for entry in analysis.state.runs if not (entry.may_fail and entry.ended)]
    left = next_step(analysis.folder.path, [entry.status for entry in runs], [entry.reason for entry in runs])
    if left or not analysis.folder.config.exists() or analysis.tuned is not None:
        return "".join(left)
    rate = analysis.rate
    steps = _steps(analysis) if rate is None else _after_search(rate, analysis.folder.path)
    return next((f"Next: {words}." for words in steps), "")


def _steps(analysis: CampaignAnalysis) -> Iterator[str]:
    """What would say more, the most useful first."""
    groups = analysis.groups
    if groups and all(client_shaped(group) for group in groups):
        why = "give the load generator idle cores, or a machine of its own, so that the figures are the server's"
        yield f"{why}, and measure again: {_run_again('..')}"
    lines = [line for line in analysis.lines if line.entry.compliance is None]
    wanted = [queries_wanted(line.result.loadgen, line.record) for line in lines]
    for why, sets in _of_records([line.record for line in lines], wanted):
        yield f"{why}: {_run_again('..', *sets)}"
    if groups and groups[0].first.record.shape is not None:
        yield _after_pacer(analysis)
    if groups and analysis.state.kind != "official" and min(len(group.lines) for group in groups) < _FEWEST_REPEATS:
        yield (
            f"{_FEWEST_REPEATS} repeats show how far runs of the same differ, which one run's interval can't: "
            f"{_run_again('..', f'campaign.repeats={_FEWEST_REPEATS}')}"
        )


def _of_records(records: Sequence[RunRecord], wanted: Sequence[int | None]) -> Iterator[tuple[str, list[str]]]:
    """What settings of single runs leave open: why another is better, and which."""
    queries: dict[str, int] = {}
    for record, count in zip(records, wanted, strict=True):
        if count:
            queries[record.scenario] = max(count, queries.get(record.scenario, 0))
    if queries:
        sets = [f"queries.{scenario}={count}" for scenario, count in queries.items()]
        yield "as many queries as LoadGen's early stopping asks for", sets
    part = next((own for own in records if own.mode == "accuracy" and own.samples < own.dataset_samples), None)
    if part is not None:
        yield (
            f"all {fmt.count(part.dataset_samples, 'sample')}, so that the scores can be compared",
            ["dataset.samples=null"],
        )


def _after_pacer(analysis: CampaignAnalysis) -> str:
    """Loads that the user chose lead to a search: for the rate within limits, or for where the server is saturated."""
    first = analysis.groups[0].first
    limits = held_limits(analysis.benchmark, first.record)
    if limits:
        slo = ", ".join(f"p99({_LIMITED[name]}) < {limit_ns / 1e6:g} ms" for name, limit_ns in limits.items())
        shown = not any(_unshown(group, limits) for group in analysis.groups)
        why = "the highest rate within these limits" + ("" if shown else ", by as many requests as that takes")
        return f"search {why}: {_tune('rate', slo)}"
    if analysis.state.kind != "tune-curve" and any(
        group.first.entry.scenario == "Concurrency" for group in analysis.groups
    ):
        return f"go up until more in flight gives no more: {_tune('curve')}"
    return f"search the highest rate within a limit of yours, such as this one: {_tune('rate', _FIRST_LIMIT)}"


def _unshown(group: Group, limits: dict[str, int]) -> bool:
    results = [line.result for line in group.lines]
    known = all(limits.keys() <= result.latency.keys() for result in results)
    return known and held_by_all(results, limits) == UNSHOWN


def _after_search(answer: RateAnswer, folder: Path) -> Iterator[str]:
    """What a search left open; where the client bounds it, its own sentence says what to do."""
    if answer.bound_by == "client":
        return
    if answer.outcome == "unfinished":
        yield f"go on with the search: `assay tune rate --resume {shlex.quote(str(folder))}`"
    elif answer.because == "nothing holds":
        yield f"a looser limit, or find what breaks this one at so low a rate: {_tune('curve')}"
    elif answer.rate is None or not answer.confirmed or _wide(answer):
        minutes = max(1, round(2 * answer.seconds / 60))
        yield f"search for longer, so that the rate is surer: {_tune('rate', '', f'{minutes}m')}"
    else:
        yield f"see what a slower or faster pace for each user gives: {_tune('curve')}"


def _wide(answer: RateAnswer) -> bool:
    if answer.rate is None or answer.low is None or answer.high is None:
        return True
    return max(answer.rate - answer.low, answer.high - answer.rate) / answer.rate > 2 * answer.precision


def _run_again(output: str, *sets: str) -> str:
    settings = "".join(f" --set {shlex.quote(one)}" for one in sets)
    return f"`assay run config.yaml --output {output}{settings}` in this folder"


def _tune(question: str, slo: str = "", budget: str = "") -> str:
    options = (f" --slo {shlex.quote(slo)}" if slo else "") + (f" --budget {budget}" if budget else "")
    return f"`assay tune {question} config.yaml{options} --results ..` in this folder"
