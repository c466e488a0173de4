"""A campaign's page: throughput, scaling, nodes, latency, accuracy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from assay.analysis.answers import AnswersCompared
from assay.analysis.campaign import CampaignAnalysis, Group, RunLine, load_of
from assay.analysis.listing import NAMED, names
from assay.analysis.loads import figure_over
from assay.report import format as fmt
from assay.report.accuracy import accuracy_charts, score_cell, score_text
from assay.report.campaign_charts import group_name, latency_chart, scaling_chart, throughput_chart
from assay.report.campaign_sections import run_label, with_nodes_alone
from assay.report.colors import Colors
from assay.report.limits import ASKED_FOR, held_limits, limits_source, scenario_limits
from assay.report.many import MOST_ROWS, Values, ends, spread_table
from assay.report.page import Block, Rows, Table, Text
from assay.report.starts import start_words
from assay.report.sweep_chart import sweep_chart
from assay.runs.result import AccuracyResult
from assay.scoring import FAMILY_RISK

SOURCE = "runs/*/requests.parquet"
_OFFERED = "window_s"
_INTERVAL_FROM = {1: "the noise within the run", 2: "the noise within the runs or their spread, the wider"}


def throughput_blocks(analysis: CampaignAnalysis, colors: Colors) -> Iterator[Block]:
    if not analysis.groups:
        return
    rows: Rows = []
    for group in analysis.groups:
        samples, tokens = group.samples_per_s, group.tokens_per_s
        rows.append(
            (
                analysis.name(group.first.entry), fmt.number(len(group.lines)),
                _range(group, "samples_issued"), _range(group, _time_of(group)),
                fmt.beside(fmt.with_interval(samples.value, samples.low, samples.high), group.unanswered),
                fmt.with_interval(tokens.value, tokens.low, tokens.high),
                _INTERVAL_FROM.get(len(group.lines), "the spread between repeats"),
            )
        )  # fmt: skip
    columns: tuple[str, ...] = (
        "Run", "Repeats", "Samples a run", "Seconds a run", "Samples/s", "Output tokens/s", "Interval from",
    )  # fmt: skip
    columns, rows = _with_goodput(analysis.groups, columns, rows)
    table = Table("Mean over repeats, with 95 % intervals", columns, rows, frozenset({1, 2, 3, 4, 5, 7, 8}), SOURCE)
    spread: dict[str, Values] = {
        "samples/s": [group.samples_per_s.value for group in analysis.groups],
        "output tokens/s": [group.tokens_per_s.value for group in analysis.groups],
    }
    yield from with_nodes_alone(analysis, table, [group.first.entry.key for group in analysis.groups], spread)
    if any(_time_of(group) == _OFFERED for group in analysis.groups):
        yield Text(
            "Of loads that their time ended, the seconds are those over which they were offered, and a rate is what "
            "was done within them: a request in flight at their end counts by its part."
        )
    sweep = sweep_chart(analysis)
    if sweep is not None:
        yield sweep
    if sweep is None or any(load_of(group.first.entry) is None for group in analysis.groups):
        chart = throughput_chart(analysis, colors)  # else the sweep has the same rates, in the loads' order
        if chart.panels:  # what a bar alone would show is the table's only row
            yield chart


def _time_of(group: Group) -> str:
    """The figure that has the time over which a load's rates are."""
    return _OFFERED if all(_OFFERED in line.result.figures for line in group.lines) else "duration_s"


def _range(group: Group, figure: str) -> str:
    """A figure of a load's runs: the one value, or the least and the most."""
    values = [line.result.figures[figure].value for line in group.lines if figure in line.result.figures]
    if not values:
        return fmt.NOT_MEASURED
    return " to ".join(dict.fromkeys((fmt.number(min(values)), fmt.number(max(values)))))


def _with_goodput(groups: Sequence[Group], columns: tuple[str, ...], rows: Rows) -> tuple[tuple[str, ...], Rows]:
    """The table with how much kept the user's limits, where any were given."""
    slo = next((group.first.record.slo for group in groups if group.first.record.slo is not None), None)
    if slo is None:
        return columns, rows
    with_it: Rows = []
    for group, row in zip(groups, rows, strict=True):
        results = [line.result for line in group.lines]
        rate, share = (figure_over(results, name) for name in ("goodput_per_s", "good_share"))
        with_it.append(
            (
                *row,
                fmt.NOT_MEASURED if rate is None else fmt.with_interval(rate.value, rate.low, rate.high),
                fmt.NOT_MEASURED if share is None else fmt.share(share.value, share.low, share.high),
            )
        )
    return (*columns, f"Goodput (samples/s with {slo.title})", "Good, of all issued"), with_it


def scaling_blocks(analysis: CampaignAnalysis, colors: Colors) -> Iterator[Block]:
    scaling = analysis.scaling
    if scaling is None:
        if analysis.why_no_scaling and analysis.state.kind == "scaling":
            yield Text(f"Scaling efficiency: {analysis.why_no_scaling}.")
        return
    rows: Rows = [
        (
            group_name(g.nodes), fmt.number(g.repeats), fmt.with_interval(g.rate, g.rate_low, g.rate_high),
            fmt.with_interval(g.sum_alone, g.sum_low, g.sum_high)
            if g.sum_alone is not None else f"not measured: no baseline of {names(g.missing)}",
            fmt.share(g.efficiency, g.low, g.high),
            f"{fmt.times(g.speedup, g.speedup_low, g.speedup_high)} {g.best_alone}"
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
    yield Table("Scaling efficiency", columns, rows, frozenset({1, 2, 3, 4, 5}), SOURCE)
    for g in scaling.groups:
        if g.unanswered:
            yield Text(
                f"{group_name(g.nodes)}: not all samples were answered, so the work isn't the same: "
                f"{names(g.unanswered, between='; ')}."
            )
    rows = [(node, fmt.with_interval(*rate)) for node, rate in scaling.alone.items()]
    table = Table("Measured baselines: each node alone", ("Node", "Output tokens/s"), rows, frozenset({1}), SOURCE)
    yield from ends(table, {"output tokens/s": [rate for rate, _, _ in scaling.alone.values()]}, "report.json")
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


def nodes_blocks(analysis: CampaignAnalysis) -> Iterator[Block]:
    """Shares and idle tails of the runs on several nodes; of runs on many nodes how they spread."""
    together = [
        (run_label(analysis, line), line.nodes.nodes)
        for line in analysis.lines
        if line.nodes is not None and len(line.nodes.nodes) > 1 and line.entry.mode == "performance"
    ]
    many = [(label, parts) for label, parts in together if len(parts) > MOST_ROWS]
    for label, parts in many[:NAMED]:
        spread: dict[str, Values] = {
            "output tokens/s": [part.tokens_per_s for part in parts],
            "share of samples (%)": [100 * part.share for part in parts],
            "idle at the end (s)": [part.idle_tail_s for part in parts],
        }
        yield spread_table(f"Nodes of {label}", len(parts), spread)
    if len(many) > NAMED:
        yield Text(f"The nodes of {len(many) - NAMED:,} more runs are on those runs' own pages.")
    rows: Rows = [
        (
            label, fact.node, fmt.number(fact.samples), fmt.percent(fact.share),
            fmt.with_interval(fact.tokens_per_s, fact.tokens_low, fact.tokens_high), f"{fact.idle_tail_s:.2f}",
        )
        for label, parts in together
        if len(parts) <= MOST_ROWS
        for fact in parts
    ]  # fmt: skip
    if rows:
        columns = ("Run", "Node", "Samples", "Share", "Output tokens/s", "Idle at the end (s)")
        yield Table("Nodes in runs together", columns, rows, frozenset({2, 3, 4, 5}), SOURCE)


def latency_blocks(analysis: CampaignAnalysis, colors: Colors) -> Iterator[Block]:
    chart = latency_chart(analysis, colors)
    if chart is None:
        return
    lines = [line for line in analysis.lines if line.entry.mode == "performance" and line.result.latency]
    waits = any(line.entry.scenario != "Concurrency" for line in lines)  # else TTFT is from sending
    sending = [("service_ttft_ns", "TTFT from sending")] if waits else []
    quantities = [("ttft_ns", "TTFT"), *sending, ("tpot_ns", "TPOT"), ("latency_ns", "Latency")]
    rows: Rows = [(run_label(analysis, line), *(_pair(line, key) for key, _ in quantities)) for line in lines]
    columns = ("Run", *(f"{name} p50 / p99 (ms)" for _, name in quantities))
    spread: dict[str, Values] = {
        f"{name}, median (ms)": [_median_ms(line, key) for line in lines] for key, name in quantities
    }
    asked = next((line.record for line in lines if line.record.slo is not None), None)
    sets = {} if asked is None else {f"limit of the p99, {ASKED_FOR}": held_limits(analysis.benchmark, asked)}
    scenarios = dict.fromkeys(line.entry.scenario for line in analysis.lines if line.entry.mode == "performance")
    for scenario in scenarios:
        source = f"{scenario}'s p99 ({limits_source(analysis.benchmark)})"
        sets.setdefault(f"limit of {source}", scenario_limits(analysis.benchmark, scenario))
    limits: Rows = [
        (whose, *(fmt.ms(known[key]) if key in known else "" for key, _ in quantities))
        for whose, known in sets.items()
        if known
    ]
    table = Table("Latency of the runs", columns, rows, frozenset(range(1, len(columns))), SOURCE)
    *above, last = with_nodes_alone(analysis, table, [line.entry.key for line in lines], spread)
    yield from above
    yield replace(last, rows=[*last.rows, *limits])
    yield Text(start_words(scenarios) + (" The picture's TTFT is from sending." if waits and chart.panels else ""))
    yield chart


def _median_ms(line: RunLine, key: str) -> float | None:
    value = line.result.latency.get(key)
    return None if value is None else value.p50 / 1e6


def _pair(line: RunLine, key: str) -> str:
    value = line.result.latency.get(key)
    if value is None:
        return fmt.NOT_MEASURED
    low_ms, high_ms = fmt.percentile_interval(value, "p99")
    unbounded = (
        "" if high_ms is not None else " (too few samples)" if low_ms is None else f" ({fmt.number(low_ms)} or more)"
    )
    return f"{fmt.ms(value.p50)} / {fmt.ms(value.p99)}{unbounded}"


def accuracy_blocks(analysis: CampaignAnalysis) -> Iterator[Block]:
    scored = {
        run_label(analysis, line): line.result.accuracy for line in analysis.lines if line.result.accuracy is not None
    }
    if scored:
        yield from _score_blocks(analysis, scored)
    yield from _answer_blocks(analysis.answers)
    if analysis.answers is not None and analysis.state.simulated:
        yield Text("The endpoints are simulated: that their answers agree or don't says nothing of a model.")


def _score_blocks(analysis: CampaignAnalysis, scored: dict[str, AccuracyResult]) -> Iterator[Block]:
    kinds = {metric: score for accuracy in scored.values() for metric, score in accuracy.scores.items()}
    rows: Rows = [
        (
            name,
            *(score_cell(a.scores.get(metric)) for metric in kinds),
            fmt.number(a.samples),
            a.gate,
        )
        for name, a in scored.items()
    ]
    quality = analysis.benchmark.quality
    if quality is not None:
        reference = (score_text(quality.reference.get(metric), total=kind.total) for metric, kind in kinds.items())
        rows.append(("reference", *reference, fmt.number(quality.samples), ""))
    columns = ("Run", *(f"{metric} ({kind.of_what})" for metric, kind in kinds.items()), "Answers", "Quality gate")
    yield Table(
        "Scores, with 95 % intervals", columns, rows, frozenset(range(1, len(kinds) + 2)), "runs/*/accuracy.json"
    )
    if quality is not None:
        yield Text(f"Reference: {quality.source}.")
    yield from accuracy_charts(scored, analysis.benchmark, simulated=analysis.state.simulated)


def _answer_blocks(answers: AnswersCompared | None) -> Iterator[Block]:
    """Whether endpoints gave the same tokens to the same prompts."""
    if answers is None:
        return
    rows: Rows = [
        (
            part.endpoint, part.node, fmt.number(part.prompts), fmt.percent(part.equal, 2),
            "" if part.first_difference is None else fmt.number(part.first_difference),
            "" if part.repeated_equal is None else f"{fmt.percent(part.repeated_equal, 2)} of {part.repeated}",
            part.unlike,
        )
        for part in answers.endpoints
    ]  # fmt: skip
    columns = (
        "Endpoint", "Node", "Prompts", "Same tokens as most others", "First other token (median)",
        "Same tokens as itself before", "Far more than the others",
    )  # fmt: skip
    table = Table("Answers to the same prompts", columns, rows, frozenset({2, 3, 4}), SOURCE)
    yield from ends(table, {"share of the same tokens": [part.equal for part in answers.endpoints]}, "report.json")
    yield Text(
        f"Compared: greedy answers to {fmt.number(answers.prompts)} prompts that two or more endpoints answered, in "
        f"{answers.runs} runs, token by token. To differ far more often than the others do among themselves, beyond "
        f"chance (a risk of {100 * FAMILY_RISK:g} % for all endpoints together), is a finding."
        + (f" {answers.apart[0].upper()}{answers.apart[1:]}." if answers.apart else "")
    )
