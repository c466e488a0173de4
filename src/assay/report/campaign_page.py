"""The page of a campaign, from its analysis."""

from __future__ import annotations

from collections.abc import Iterator

from assay.analysis.campaign import CampaignAnalysis, RunLine
from assay.analysis.verdict import SHORT_RUN
from assay.report import format as fmt
from assay.report.accuracy import accuracy_charts, percentages, score_text
from assay.report.campaign_charts import latency_chart, scaling_chart, sweep_chart, throughput_chart
from assay.report.chart import Colors
from assay.report.environment import endpoint_tables, system_tables
from assay.report.page import Block, Headline, Page, Problem, Rows, Section, Table, Text, VerdictKind
from assay.report.run_measures import projection_blocks
from assay.report.run_page import notice_problems
from assay.runs.record import RunStatus

_SOURCE = "runs/*/requests.parquet"


def campaign_page(analysis: CampaignAnalysis) -> Page:
    """The report of one campaign."""
    colors = Colors(analysis.nodes)
    any_offline = any(group.first.entry.scenario == "Offline" for group in analysis.groups)
    sections = [
        Section("environment", "Environment", list(_environment(analysis))),
        Section("runs", "Runs", list(_runs(analysis))),
        Section("ledger", "Ledger", list(_ledger(analysis))),
        Section("throughput", "Throughput", list(_throughput(analysis, colors))),
        Section("scaling", "Scaling", list(_scaling(analysis, colors))),
        Section("nodes", "Nodes", list(_nodes(analysis))),
        Section("latency", "Latency", list(_latency(analysis, colors))),
        Section("accuracy", "Accuracy", list(_accuracy(analysis))),
        Section("findings", "Findings", list(_findings(analysis))),
        Section("projection", "Projection", list(projection_blocks(analysis.projections, _SOURCE, any_offline))),
        Section("provenance", "Provenance", list(_provenance(analysis))),
    ]
    verdict, reasons, kind = _verdict(analysis)
    simulated = analysis.state.simulated or any(line.record.simulated for line in analysis.lines)
    banner = "; ".join([*([] if kind == "valid" else [verdict]), *(["simulated endpoints"] if simulated else [])])
    return Page(
        title=f"{analysis.benchmark.title}: {analysis.state.kind} campaign {analysis.state.name}".rstrip(),
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
    models = sorted({line.record.model for line in lines})
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
                _SOURCE,
            ),
            Headline(
                "Efficiency", fmt.number(group.efficiency), fmt.interval(group.low, group.high),
                "combined output tokens/s / sum of the same nodes alone",
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
        found.append(Headline(name, fmt.number(rate.value), fmt.interval(rate.low, rate.high), _SOURCE))
    return found


def _problems(analysis: CampaignAnalysis) -> list[Problem]:
    problems = [
        Problem("error", f"{analysis.name(e)}, repeat {e.repeat}: {e.status}.", e.reason)
        for e in analysis.state.runs
        if e.status not in (None, RunStatus.COMPLETED)
    ]
    left = [e for e in analysis.state.runs if e.status is None]
    if left:
        problems.append(Problem("warning", f"{len(left)} planned runs have not been carried out."))
    problems += [Problem("error", f"Node {n} was left out.", why) for n, why in sorted(analysis.state.left_out.items())]
    if analysis.why_no_scaling and analysis.state.kind == "scaling":
        problems.append(Problem("warning", "Scaling efficiency is not measured.", analysis.why_no_scaling))
    found: dict[tuple[str, str], list[str]] = {}
    for finding in analysis.findings:
        found.setdefault((finding.severity, finding.title), []).append(finding.evidence[0].figure)
    for (severity, title), figures in found.items():
        more = f" (and in {len(figures) - 1} more runs)" if len(figures) > 1 else ""
        kind = {"error": "error", "warning": "warning"}.get(severity, "note")
        problems.append(Problem(kind, title, f"{figures[0]}{more}."))  # type: ignore[arg-type]
    problems += notice_problems(notice for line in analysis.lines for notice in line.result.notices)
    order = {"error": 0, "warning": 1, "note": 2}
    return sorted(problems, key=lambda problem: order[problem.severity])


def _environment(analysis: CampaignAnalysis) -> Iterator[Block]:
    """All endpoints that a run used; nodes and software as the last run that knew them has them."""
    endpoints = {endpoint.name: endpoint for line in analysis.lines for endpoint in line.record.endpoints}
    yield from endpoint_tables(list(endpoints.values()))
    nodes = {
        str(node.get("name")): node
        for line in analysis.lines
        for node in line.system.get("nodes", [])
        if isinstance(node, dict)
    }
    last = analysis.lines[-1].system
    if last or nodes:
        yield from system_tables({**last, "nodes": list(nodes.values())})


def _runs(analysis: CampaignAnalysis) -> Iterator[Block]:
    lines = {line.entry.key: line for line in analysis.lines}
    rows: Rows = []
    for entry in analysis.state.runs:
        line = lines.get(entry.key)
        figures = line.result.figures if line and entry.mode == "performance" else {}
        rows.append(
            (
                analysis.name(entry), entry.mode, str(entry.repeat), str(entry.status or "not started"),
                line.result.verdict.words if line else "", fmt.figure(figures.get("samples_per_s")),
                fmt.figure(figures.get("output_tokens_per_s")), entry.run or "",
            )
        )  # fmt: skip
    columns = ("Run", "Mode", "Repeat", "Status", "Verdict", "Samples/s", "Output tokens/s", "Folder")
    reports = {e.run: f"runs/{e.run}/report.html" for e in analysis.state.runs if e.run is not None and e.key in lines}
    yield Table(
        "Planned runs and how they went", columns, rows, frozenset({2, 5, 6}), "campaign.json, runs/*", reports
    )  # fmt: skip


def _ledger(analysis: CampaignAnalysis) -> Iterator[Block]:
    rows: Rows = []
    for line in analysis.lines:
        ledger = line.ledger
        if ledger is None:
            rows.append((_label(analysis, line), *["unknown"] * 6))
        else:
            counts = (ledger.issued, ledger.completed, ledger.failed, ledger.lost, ledger.resent)
            rows.append((_label(analysis, line), *map(fmt.number, counts), "yes" if ledger.balanced else "no"))
    columns = ("Run", "Issued", "Completed", "Failed", "Lost", "Re-sent", "Balanced")
    yield Table("Where every sample went", columns, rows, frozenset(range(1, 6)), "runs/*/ledger.json")


def _label(analysis: CampaignAnalysis, line: RunLine) -> str:
    return f"{analysis.name(line.entry)}, {line.entry.mode}, repeat {line.entry.repeat}"


def _throughput(analysis: CampaignAnalysis, colors: Colors) -> Iterator[Block]:
    if not analysis.groups:
        return
    rows: Rows = []
    for group in analysis.groups:
        samples, tokens = group.samples_per_s, group.tokens_per_s
        rows.append(
            (
                analysis.name(group.first.entry), fmt.number(len(group.lines)),
                fmt.with_interval(samples.value, samples.low, samples.high),
                fmt.with_interval(tokens.value, tokens.low, tokens.high),
                "between repeats" if len(group.lines) >= 3 else "within the run",
            )
        )  # fmt: skip
    columns = ("Run", "Repeats", "Samples/s", "Output tokens/s", "Interval from the spread")
    yield Table("Mean over repeats, with 95 % intervals", columns, rows, frozenset({1, 2, 3}), _SOURCE)
    yield throughput_chart(analysis, colors)
    sweep = sweep_chart(analysis)
    if sweep is not None:
        yield sweep


def _scaling(analysis: CampaignAnalysis, colors: Colors) -> Iterator[Block]:
    scaling = analysis.scaling
    if scaling is None:
        if analysis.why_no_scaling:
            yield Text(f"Scaling efficiency: {analysis.why_no_scaling}.")
        return
    rows: Rows = [
        (
            " + ".join(g.nodes), fmt.number(g.repeats), fmt.with_interval(g.rate, g.rate_low, g.rate_high),
            fmt.with_interval(g.sum_alone, g.sum_low, g.sum_high)
            if g.sum_alone is not None else f"not measured: no baseline of {', '.join(g.missing)}",
            fmt.with_interval(g.efficiency, g.low, g.high),
            f"{fmt.with_interval(g.speedup, g.speedup_low, g.speedup_high)} ({g.best_alone})"
            if g.speedup else fmt.NOT_MEASURED,
        )
        for g in scaling.groups
    ]  # fmt: skip
    columns = (
        "Nodes",
        "Repeats",
        "Output tokens/s together",
        "Sum of the nodes alone",
        "Efficiency",
        "Against the best alone",
    )
    yield Table("Scaling efficiency", columns, rows, frozenset({1, 2, 3, 4, 5}), _SOURCE)
    rows = [(node, fmt.with_interval(*rate)) for node, rate in scaling.alone.items()]
    yield Table("Measured baselines: each node alone", ("Node", "Output tokens/s"), rows, frozenset({1}), _SOURCE)
    yield Text(
        "Efficiency = combined output tokens/s / sum of the measured single-node output tokens/s; same samples, model "
        "and settings. Two rates differ only if the interval of their ratio excludes 1."
    )
    fit = scaling.fit
    if fit is not None:
        coherency = (
            "" if fit.coherency is None or fit.coherency_low is None or fit.coherency_high is None
            else f"; coherency {fit.coherency:.4f} ({fit.coherency_low:.4f} to {fit.coherency_high:.4f})"
        )  # fmt: skip
        yield Text(
            f"{fit.law}, fitted to {len(fit.sizes)} numbers of nodes ({', '.join(map(str, fit.sizes))}): contention "
            f"{fit.contention:.4f} (95 %: {fit.contention_low:.4f} to {fit.contention_high:.4f}){coherency}. Beyond "
            f"{max(fit.sizes)} nodes the curve is a prediction, not a measurement."
        )
    else:
        yield Text(f"No law of scaling is fitted: {scaling.why_no_fit}.")
    yield scaling_chart(scaling, colors)


def _nodes(analysis: CampaignAnalysis) -> Iterator[Block]:
    """Shares and idle tails of the runs on several nodes."""
    rows: Rows = [
        (
            _label(analysis, line), fact.node, fmt.number(fact.samples), fmt.percent(fact.share),
            fmt.with_interval(fact.tokens_per_s, fact.tokens_low, fact.tokens_high), f"{fact.idle_tail_s:.2f}",
        )
        for line in analysis.lines
        if line.nodes is not None and len(line.nodes.nodes) > 1 and line.entry.mode == "performance"
        for fact in line.nodes.nodes
    ]  # fmt: skip
    if rows:
        columns = ("Run", "Node", "Samples", "Share", "Output tokens/s", "Idle at the end (s)")
        yield Table("Nodes in runs together", columns, rows, frozenset({2, 3, 4, 5}), _SOURCE)


def _latency(analysis: CampaignAnalysis, colors: Colors) -> Iterator[Block]:
    chart = latency_chart(analysis, colors)
    if chart is None:
        return
    names = (("ttft_ns", "TTFT"), ("tpot_ns", "TPOT"), ("latency_ns", "Latency"))
    rows: Rows = [
        (_label(analysis, line), *(_pair(line, key) for key, _ in names))
        for line in analysis.lines
        if line.entry.mode == "performance" and line.result.latency
    ]
    columns = ("Run", *(f"{name} p50 / p99 (ms)" for _, name in names))
    yield Table("Latency of the runs", columns, rows, frozenset({1, 2, 3}), _SOURCE)
    yield chart


def _pair(line: RunLine, key: str) -> str:
    value = line.result.latency.get(key)
    return fmt.NOT_MEASURED if value is None else f"{fmt.ms(value.p50)} / {fmt.ms(value.p99)}"


def _accuracy(analysis: CampaignAnalysis) -> Iterator[Block]:
    scored = {
        _label(analysis, line): line.result.accuracy for line in analysis.lines if line.result.accuracy is not None
    }
    if not scored:
        return
    metrics = list(dict.fromkeys(metric for accuracy in scored.values() for metric in percentages(accuracy)))
    rows: Rows = [
        (
            name,
            *(score_text(a.scores[metric].value if metric in a.scores else None) for metric in metrics),
            fmt.number(a.samples),
            a.gate,
        )
        for name, a in scored.items()
    ]
    columns = ("Run", *metrics, "Answers", "Quality gate")
    yield Table("Accuracy", columns, rows, frozenset(range(1, len(metrics) + 2)), "runs/*/accuracy.json")
    yield from accuracy_charts(scored, analysis.benchmark)


def _findings(analysis: CampaignAnalysis) -> Iterator[Block]:
    if not analysis.findings:
        yield Text("None.")
        return
    rows: Rows = [
        (f.severity, f.title, f.evidence[0].run, " / ".join(e.figure for e in f.evidence), f.suggestion, f.expect)
        for f in analysis.findings
    ]
    yield Table("Findings", ("Severity", "Finding", "Run", "Evidence", "Suggestion", "Effect to expect"), rows)


def _provenance(analysis: CampaignAnalysis) -> Iterator[Block]:
    state = analysis.state
    rows: Rows = [
        ("Campaign", state.id),
        ("Order of the runs, seed", str(state.seed)),
        ("Configuration, SHA-256", state.config_sha256),
        ("Data set, SHA-256", state.dataset_sha256 or "not recorded"),
        ("Sessions that worked on it", str(len(state.sessions))),
    ]
    yield Table("Campaign", ("Fact", "Value"), rows, source="campaign.json")
    yield Text(
        "Every figure is computed from the run folders named above; their own reports list the files and hashes."
    )
