"""The one most useful next step, the same on a campaign's page, in the terminal and, of one run, on its own page."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from assay.analysis.campaign import CampaignAnalysis, Group, RunLine
from assay.analysis.engine_models import Tuned
from assay.analysis.listing import names
from assay.analysis.projection import FEWEST_WAVES
from assay.analysis.rate_answer import RateAnswer
from assay.analysis.run import RunAnalysis
from assay.analysis.saturation import sweeps
from assay.report import format as fmt
from assay.report.engine_tries import why_not_compared
from assay.report.enough_samples import enough_queries
from assay.report.limits import UNSHOWN, held_if_known, held_limits
from assay.report.mended_first import IDLE_CORES, Measured, mended_first
from assay.report.next_step import left_over, run_again, sentence, step, tune
from assay.report.sweep_answer import too_few
from assay.runs.campaign import CampaignFolder, CampaignState
from assay.runs.ledger import Ledger
from assay.runs.record import RunStatus
from assay.search import narrowest

_FEWEST_REPEATS = 3
_NARROW = 0.02
"""Half an interval of the efficiency that leaves nothing to ask."""
_LONGER_LEAST, _LONGER = 2.0, 5.0
"""Times as long as a search took, another is told to be: no more, since a first interval says little of the next."""
_FIRST_LIMIT = "p99(ttft) < 2 s"
_LIMITED = {"ttft_ns": "ttft", "tpot_ns": "tpot", "latency_ns": "latency"}


def run_next(run: RunAnalysis) -> str:
    """One sentence of a run; empty where it leaves nothing open, and of one whose campaign isn't there.

    What only several runs show, its campaign's page says.
    """
    record = run.record
    if record.campaign_key is None:
        return ""
    if run.samples is None:
        return sentence([left_over([record.status], [record.reason], [run.ledger])])
    if not CampaignFolder(run.folder.campaign).config.exists():
        return ""
    return sentence(mended_first([Measured(record, run.result)], run.benchmark.scenarios))


def state_next(state: CampaignState, ledgers: Mapping[str, Ledger | None]) -> str:
    """One sentence of a campaign that isn't over, or of which something failed; empty of another.

    `ledgers`: of the runs that began, by their keys.
    """
    runs = [entry for entry in state.runs if not (entry.may_fail and entry.ended)]
    cut_off = [ledgers.get(entry.key) for entry in runs if entry.status is RunStatus.TIMEOUT]
    return sentence([left_over([entry.status for entry in runs], [entry.reason for entry in runs], cut_off)])


def campaign_next(analysis: CampaignAnalysis) -> str:
    """One sentence of a campaign: what is left to do, else what leaves most open; empty where nothing does."""
    left = state_next(analysis.state, {line.entry.key: line.ledger for line in analysis.lines})
    if left or not analysis.folder.config.exists():
        return left
    if analysis.rate is not None:
        return sentence(_after_rates(analysis.rate))
    if analysis.tuned is not None:
        return sentence(_after_settings(analysis, analysis.tuned))
    return sentence(_steps(analysis))


def _steps(analysis: CampaignAnalysis) -> Iterator[str]:
    """What would say more, the most useful first."""
    groups = analysis.groups
    lines = [line for line in analysis.lines if line.entry.compliance is None and not line.entry.planning]
    measured = [Measured(line.record, line.result) for line in lines]
    yield from mended_first(measured, analysis.benchmark.scenarios, _enough_queries(analysis))
    if groups and groups[0].first.record.shape is not None:
        yield _after_pacer(analysis)
    yield from _slower_nodes(analysis)
    yield from _too_short(analysis)
    if groups and analysis.state.kind != "official" and min(len(group.lines) for group in groups) < _FEWEST_REPEATS:
        why = f"{_FEWEST_REPEATS} repeats show how far runs of the same differ, which one run's interval can't"
        yield run_again(why, f"campaign.repeats={_FEWEST_REPEATS}")
    yield from _unsure_efficiency(analysis)


def _slower_nodes(analysis: CampaignAnalysis) -> Iterator[str]:
    """Nodes in runs together that are shown to be slower, and for which something that may be why is recorded."""
    parts = [part for line in analysis.lines if line.nodes is not None for part in line.nodes.nodes]
    slow = dict.fromkeys(part.node for part in parts if part.slower and (part.causes or part.differences))
    if slow:
        yield run_again(f"mend what likely makes {names(list(slow))} slower, and measure again")


def _too_short(analysis: CampaignAnalysis) -> Iterator[str]:
    """Offline runs that are mostly their first full load and their end: repeats of them would say no more."""
    if analysis.state.kind != "single":
        return
    offline = [line for group in analysis.groups for line in group.lines if line.entry.scenario == "Offline"]
    needed = max((_full(line) for line in offline if line.course is None), default=0)
    if needed > max((line.record.issued for line in offline), default=0):
        why = f"{FEWEST_WAVES} times as many samples as can be in flight show the rate at which a longer run goes on"
        yield run_again(why, f"queries.Offline={needed}")


def _full(line: RunLine) -> int:
    """Samples that keep all its places taken for most of a run; 0 where it isn't known how many there were."""
    return FEWEST_WAVES * sum(own.window or 0 for own in line.record.endpoints)


def _unsure_efficiency(analysis: CampaignAnalysis) -> Iterator[str]:
    """Where the interval shows neither loss nor gain, and is too wide for that to say much."""
    whole = analysis.scaling.groups[-1] if analysis.scaling is not None else None
    if whole is None or whole.low is None or whole.high is None or not whole.low < 1 < whole.high:
        return
    if whole.high - whole.low > 2 * _NARROW:
        repeats = 2 * whole.repeats
        why = f"learn more of a loss that may be up to {fmt.percent(1 - whole.low)}, by {repeats} repeats"
        yield run_again(f"{why} instead of {whole.repeats}", f"campaign.repeats={repeats}")


def _enough_queries(analysis: CampaignAnalysis) -> dict[str, float]:
    """What LoadGen's loads are asked for, of which too few samples show whether they keep the limits."""
    asked: dict[str, float] = {}
    for points in sweeps(analysis.groups):
        few = [group for group in too_few(analysis.benchmark, points) if group.first.record.driver == "loadgen"]
        if few:
            asked |= enough_queries(few, held_limits(analysis.benchmark, few[0].first.record))
    return asked


def _after_pacer(analysis: CampaignAnalysis) -> str:
    """Loads that the user chose lead to a search: for the rate within limits, or for where the server is saturated."""
    first = analysis.groups[0].first
    limits = held_limits(analysis.benchmark, first.record)
    if limits:
        slo = ", ".join(f"p99({_LIMITED[name]}) < {limit_ns / 1e6:g} ms" for name, limit_ns in limits.items())
        shown = not any(_unshown(group, limits) for group in analysis.groups)
        why = "search the highest rate within these limits" + ("" if shown else ", by as many requests as that takes")
        return tune(why, "rate", "--slo", slo)
    if analysis.state.kind != "tune-curve" and any(
        group.first.entry.scenario == "Concurrency" for group in analysis.groups
    ):
        return tune("go up until more in flight gives no more", "curve")
    why = "search the highest rate within a limit of yours, such as this one"
    return tune(why, "rate", "--slo", _FIRST_LIMIT)


def _unshown(group: Group, limits: dict[str, int]) -> bool:
    return held_if_known([line.result for line in group.lines], limits) == UNSHOWN


def _after_rates(answer: RateAnswer) -> Iterator[str]:
    """What a search for a rate left open."""
    sure = answer.rate is not None and answer.confirmed and not _wide(answer)
    if answer.outcome == "unfinished":
        yield step("go on with the search", "assay", "tune", "rate", "--resume", ".")
    elif not sure and answer.client_decided:
        yield tune(f"{IDLE_CORES} all runs count, and search again", "rate")
    elif answer.because == "nothing holds":
        yield tune("a looser limit, or find what breaks this one at so low a rate", "curve")
    elif not sure:
        why = "search for longer, or with a coarser --precision, so that the rate is surer"
        yield tune(why, "rate", "--budget", f"{_longer_minutes(answer)}m")
    else:
        yield tune("see what a slower or faster pace for each user gives", "curve")


def _longer_minutes(answer: RateAnswer) -> int:
    """About how long a search takes that is surer: an interval half as wide takes four times the requests, and a run
    that kept the limits in too few must have as many as show it, in half of the time."""
    if answer.rate is not None and answer.enough:
        return math.ceil(max(_LONGER_LEAST * answer.enough / answer.rate, answer.seconds) / 60)
    times = _LONGER
    if answer.rate is not None and answer.low and answer.high is not None:
        times = (math.log(answer.high / answer.low) / narrowest(answer.precision)) ** 2
    return max(1, math.ceil(min(max(times, _LONGER_LEAST), _LONGER) * answer.seconds / 60))


def _wide(answer: RateAnswer) -> bool:
    if answer.rate is None or answer.low is None or answer.high is None:
        return True
    return max(answer.rate - answer.low, answer.high - answer.rate) / answer.rate > 2 * answer.precision


def _after_settings(analysis: CampaignAnalysis, found: Tuned) -> Iterator[str]:
    """What a search for settings left open, and how the best are measured by themselves."""
    if any(group.client_bound for group in analysis.groups):
        yield tune(f"{IDLE_CORES} the tries differ by their settings alone, and search again", "engine")
    best = analysis.folder.best
    if found.outcome in ("better", "default is best") and best.exists():
        why = "measure the best settings by themselves, with all that a run's own page tells"
        yield step(why, "assay", "run", best.name, "--output", "..")
    if found.outcome == "no difference shown" and found.default is not None:
        starts = 2 * found.default.starts
        why = f"{starts} server starts of each finalist instead of {found.default.starts} show a smaller difference"
        yield tune(why, "engine", "--repeats", str(starts))
    if found.outcome == "depends on the pace" and found.front is not None:
        of_pace = best.with_name("best-1.yaml")
        if of_pace.exists():
            why = (
                f"measure by themselves the settings for the pace that your users want, such as {found.front.shown[0]} "
                "(the first lines of each best-*.yaml tell its pace)"
            )
            yield step(why, "assay", "run", of_pace.name, "--output", "..")
    if found.outcome == "answers worse":
        yield tune(f"take what makes answers worse ({found.best}) out of what is tried, and search again", "engine")
    if found.outcome == "not compared":
        yield _not_compared(analysis.state, found)


def _not_compared(state: CampaignState, found: Tuned) -> str:
    """A try that fails leaves nothing to do, but where it left nothing to compare."""
    default = found.default
    if default is None or not (default.reason or default.stage == "final"):
        return step("go on with the search", "assay", "tune", "engine", "--resume", ".")
    again = tune(f"mend what left nothing to compare ({why_not_compared(found)}), and search again", "engine")
    ended = [entry for entry in state.runs if entry.ended]
    return left_over([entry.status for entry in ended], [entry.reason for entry in ended]) or again
