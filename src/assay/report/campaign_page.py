"""The page of a campaign, from its analysis."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from assay.analysis.campaign import CampaignAnalysis, Group
from assay.analysis.client_findings import CLIENT_SHAPED
from assay.analysis.curve import curve_of
from assay.analysis.listing import names, the_same
from assay.analysis.loads import percentile_over
from assay.analysis.measurement_findings import HELD_STREAMS
from assay.analysis.saturation import sweeps
from assay.analysis.scaling import Efficiency
from assay.analysis.streams import HELD
from assay.analysis.titles import benchmark_title
from assay.analysis.verdict import SHORT_RUN, UNFINISHED, random_weights
from assay.analysis.whole_time import whole_time_of_campaign
from assay.benchmarks import UNVERIFIED
from assay.report import format as fmt
from assay.report.again import campaign_again_blocks
from assay.report.became import short_of_plan
from assay.report.campaign_answer import campaign_answer, reason_told
from assay.report.campaign_charts import throughput_chart
from assay.report.campaign_measures import (
    SOURCE,
    accuracy_blocks,
    latency_blocks,
    nodes_blocks,
    scaling_blocks,
    throughput_blocks,
)
from assay.report.campaign_sections import (
    environment_blocks,
    findings_blocks,
    ledger_blocks,
    provenance_blocks,
    run_label,
    runs_blocks,
)
from assay.report.chart import Chart
from assay.report.checklist import checklist_blocks
from assay.report.client import campaign_client_blocks
from assay.report.client_shaped import shaped_runs
from assay.report.colors import Colors
from assay.report.curve import curve_blocks, curve_headlines
from assay.report.engine_tries import CHART as TRIES_CHART
from assay.report.engine_tries import tuned_blocks, tuned_headlines
from assay.report.expenses import campaign_expenses_blocks
from assay.report.findings import grouped, mend
from assay.report.machines import nodes_of
from assay.report.many import ENDS, MOST_ROWS
from assay.report.page import Headline, Page, Problem, Section, VerdictKind, lifted
from assay.report.published import campaign_published_blocks
from assay.report.rate_search import rate_blocks, rate_headlines
from assay.report.run_page import (
    CLIENT_BOUND,
    RANDOM_WEIGHTS,
    SIMULATED,
    headlines,
    latency_cards,
    notice_problems,
    verdict_reasons,
)
from assay.report.run_view import ms
from assay.report.since_last import since_last_blocks
from assay.report.subject import campaign_subject, samples_of, served_on
from assay.report.sweeps import in_flight, load_words
from assay.report.what_next import campaign_next
from assay.report.whole_time import whole_time_blocks
from assay.runs.campaign import RunEntry, campaign_title
from assay.runs.record import RunStatus

_MOST_REASONS = 6
_GATE = re.compile("^accuracy run, ")
_BRACKETED = re.compile(r"^\((.*)\)$")  # what was an aside of the summary stands alone then
# The chart that shows the answer, by what the campaign asked.
_LEADS = (
    "rate_search", "pareto", TRIES_CHART, "scaling_analysis", "load_sweep", "throughput_comparison",
    "accuracy_comparison",
)  # fmt: skip


def campaign_page(analysis: CampaignAnalysis, only: Chart | None = None) -> Page:
    """The report of one campaign. `only` is the picture of its only performance run, if it has but one."""
    colors = Colors(analysis.nodes)
    tuned = analysis.state.kind == "tune-curve"
    comparable = analysis.tuned is None  # tries are shown by their stages, whose runs differ in length
    sections = [
        Section("curve", "Throughput against pace", list(curve_blocks(analysis)) if tuned else []),
        Section("tries", "Settings that were tried", list(tuned_blocks(analysis.tuned, analysis.state.memory_target))),
        Section("rate", "The highest rate within limits", list(rate_blocks(analysis.rate))),
        Section("throughput", "How fast", list(throughput_blocks(analysis, colors)) if comparable else []),
        Section("scaling", "Scaling", list(scaling_blocks(analysis, colors))),
        Section(
            "projection", "How long the whole data set takes",
            list(whole_time_blocks(analysis.projections, whole_time_of_campaign(analysis), SOURCE)),
        ),
        Section("latency", "Latency", list(latency_blocks(analysis, colors))),
        Section(
            "since-last", "Against the last one here",
            list(since_last_blocks(analysis.since_last, analysis.endpoints)),
        ),
        Section("expenses", "Energy and cost", list(campaign_expenses_blocks(analysis))),
        Section("nodes", "Nodes", list(nodes_blocks(analysis))),
        Section("findings", "Findings, and what to try", list(findings_blocks(analysis))),
        Section("submission", "What a submission still lacks", list(checklist_blocks(analysis))),
        Section("accuracy", "Quality of the answers", list(accuracy_blocks(analysis))),
        Section("published", "Published results", list(campaign_published_blocks(analysis))),
        Section("runs", "Runs", list(runs_blocks(analysis))),
        Section("ledger", "Ledger", list(ledger_blocks(analysis))),
        Section("driver", "The load generator", list(campaign_client_blocks(analysis))),
        Section("again", "How to repeat it", list(campaign_again_blocks(analysis))),
        Section("environment", "Environment", list(environment_blocks(analysis))),
        Section("provenance", "Provenance", list(provenance_blocks(analysis))),
    ]  # fmt: skip
    only = only if only is not None and only.panels else None
    lead, sections = lifted(sections, _LEADS if only is None else _LEADS[:-1])  # accuracy stands below speed
    verdict, reasons, kind = _verdict(analysis)
    simulated = analysis.state.simulated or any(line.record.simulated for line in analysis.lines)
    banner = "; ".join(
        [
            *([missing] if analysis.groups and (missing := short_of_plan(analysis)) else []),
            *([] if kind == "valid" and UNVERIFIED not in verdict else [verdict]),
            *([analysis.state.plan_note] if analysis.state.plan_note else []),
            *_client_bound(analysis),
            *([SIMULATED] if simulated else []),
            *([RANDOM_WEIGHTS] if any(random_weights(line.record) for line in analysis.lines) else []),
        ]
    )
    title = benchmark_title(analysis.benchmark, [line.record for line in analysis.lines])
    return Page(
        title=f"{title}: {campaign_title(analysis.state.kind, analysis.state.name)}",
        subject=campaign_subject(analysis),
        what=_what(analysis),
        answer=campaign_answer(analysis),
        next_step=campaign_next(analysis),
        verdict=verdict,
        kind=kind,
        verdict_reasons=reasons,
        headlines=_headlines(analysis),
        problems=_problems(analysis),
        sections=sections,
        lead=lead or only,
        pictures=[throughput_chart(analysis, colors)] if analysis.groups and comparable else [],
        banner=banner,
    )


def _client_bound(analysis: CampaignAnalysis) -> Iterator[str]:
    """That the load generator could have shaped runs, and how many where it isn't all."""
    lines, of = shaped_runs(analysis)
    bound = sum(bool(line.result.latency) for line in lines)
    if bound:
        yield CLIENT_BOUND if bound == of else f"{CLIENT_BOUND} in {bound} of {fmt.count(of, 'run')}"


def _what(analysis: CampaignAnalysis) -> str:
    state, records = analysis.state, [line.record for line in analysis.lines]
    models = sorted({model for record in records for model in record.served_models})
    names = dict.fromkeys(record.dataset_name for record in records)
    data = [samples_of([record for record in records if record.dataset_name == name]) for name in names]
    hardware = nodes_of(line.system for line in analysis.lines)
    ended = sum(entry.status in (RunStatus.COMPLETED, RunStatus.INVALID) for entry in state.runs)
    return (
        f"{served_on(analysis.system, models, hardware)}; {', '.join(data)}; {ended} of "
        f"{fmt.count(len(state.runs), 'planned run')} completed, started {fmt.moment(state.started_utc)}, "
        f"{'ended ' + fmt.moment(state.ended_utc) if state.ended_utc else 'not ended'}."
    )


def _verdict(analysis: CampaignAnalysis) -> tuple[str, list[str], VerdictKind]:
    """The runs' words: once where all agree, else counted. The campaign itself is nothing that MLPerf knows."""
    counted = [line.result for line in analysis.lines if not line.record.planning]
    results = counted or [line.result for line in analysis.lines]
    words = [result.verdict.words for result in results]
    kinds = {result.verdict.valid for result in results}
    kind: VerdictKind = "valid" if kinds == {True} else "none" if any(not r.latency for r in results) else "invalid"
    if kind == "invalid" and any(not result.official for result in results):
        kind = "short"
    if len(set(words)) == 1:
        return words[0], _reasons(analysis), kind
    short = any(not result.official for result in results)
    summary = SHORT_RUN if short else f"{sum(r.verdict.valid for r in results)} of {len(results)} runs are valid"
    # What all have in common is the summary, and isn't counted again.
    own = [_BRACKETED.sub(r"\1", word.removeprefix(summary).lstrip("; ")) for word in words]
    reasons = _reasons(analysis)
    told = [word for word in dict.fromkeys(own) if word and not any(_GATE.sub("", word) in text for text in reasons)]
    return summary, [f"{own.count(word)} of {len(own)} runs: {word}" for word in told] + reasons, kind


def _reasons(analysis: CampaignAnalysis) -> list[str]:
    """Each reason of the runs' verdicts once, with the runs that give it where not all do. What findings tell of the
    runs together isn't told here of each."""
    findings = {finding.title for finding in analysis.findings} | ({CLIENT_SHAPED} if analysis.rate else set())
    titles = (*(title.rstrip(".").lower() for title in findings), *_told_by_rule(analysis))
    found: dict[str, list[str]] = {}
    for line in analysis.lines:
        for reason in dict.fromkeys(verdict_reasons(line.result, reason_told(analysis))):
            if reason.lower().startswith(titles):
                continue
            found.setdefault(reason, []).append(run_label(analysis, line))
    told = [
        reason if len(runs) == len(analysis.lines) else f"{names(runs, '; ')}: {reason}"
        for reason, runs in found.items()
    ]
    if len(told) <= _MOST_REASONS:
        return told
    return [*told[:_MOST_REASONS], f"{len(told) - _MOST_REASONS} more, each on its run's own page"]


def _told_by_rule(analysis: CampaignAnalysis) -> list[str]:
    """How reasons begin whose findings have other titles: they count answers, which in no two runs are as many."""
    return [HELD.lower()] if any(finding.rule == HELD_STREAMS for finding in analysis.findings) else []


def _headlines(analysis: CampaignAnalysis) -> list[Headline]:
    """With a scaling comparison or a search its numbers, else every group's rate, in order; of many, their table says
    how."""
    if analysis.rate is not None:
        return rate_headlines(analysis.rate)
    scaling = analysis.scaling
    if scaling is not None and scaling.groups[-1].efficiency is not None:
        return _scaling_headlines(scaling.groups[-1])
    if len(analysis.groups) == 1 and len(analysis.groups[0].lines) == 1:
        return headlines(analysis.groups[0].first.result)
    if len(analysis.groups) == 1:
        return _repeats_headlines(analysis.groups[0])
    if analysis.state.kind == "tune-curve" and (curve := curve_of(analysis.groups)) is not None:
        return curve_headlines(curve, in_flight(analysis.groups))
    if analysis.tuned is not None:
        return tuned_headlines(analysis.tuned)
    groups = analysis.groups
    if len(groups) > MOST_ROWS:
        return []
    swept = {group.key: load_words(load) for points in sweeps(groups) for load, group in points}
    if len(set(swept.values())) < len(swept):  # the same loads on other nodes, say
        swept = {}
    places = {key: place for place, key in enumerate(swept)}  # loads in their order, then what has none
    ordered = sorted(groups, key=lambda group: places.get(group.key, len(places)))
    return [_rate_headline(swept.get(group.key) or analysis.name(group.first.entry), group) for group in ordered]


def _scaling_headlines(group: Efficiency) -> list[Headline]:
    return [
        Headline(
            f"{len(group.nodes)} nodes together", fmt.number(group.rate),
            fmt.interval(group.rate_low, group.rate_high), SOURCE, "output tokens/s",
        ),
        Headline(
            "Efficiency", fmt.percent(group.efficiency), _share_interval(group.low, group.high),
            fmt.beside("combined output tokens/s / sum of the same nodes alone", "; ".join(group.unanswered)),
        ),
        Headline(
            f"Against {group.best_alone} alone", fmt.times(group.speedup, None, None),
            _times_interval(group.speedup_low, group.speedup_high),
            "combined output tokens/s / that of the best node alone",
        ),
    ]  # fmt: skip


def _times_interval(low: float | None, high: float | None) -> str:
    """With the digits that the ratio itself has."""
    return (
        fmt.interval(None, None)
        if low is None or high is None
        else f"95 %: {fmt.number(low, 3)} to {fmt.number(high, 3)}"
    )


def _share_interval(low: float | None, high: float | None) -> str:
    return fmt.interval(None, None) if low is None or high is None else f"95 %: {100 * low:.1f} to {100 * high:.1f} %"


def _repeats_headlines(group: Group) -> list[Headline]:
    """What one run's page shows, over all repeats of the only load."""
    results = [line.result for line in group.lines]
    of = f", mean of {len(results)} runs"
    cards = [_rate_headline(f"Throughput{of}", group)]
    for name, key, share in latency_cards(group.first.entry.scenario):
        value = percentile_over(results, key, share)
        if value is not None:
            interval = fmt.interval(ms(value.low), ms(value.high), "ms")
            cards.append(Headline(f"{name}{of}", fmt.ms(value.value), interval, SOURCE, "ms"))
    return cards


def _rate_headline(name: str, group: Group) -> Headline:
    rate, unit = group.tokens_per_s, "output tokens/s"
    if not rate.value > 0:
        rate, unit = group.samples_per_s, "samples/s"
    interval = fmt.beside(fmt.interval(rate.low, rate.high), group.unanswered)
    return Headline(name, fmt.number(rate.value), interval, SOURCE, unit)


def _unfinished(analysis: CampaignAnalysis) -> Iterator[Problem]:
    """Runs that aren't complete, by how they ended; not the only one where the answer says all that is known of it."""
    kinds: dict[str, list[RunEntry]] = {}
    told = reason_told(analysis)
    ended_so = [e for e in analysis.state.runs if e.status not in (None, RunStatus.COMPLETED) and not e.may_fail]
    if told and len(ended_so) == 1 and ended_so[0].reason.partition("\n")[0] == told:
        return
    for entry in ended_so:
        kinds.setdefault(str(entry.status), []).append(entry)
    for status, entries in kinds.items():
        titles = [analysis.titles[entry.key] for entry in entries]
        ended = next((f" {words}" for own, words in UNFINISHED.items() if own == status), f": {status}")
        problems = [
            Problem("error", f"{title}{ended}.", "" if (reason := e.reason.partition("\n")[0]) == told else reason)
            for title, e in zip(titles, entries, strict=True)
        ]
        yield from _told_once(problems, titles)


def _told_once(alike: list[Problem], subjects: list[str]) -> list[Problem]:
    """All, or the first with the names of the others where they are more than a screen of the same."""
    if len(alike) <= ENDS:
        return alike
    return [replace(alike[0], title=the_same(alike[0].title, subjects[1:]))]


def _problems(analysis: CampaignAnalysis) -> list[Problem]:
    problems = list(_unfinished(analysis))
    problems += [Problem("error", "The campaign isn't as it was closed.", d) for d in analysis.manifest.differences]
    left = [e for e in analysis.state.runs if e.status is None]
    if left:
        problems.append(Problem("warning", f"{len(left)} planned runs have not been carried out."))
    left_out = [Problem("error", f"Node {n} was left out.", why) for n, why in sorted(analysis.state.left_out.items())]
    problems += _told_once(left_out, sorted(analysis.state.left_out))
    if analysis.why_no_scaling and analysis.state.kind == "scaling":
        problems.append(Problem("warning", "Scaling efficiency is not measured.", analysis.why_no_scaling))
    for alike in grouped(analysis.findings):
        first, more = alike[0], len(alike) - 1
        also = f" (and in {fmt.count(more, 'more run')})" if more else ""
        problems.append(Problem(first.severity, first.title, f"{first.evidence[0].figure}{also}.", mend(first)))
    problems += notice_problems(notice for line in analysis.lines for notice in line.result.notices)
    order = {"error": 0, "warning": 1, "note": 2}
    return sorted(problems, key=lambda problem: order[problem.severity])
