"""The page of a campaign, from its analysis."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from assay.analysis.campaign import CampaignAnalysis
from assay.analysis.titles import benchmark_title
from assay.analysis.verdict import SHORT_RUN
from assay.benchmarks import UNVERIFIED
from assay.report import format as fmt
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
    runs_blocks,
)
from assay.report.chart import Colors
from assay.report.findings import shown_findings
from assay.report.many import ENDS, the_same
from assay.report.page import Headline, Page, Problem, Section, VerdictKind
from assay.report.published import campaign_published_blocks
from assay.report.run_measures import projection_blocks
from assay.report.run_page import notice_problems
from assay.runs.campaign import RunEntry
from assay.runs.record import RunStatus


def campaign_page(analysis: CampaignAnalysis) -> Page:
    """The report of one campaign."""
    colors = Colors(analysis.nodes)
    any_offline = any(group.first.entry.scenario == "Offline" for group in analysis.groups)
    sections = [
        Section("environment", "Environment", list(environment_blocks(analysis))),
        Section("runs", "Runs", list(runs_blocks(analysis))),
        Section("ledger", "Ledger", list(ledger_blocks(analysis))),
        Section("throughput", "Throughput", list(throughput_blocks(analysis, colors))),
        Section("scaling", "Scaling", list(scaling_blocks(analysis, colors))),
        Section("nodes", "Nodes", list(nodes_blocks(analysis))),
        Section("latency", "Latency", list(latency_blocks(analysis, colors))),
        Section("accuracy", "Accuracy", list(accuracy_blocks(analysis))),
        Section("published", "Published results", list(campaign_published_blocks(analysis))),
        Section("findings", "Findings", list(findings_blocks(analysis))),
        Section("projection", "Projection", list(projection_blocks(analysis.projections, SOURCE, any_offline))),
        Section("provenance", "Provenance", list(provenance_blocks(analysis))),
    ]
    verdict, reasons, kind = _verdict(analysis)
    simulated = analysis.state.simulated or any(line.record.simulated for line in analysis.lines)
    banner = "; ".join(
        [
            *([] if kind == "valid" and UNVERIFIED not in verdict else [verdict]),
            *(["simulated endpoints"] if simulated else []),
        ]
    )
    title = benchmark_title(analysis.benchmark, [line.record for line in analysis.lines])
    return Page(
        title=f"{title}: {analysis.state.kind} campaign {analysis.state.name}".rstrip(),
        what=_what(analysis),
        verdict=verdict,
        kind=kind,
        verdict_reasons=reasons,
        headlines=_headlines(analysis),
        problems=_problems(analysis),
        sections=[section for section in sections if section.blocks],
        banner=banner,
    )


def _what(analysis: CampaignAnalysis) -> str:
    state, lines = analysis.state, analysis.lines
    models = sorted({model for line in lines for model in line.record.served_models})
    ended = sum(entry.status in (RunStatus.COMPLETED, RunStatus.INVALID) for entry in state.runs)
    nodes = analysis.nodes
    return (
        f"{', '.join(models)} on {len(nodes)} node{'s' * (len(nodes) != 1)}; {ended} of {len(state.runs)} planned runs "
        f"completed, started {state.started_utc}, {'ended ' + state.ended_utc if state.ended_utc else 'not ended'}."
    )


def _verdict(analysis: CampaignAnalysis) -> tuple[str, list[str], VerdictKind]:
    """The runs' words: once where all agree, else counted. The campaign itself is nothing that MLPerf knows."""
    results = [line.result for line in analysis.lines]
    words = [result.verdict.words for result in results]
    kinds = {result.verdict.valid for result in results}
    kind: VerdictKind = "valid" if kinds == {True} else "none" if any(not r.latency for r in results) else "invalid"
    if kind == "invalid" and any(not result.official for result in results):
        kind = "short"
    if len(set(words)) == 1:
        return words[0], [], kind
    short = any(not result.official for result in results)
    summary = SHORT_RUN if short else f"{sum(r.verdict.valid for r in results)} of {len(results)} runs are valid"
    return summary, [f"{words.count(word)} of {len(words)} runs: {word}" for word in dict.fromkeys(words)], kind


def _headlines(analysis: CampaignAnalysis) -> list[Headline]:
    """With a scaling comparison its numbers, else the first three groups' rates."""
    scaling = analysis.scaling
    if scaling is not None and scaling.groups[-1].efficiency is not None:
        group = scaling.groups[-1]
        name = f"{len(group.nodes)} nodes together"
        return [
            Headline(
                f"Output tokens/s, {name}", fmt.number(group.rate), fmt.interval(group.rate_low, group.rate_high),
                SOURCE,
            ),
            Headline(
                "Efficiency", fmt.number(group.efficiency), fmt.interval(group.low, group.high),
                fmt.beside("combined output tokens/s / sum of the same nodes alone", "; ".join(group.unanswered)),
            ),
            Headline(
                f"Against {group.best_alone} alone", fmt.number(group.speedup),
                fmt.interval(group.speedup_low, group.speedup_high),
                "combined output tokens/s / that of the best node alone",
            ),
        ]  # fmt: skip
    found = []
    for group_ in analysis.groups[:3]:
        rate = group_.samples_per_s
        name = f"{analysis.name(group_.first.entry)}: samples/s"
        interval = fmt.beside(fmt.interval(rate.low, rate.high), group_.unanswered)
        found.append(Headline(name, fmt.number(rate.value), interval, SOURCE))
    return found


def _unfinished(analysis: CampaignAnalysis) -> Iterator[Problem]:
    """Runs that aren't complete, by how they ended."""
    kinds: dict[str, list[RunEntry]] = {}
    for entry in analysis.state.runs:
        if entry.status not in (None, RunStatus.COMPLETED):
            kinds.setdefault(str(entry.status), []).append(entry)
    for status, entries in kinds.items():
        names = [f"{analysis.name(entry)}, repeat {entry.repeat}" for entry in entries]
        problems = [Problem("error", f"{name}: {status}.", e.reason) for name, e in zip(names, entries, strict=True)]
        yield from _told_once(problems, names)


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
    found: dict[tuple[str, str], list[str]] = {}
    for finding in shown_findings(analysis.findings):
        found.setdefault((finding.severity, finding.title), []).append(finding.evidence[0].figure)
    for (severity, title), figures in found.items():
        more = f" (and in {len(figures) - 1} more runs)" if len(figures) > 1 else ""
        kind = {"error": "error", "warning": "warning"}.get(severity, "note")
        problems.append(Problem(kind, title, f"{figures[0]}{more}."))  # type: ignore[arg-type]
    problems += notice_problems(notice for line in analysis.lines for notice in line.result.notices)
    order = {"error": 0, "warning": 1, "note": 2}
    return sorted(problems, key=lambda problem: order[problem.severity])
