"""What a campaign's page says first: the sentences that answer what the campaign was made for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assay.analysis.campaign import CampaignAnalysis, Group, load_of
from assay.analysis.curve import curve_of
from assay.analysis.listing import names
from assay.analysis.offered import outran
from assay.analysis.saturation import sweeps
from assay.analysis.scaling import Efficiency
from assay.analysis.statistics import ratio
from assay.analysis.verdict import UNFINISHED
from assay.analysis.whole_time import TOO_SHORT, WholeTime, whole_time_of_campaign
from assay.report import format as fmt
from assay.report.accuracy import percentages, score_words
from assay.report.arrivals import TOO_MANY, by_chance
from assay.report.became import became, short_of_plan, unended
from assay.report.client_shaped import client_shaped_words
from assay.report.curve import curve_answer
from assay.report.engine_tries import tuned_answer
from assay.report.enough_samples import samples_it_takes
from assay.report.lacking import lacking_sentence
from assay.report.limits import UNSHOWN, held_if_known, held_limits, kept_words, never_shown
from assay.report.loaded_answer import by_latency, latency_words, rate_words, tail_words, valid_words
from assay.report.rate_search import rate_sentences
from assay.report.run_answer import ended, slow_nodes, speed
from assay.report.since_last import since_last_words
from assay.report.sweep_answer import sweep_answer
from assay.report.sweeps import in_flight, saturation_words
from assay.report.whole_time import whole_time_words
from assay.runs.campaign import RunEntry

_MOST_SENTENCES = 3


def campaign_answer(analysis: CampaignAnalysis) -> list[str]:
    """The sentences, the most wanted first: where there is a number, how many runs lack in it comes before it."""
    said, short = _answer(analysis), short_of_plan(analysis)
    if not short or reason_told(analysis):
        return said
    first, *more = said
    return [f"{short}. {first}", *unended(analysis), *more]


def _answer(analysis: CampaignAnalysis) -> list[str]:
    """What was learnt from the runs that have a result."""
    all_of_them = [*_whole_set(analysis), *became(analysis)]
    if analysis.tuned is not None:
        best, *beside = tuned_answer(analysis.tuned)
        return [best, *client_shaped_words(analysis), *beside, *all_of_them]
    if analysis.rate is not None:
        return [*rate_sentences(analysis.rate), *all_of_them]
    if not analysis.groups:
        return [*(_scores(analysis) or _why_nothing(analysis)), *all_of_them]
    said = _scaled(analysis) if analysis.state.kind == "scaling" or analysis.scaling is not None else []
    if analysis.state.kind == "tune-curve":
        said = _curve(analysis)
    slow = _slow(analysis)
    if analysis.scaling is not None and not slow:
        slow = list(_apart(analysis.groups))
    last = [since_last_words(analysis.since_last, analysis.endpoints)] if analysis.since_last is not None else []
    several = len(analysis.lines) > 1  # a campaign's only run says it beside its rate
    lacking = lacking_sentence(analysis) if several else ()
    said = [*(said or _rates(analysis)), *lacking, *client_shaped_words(analysis), *slow]
    return [*said, *_scores(analysis), *all_of_them, *last]


def reason_told(analysis: CampaignAnalysis) -> str:
    """The reason that the answer gives for there being no number; it needn't be told again. Empty: it gives none."""
    if analysis.groups or _scores(analysis):
        return ""
    return next((entry.reason.splitlines()[0] for entry in analysis.state.runs if entry.reason), "")


def _why_nothing(analysis: CampaignAnalysis) -> Iterator[str]:
    """Why there is no number: the first reason that a run gives, and when that run ended."""
    failed = [entry for entry in analysis.state.runs if entry.reason]
    if not failed:
        yield "There is no result: no performance run has a rate."
        return
    first = failed[0]
    others = f" (and {fmt.count(len(failed) - 1, 'more run')})" if len(failed) > 1 else ""
    reason = reason_told(analysis).rstrip(".")
    ended_so = UNFINISHED.get(first.status, first.status) if first.status else "isn't over"
    yield f"There is no result: {analysis.titles[first.key]} {ended_so}{others}: {reason}."
    yield from (words for line in analysis.lines if line.entry.key == first.key for words in ended(line.record))


def _scaled(analysis: CampaignAnalysis) -> list[str]:
    """The largest group of nodes against the sum of its members."""
    if analysis.scaling is None:
        why = analysis.why_no_scaling or f"not measured: no nodes were run together{_left_out(analysis)}"
        return [f"Scaling efficiency is {why}.", *_rates(analysis)]
    group = max(analysis.scaling.groups, key=lambda own: len(own.nodes))
    return [f"{_together(group)} {_of_the_sum(group)}.", *(f"{words}." for words in group.unanswered)]


def _left_out(analysis: CampaignAnalysis) -> str:
    """Which nodes couldn't be run; why is what their own runs say."""
    gone = sorted(analysis.state.left_out)
    return f", because {names(gone)} {'was' if len(gone) == 1 else 'were'} left out" if gone else ""


def _curve(analysis: CampaignAnalysis) -> list[str]:
    """The highest load within the limits, where there are any, throughput against pace, and whose shape it has."""
    note = analysis.state.plan_note
    noted = [f"{note[:1].upper()}{note[1:]}."] if note else []
    curve = curve_of(analysis.groups)
    if curve is None:
        why = "There is no curve: fewer than two numbers in flight have both tokens/s and a pace."
        return [why, *_rates(analysis), *noted]
    points = in_flight(analysis.groups)
    limits = held_limits(analysis.benchmark, points[0][1].first.record)
    within = sweep_answer(analysis.benchmark, points, analysis.state.kind) if limits else ()
    return [*within, *curve_answer(curve, points), *noted]


def _rates(analysis: CampaignAnalysis) -> list[str]:
    """One sentence for all loads that can be put in order, and one for each other group unless they are many."""
    ordered = sweeps(analysis.groups)
    swept = {group.key for points in ordered for _, group in points}
    others = [group for group in analysis.groups if group.key not in swept]
    said: list[str] = []
    for points in ordered:
        fastest, *within = sweep_answer(analysis.benchmark, points, analysis.state.kind)
        said += [fastest, saturation_words(points), *within]
    if len(analysis.groups) == 1 and len(others[0].lines) == 1:
        return _only_run(analysis, others[0])
    if len(others) <= _MOST_SENTENCES:
        return said + [words for group in others for words in _rate(analysis, group)]
    best = max(others, key=lambda group: group.samples_per_s.value)
    name = analysis.name(best.first.entry)
    return [*said, f"The highest rate of {len(others)} loads came at {name}: {rate_words(best)}; {tail_words(best)}."]


def _together(group: Efficiency) -> str:
    rate = fmt.rate(group.rate, "output tokens/s", group.rate_low, group.rate_high)
    return f"{len(group.nodes)} nodes together: {rate},"


def _of_the_sum(group: Efficiency) -> str:
    if group.efficiency is None:
        return f"efficiency not measured: no baseline of {names(group.missing)}"
    speedup = fmt.times(group.speedup, group.speedup_low, group.speedup_high)
    undecided = group.low is not None and group.high is not None and group.low <= 1 <= group.high
    no_loss = ", which shows neither loss nor gain (the interval holds 100 %)," if undecided else ""
    return (
        f"{fmt.share(group.efficiency, group.low, group.high)} of the sum of what they do alone{no_loss} and {speedup} "
        f"what {group.best_alone} does alone"
    )


def _apart(groups: Sequence[Group]) -> Iterator[str]:
    """The slowest node alone against the fastest; the confidence is divided among all pairs (Bonferroni)."""
    alone = [own for own in groups if len(own.first.entry.nodes) == 1 and own.first.entry.window is None]
    known = sorted((g for g in alone if g.tokens_per_s.value > 0), key=lambda g: g.tokens_per_s.value)
    if len(known) < 2:
        return
    slow, fast = known[0], known[-1]
    against = ratio(slow.tokens_per_s, fast.tokens_per_s)
    bounds = against.interval_at(1 - 0.05 / (len(known) * (len(known) - 1) / 2))
    names = slow.first.entry.nodes[0], fast.first.entry.nodes[0]
    if bounds is not None and bounds[1] < 1:
        yield f"Alone, {names[0]} is {fmt.times(against.value, *bounds)} as fast as {names[1]}."
    elif bounds is not None:
        ratios = fmt.times(against.value, *bounds)
        yield f"Alone, the nodes show no difference in speed ({names[0]} / {names[1]}: {ratios})."


def _only_run(analysis: CampaignAnalysis, group: Group) -> list[str]:
    """What the page of a campaign's only measured run says first, and its verdict."""
    record, result = group.first.record, group.first.result
    judged = f"; {result.verdict.words}" if result.official else ""
    where = names(record.nodes) if _some_nodes(analysis) else ""
    first, *more = speed(record, result, analysis.benchmark, where, _came(group))
    return [f"{first}{judged}.", *(f"{words}." for words in more)]


def _some_nodes(analysis: CampaignAnalysis) -> bool:
    """Whether runs were planned on others of the nodes too: a number is then one of those that are named."""
    return len({tuple(entry.nodes) for entry in analysis.state.runs}) > 1


def _rate(analysis: CampaignAnalysis, group: Group) -> list[str]:
    """A group's rate, or its latencies where the rate was given; how often it was run, and what was judged."""
    entry = group.first.entry
    verdicts = list(dict.fromkeys(line.result.verdict.words for line in group.lines))
    name = analysis.name(entry) if len(analysis.groups) > 1 else _alone(entry)
    judged = f"; {verdicts[0]}" if len(verdicts) == 1 and group.first.result.official else ""
    repeats = f", mean of {len(group.lines)} runs" if len(group.lines) > 1 else ""
    rate = f"{rate_words(group)}{_came(group)}{repeats}"
    if not by_latency(group):
        return [f"{name}: {rate}{judged}."]
    valid = "" if judged else _beside(valid_words(group))
    latencies = latency_words(group, analysis.benchmark)
    results, limits = [line.result for line in group.lines], held_limits(analysis.benchmark, group.first.record)
    if not limits or entry.scenario == "SingleStream":
        return [f"{name}: {latencies}; {rate}{valid}{judged}."]
    load = name if len(analysis.groups) > 1 else ""
    few = [f"{samples_it_takes(results, limits, load)}."] if held_if_known(results, limits) == UNSHOWN else []
    if len(results) > 1:  # each latency says in how many of them it keeps its limit
        return [f"{name}: {latencies}{_beside(never_shown(results, limits))}.", f"{name}: {rate}{valid}{judged}.", *few]
    kept = _beside(kept_words(results[0], limits))
    return [f"{name}: {rate}{kept}{valid}{judged}.", f"{name}: {latencies}.", *few]


def _beside(words: str) -> str:
    return f"; {words}" if words else ""


def _alone(entry: RunEntry) -> str:
    """What the only load of a campaign is called: such as "1 node, 8 in flight", or "1 node, Server"."""
    if not entry.nodes:
        return entry.scenario
    on = fmt.count(len(entry.nodes), "node")
    if entry.shape is not None:
        return f"{on}, {entry.shape.title}"
    return on if entry.scenario == "Offline" else f"{on}, {entry.scenario}"


def _came(group: Group) -> str:
    """How many really arrived, where a rate was asked for: too many, or by a short load's chance more or fewer."""
    asked, came = load_of(group.first.entry), [line.offered.per_s for line in group.lines if line.offered is not None]
    if asked is None or asked.axis != "rate" or len(came) < len(group.lines):
        return ""
    mean = sum(came) / len(came)
    too_many = all(outran(line.offered, line.samples_per_s) for line in group.lines)
    shown = too_many and not group.unanswered and not group.client_bound
    why = TOO_MANY if shown else by_chance(group.first.record, asked.value, mean)
    return f", of {asked.value:g} asked for and {fmt.number(mean)} that arrived a second{why}"


def _slow(analysis: CampaignAnalysis) -> list[str]:
    """Of the first run on the most nodes that shows it: which are slower, and why as far as it is known."""
    runs = [line.nodes for line in analysis.lines if line.nodes is not None and line.entry.mode == "performance"]
    most = max((len(run.nodes) for run in runs), default=0)
    together = [run for run in runs if len(run.nodes) == most > 1]
    shown = [words for run in together for words in slow_nodes(run)]
    if len(together) == 1:
        return [f"In the run together, {words}" for words in shown]
    return [
        f"In {len(shown)} of {len(together)} runs together a node is slower; in the first of these {words}"
        for words in shown[:1]
    ]


def _scores(analysis: CampaignAnalysis) -> list[str]:
    """The quality gate, once where all scored runs agree, and the first score of each run that it is of."""
    scored = {
        analysis.titles[line.entry.key]: accuracy
        for line in analysis.lines
        if (accuracy := line.result.accuracy) is not None
    }
    gates = [accuracy.gate for accuracy in scored.values()]
    said = []
    for gate in dict.fromkeys(gates):
        which = f" in {gates.count(gate)} of {len(gates)} runs" if gates.count(gate) < len(gates) else ""
        first = [
            f"{f'{name} ' if len(scored) > 1 else ''}{score_words(*score, analysis.benchmark)}"
            for name, accuracy in scored.items()
            for score in list(percentages(accuracy).items())[:1]
            if accuracy.gate == gate
        ]
        said.append("; ".join([f"Quality gate{which}: {gate}", *([names(first)] if first else [])]) + ".")
    return said


def _whole_set(analysis: CampaignAnalysis) -> list[str]:
    """How long the whole data set would take where it takes least, and why that isn't known."""
    found = whole_time_of_campaign(analysis)
    which = ""
    if found.projection is not None and _some_nodes(analysis):
        which = f" on {found.projection.name}"
    elif found.projection is not None and len(analysis.groups) > 1:  # of others that are too short there is none
        which = f" with {found.projection.name}"
    return [*whole_time_words(found, which), *_not_projected(analysis, found)]


def _not_projected(analysis: CampaignAnalysis, found: WholeTime) -> Iterator[str]:
    """That Offline, where it was measured too, was too short to say it; the time told is another load's."""
    projected = {one.name for one in analysis.projections}
    offline = [line for group in analysis.groups for line in group.lines if line.entry.scenario == "Offline"]
    short = any(line.course is None for line in offline)
    if found.projection is not None and projected == {"SingleStream"} and short:
        yield f"How long they take with Offline isn't known: {TOO_SHORT}."
