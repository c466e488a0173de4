"""A run's page: nodes, latency, tokens, hardware, findings, projection, provenance."""

from __future__ import annotations

from collections.abc import Iterator

from assay.analysis.nodes import NodePart, Symmetry
from assay.analysis.run import RunAnalysis
from assay.analysis.tokens import sources_in_words
from assay.report import format as fmt
from assay.report.findings import findings_table, nothing_found
from assay.report.hardware_charts import hardware_chart
from assay.report.limits import limit_blocks
from assay.report.machines import no_accelerators, nodes_of
from assay.report.many import Values, ends
from assay.report.page import Block, Rows, Table, Text
from assay.report.run_charts import RunCharts
from assay.report.run_view import ms
from assay.report.starts import start_words
from assay.report.telemetry_table import telemetry_tables
from assay.runs.folder import MANIFEST
from assay.runs.result import Distribution

_LATENCIES = {
    "ttft_ns": "TTFT",
    "tpot_ns": "TPOT",
    "itl_ns": "ITL",
    "latency_ns": "Latency",
    "answer_ttft_ns": "Time to first answer token",
    "service_ttft_ns": "TTFT from sending",
    "service_latency_ns": "Latency from sending",
}
_PERCENTILES = ("p50", "p90", "p95", "p97", "p99", "p99_9")


def _accelerators(analysis: RunAnalysis, node: NodePart) -> str:
    own = [endpoint for endpoint in analysis.record.endpoints if node.node in endpoint.machines]
    return fmt.number(node.accelerators) if node.accelerators else no_accelerators(own, nodes_of([analysis.system]))


def nodes_blocks(analysis: RunAnalysis, charts: RunCharts | None) -> Iterator[Block]:
    symmetry = analysis.nodes
    if symmetry is None or charts is None:
        return
    rows: Rows = [
        (
            f.node, _accelerators(analysis, f), fmt.number(f.samples), fmt.percent(f.share),
            fmt.with_interval(f.tokens_per_s, f.tokens_low, f.tokens_high),
            fmt.with_interval(*(None if v is None else v / 1e6 for v in (f.mean_tpot_ns, f.tpot_low, f.tpot_high))),
            fmt.ms(f.mean_service_ttft_ns),
            fmt.times(f.speed_ratio, f.speed_low, f.speed_high) if f.speed_ratio else "no other node",
            f"{f.idle_tail_s:.2f}",
        )
        for f in symmetry.nodes
    ]  # fmt: skip
    columns = (
        "Node", "Accelerators", "Samples", "Share", "Output tokens/s", "Mean TPOT (ms)", "Mean TTFT from sending (ms)",
        "Against the others' median", "Idle at the end (s)",
    )  # fmt: skip
    table = Table("Nodes", columns, rows, frozenset(range(1, 9)), "requests.parquet")
    yield from ends(table, _node_figures(symmetry), "report.json")
    yield Text(
        f"Compared: {symmetry.measure}. Rates run until the node's own last sample. Node time spent waiting for the "
        f"others' last samples: {fmt.percent(symmetry.idle_share)}."
    )
    if charts.several:
        yield charts.nodes
    if charts.by_endpoint:
        yield charts.throughput()


def _node_figures(symmetry: Symmetry) -> dict[str, Values]:
    """What the nodes are ranked by, the first that is known, and how else they spread."""
    parts = symmetry.nodes
    figures: dict[str, Values] = {
        "speed against the others' median": [part.speed_ratio for part in parts],
        "output tokens/s": [part.tokens_per_s for part in parts],
        "mean TPOT (ms)": [ms(part.mean_tpot_ns) for part in parts],
        "mean TTFT from sending (ms)": [ms(part.mean_service_ttft_ns) for part in parts],
        "samples": [part.samples for part in parts],
        "idle at the end (s)": [part.idle_tail_s for part in parts],
    }
    return {name: values for name, values in figures.items() if any(value is not None for value in values)}


def latency_blocks(analysis: RunAnalysis, charts: RunCharts | None) -> Iterator[Block]:
    latency = analysis.result.latency
    if not latency or charts is None:
        return
    latency = {name: latency[name] for name in _LATENCIES if name in latency}
    rows: Rows = [(_LATENCIES[name], *_latency_cells(value)) for name, value in latency.items()]
    columns = ("Quantity (ms)", "n", "Min", "Mean", *(p.replace("_", ".") for p in _PERCENTILES), "Max")
    yield Table("Latency percentiles (nearest rank, as LoadGen computes them)", columns, rows, frozenset(range(1, 11)))
    rows = [(_LATENCIES[n], *(_interval_cell(v, p) for p in _PERCENTILES)) for n, v in latency.items() if v.intervals]
    columns = ("Quantity (ms)", *(p.replace("_", ".") for p in _PERCENTILES))
    yield Table("Their 95 % intervals", columns, rows, frozenset(range(1, 7)))
    bounded = {name: value for name, value in latency.items() if value.early_stopping}
    if bounded:
        tails = list(next(iter(bounded.values())).early_stopping)
        rows = [
            (_LATENCIES[name], *("too few" if b is None else fmt.ms(b) for b in value.early_stopping.values()))
            for name, value in bounded.items()
        ]
        yield Table(
            "MLPerf's early-stopping bounds: at 99 % confidence the percentile is no more than this",
            ("Quantity (ms)", *(p.replace("_", ".") for p in tails)), rows, frozenset(range(1, 4)),
        )  # fmt: skip
    yield from limit_blocks(analysis)
    rows = [(_LATENCIES[name], value.formula, value.source) for name, value in latency.items()]
    yield Table("How the latencies are computed", ("Quantity", "Formula", "File"), rows, folded=True)
    yield Text(start_words([analysis.record.scenario]))
    yield charts.latency.distribution
    yield charts.latency.over_time()
    if analysis.latency.ttft_by_input:
        yield charts.latency.by_length()
    if analysis.latency.goodput:
        rows = [
            (
                g.name, fmt.ms(g.ttft_limit_ns), fmt.ms(g.tpot_limit_ns), fmt.number(g.good), fmt.percent(g.share, 2),
                fmt.with_interval(g.samples_per_s, g.low, g.high),
            )
            for g in analysis.latency.goodput
        ]  # fmt: skip
        columns = ("Limits", "TTFT (ms)", "TPOT (ms)", "Samples within", "Of issued", "Goodput (samples/s)")
        yield Table("Goodput", columns, rows, frozenset({1, 2, 3, 4, 5}), "requests.parquet")


def _latency_cells(value: Distribution) -> list[str]:
    cells = [fmt.number(value.n), fmt.ms(value.min), fmt.ms(value.mean)]
    return [*cells, *(fmt.ms(getattr(value, p)) for p in _PERCENTILES), fmt.ms(value.max)]


def _interval_cell(value: Distribution, percentile: str) -> str:
    low, high = fmt.percentile_interval(value, percentile)
    if low is None and high is None:
        return "unknown"
    if high is None:
        return f"{fmt.number(low)} or more"
    return f"{fmt.number(high)} or less" if low is None else f"{fmt.number(low)} to {fmt.number(high)}"


def tokens_blocks(analysis: RunAnalysis, charts: RunCharts | None) -> Iterator[Block]:
    tokens = analysis.tokens
    if tokens is None or charts is None:
        return
    duration = analysis.result.figures["duration_s"].value
    rows: Rows = [
        (
            name, fmt.number(side.total), fmt.number(side.total / duration),
            fmt.with_interval(side.mean, side.mean_low, side.mean_high),
            *map(fmt.number, (side.min, side.p50, side.p99, side.max)),
        )
        for name, side in (("Input", tokens.input), ("Output", tokens.output))
        if side is not None
    ]  # fmt: skip
    columns = ("Tokens", "Total", "Tokens/s", "Mean", "Min", "Median", "p99", "Max")
    yield Table("Token counts of completed samples", columns, rows, frozenset(range(1, 8)), "requests.parquet")
    completed = analysis.result.figures["samples_completed"].value
    yield Text(
        f"{fmt.number(tokens.at_limit)} of {fmt.number(completed)} answers are as long as allowed "
        f"({analysis.record.max_tokens} tokens). Ended by: {_counts(tokens.finish_reasons)}. Tokens were counted by: "
        f"{sources_in_words(tokens.token_sources) or 'not recorded'}."
    )
    if tokens.characters_ratio is not None:
        yield Text(
            f"Mean length of an answer over that of the reference implementation: {tokens.characters_ratio:.3f} "
            "(characters; accuracy.json, benchmark)."
        )
    yield charts.tokens()


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {fmt.number(count)}" for name, count in counts.items()) or "not recorded"


def hardware_blocks(analysis: RunAnalysis) -> Iterator[Block]:
    if analysis.samples is None:
        return
    telemetry = analysis.telemetry
    if telemetry is None or len(telemetry) == 0:
        yield Text("No telemetry was recorded.")
        return
    chart = hardware_chart(telemetry, analysis.nodes_in_order)
    if chart is not None:
        yield chart
    yield from telemetry_tables(telemetry.summaries())


def findings_blocks(analysis: RunAnalysis) -> Iterator[Block]:
    labels = {analysis.folder.id: "this run"}
    yield (
        findings_table(analysis.findings, labels)
        if analysis.findings
        else Text(nothing_found(measured=analysis.samples is not None))
    )


def provenance_blocks(analysis: RunAnalysis) -> Iterator[Block]:
    yield Text(
        f"Every figure on this page is computed from these files of {analysis.folder.id} and from nothing else. "
        "Intervals are 95 %: rates and means by block bootstrap, percentiles by order statistics with the effective "
        "number of samples."
    )
    rows: Rows = [(name, fmt.number(size), digest) for name, size, digest in analysis.files]
    yield Table("Files and their SHA-256", ("File", "Bytes", "SHA-256"), rows, frozenset({1}), folded=True)
    if analysis.manifest_sha256 is None:
        yield Text(f"There is no {MANIFEST}: nothing says whether these are the files that the run was closed with.")
    else:
        yield Text(
            f"{MANIFEST}, SHA-256 {analysis.manifest_sha256}, names every file that the run was closed with; "
            "`assay audit` holds them against it."
        )
