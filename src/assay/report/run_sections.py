"""A run's page: what ran, where every sample went, and how the scenario went."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from assay.analysis.compare import flat
from assay.analysis.run import RunAnalysis
from assay.analysis.verdict import FINISHED
from assay.report import format as fmt
from assay.report.page import Block, Quote, Rows, Table, Text
from assay.report.run_charts import RunCharts

_UNSET: tuple[object, ...] = (None, {}, [])


def environment_blocks(analysis: RunAnalysis) -> Iterator[Block]:
    record = analysis.record
    rows: Rows = [
        (
            e.name, e.node, ", ".join(e.accelerators) or "none named", f"{e.engine} {e.engine_version or ''}".strip(),
            e.model, fmt.number(e.window) if e.window else "unknown", e.path,
        )
        for e in record.endpoints
    ]  # fmt: skip
    columns = ("Endpoint", "Node", "Accelerators", "Engine", "Model", "Window", "Path")
    yield Table("Endpoints", columns, rows, frozenset({5}), "run.json")
    settings = [
        (e.name, key, str(value))
        for e in record.endpoints
        for key, value in sorted(e.settings.items())
        if value not in _UNSET
    ]
    if settings:
        yield Table("Engine settings", ("Endpoint", "Setting", "Value"), settings, source="run.json")
    yield from _system(analysis.system)
    warmup = record.warmup
    facts: Rows = [
        ("Run", record.id),
        ("Started, ended", f"{record.started_utc}, {record.ended_utc or 'no end recorded'}"),
        ("Assay, LoadGen", f"{record.assay_version}, {record.loadgen_version or 'unknown'}"),
        (
            "Data set",
            f"{record.dataset_name}, {fmt.number(record.dataset_samples)} samples, sha256 {record.dataset_sha256}",
        ),
        ("Samples drawn from", fmt.number(record.samples)),
        ("Longest answer", f"{record.max_tokens} tokens"),
        ("Warm-up", f"{warmup.requests} requests, {'settled' if warmup.settled else 'not settled'}; {warmup.rule}"),
        ("First TTFT, settled TTFT", f"{fmt.ms(warmup.first_ttft_ns)} ms, {fmt.ms(warmup.settled_ttft_ns)} ms"),
    ]
    yield Table("Run", ("Fact", "Value"), facts, source="run.json")
    client = record.client
    if client.cpu_share:
        shares: Rows = [
            (name, f"{share:.2f}", fmt.ms(client.loop_lag_p99_ns.get(name)), fmt.ms(client.loop_lag_max_ns.get(name)))
            for name, share in client.cpu_share.items()
        ]
        heads = ("Process", "CPU seconds a second", "Loop lag p99 (ms)", "Loop lag max (ms)")
        yield Table("The load generator itself", heads, shares, frozenset({1, 2, 3}), "run.json")


def _system(system: dict[str, Any]) -> Iterator[Table]:
    """The nodes side by side, then the rest."""
    nodes = [node for node in system.get("nodes", []) if isinstance(node, dict)]
    facts = [flat(node) for node in nodes]
    names = [str(node.get("name", place)) for place, node in enumerate(nodes, start=1)]
    if facts:
        keys = [key for key in dict.fromkeys(key for own in facts for key in own if own[key]) if key != "name"]
        rows: Rows = [(key, *(_fact(key, own.get(key, "absent")) for own in facts)) for key in keys]
        if len(names) > 4:  # many nodes: a column each wouldn't fit, and most facts are the same
            rows = [(key, _alike(names, [_fact(key, own.get(key, "absent")) for own in facts])) for key in keys]
            names = ["All nodes, or those that differ"]
        yield Table("Nodes' hardware and software", ("Fact", *names), rows, source="system.json")
    rest = flat({key: value for key, value in system.items() if key != "nodes"})
    if rest:
        rows = [(key, _fact(key, value)) for key, value in rest.items() if value]
        yield Table("Controller and versions", ("Fact", "Value"), rows, source="system.json")


def _fact(key: str, value: str) -> str:
    return fmt.size(int(value)) if key.endswith("_bytes") and value.isdigit() else value


def _alike(names: list[str], values: list[str]) -> str:
    """One value where all agree, else the commonest and who differs."""
    common = max(sorted(set(values)), key=values.count)
    others = [f"{name}: {value}" for name, value in zip(names, values, strict=True) if value != common]
    return "; ".join([common, *others])


def ledger_blocks(analysis: RunAnalysis) -> Iterator[Block]:
    ledger = analysis.ledger
    if ledger is None:
        yield Text("There is no ledger.json: what became of the samples isn't known.")
        return
    success = ledger.completed / ledger.issued if ledger.issued else None
    yield Text(
        f"Issued {fmt.number(ledger.issued)} = completed {fmt.number(ledger.completed)} + failed "
        f"{fmt.number(ledger.failed)} + lost {fmt.number(ledger.lost)}: "
        f"{'balanced' if ledger.balanced else 'not balanced'}. Completed of issued: {fmt.percent(success, 2)}. "
        f"{fmt.number(ledger.resent)} samples needed more than one attempt; {fmt.number(ledger.attempts)} attempts "
        "in all."
    )
    rows: Rows = [
        (
            e.endpoint,
            *map(fmt.number, (e.sent, e.ok, e.failed, e.lost)),
            ", ".join(f"{k} {v}" for k, v in e.reasons.items()),
        )
        for e in ledger.endpoints
    ]
    columns = ("Endpoint", "Sent", "OK", "Failed", "Lost", "Reasons")
    yield Table("Attempts by endpoint", columns, rows, frozenset({1, 2, 3, 4}), "ledger.json")
    if ledger.problems:
        yield Table("What does not balance", ("Problem",), [(p,) for p in ledger.problems], source="ledger.json")


def scenario_blocks(analysis: RunAnalysis, charts: RunCharts | None) -> Iterator[Block]:
    result = analysis.result
    loadgen = result.loadgen
    reasons = "; ".join(loadgen.reasons)
    yield Text(
        f"LoadGen: {loadgen.result or 'no verdict'}{f' ({reasons})' if reasons else ''}; {loadgen.errors} errors, "
        f"{loadgen.warnings} warnings in its log. Ours: {result.verdict.words}."
    )
    rows: Rows = [
        (name.replace("_", " "), fmt.number(f.value), _range(f.low, f.high), f.unit, f.formula)
        for name, f in result.figures.items()
    ]
    columns = ("Figure", "Value", "95 % interval", "Unit", "Formula")
    yield Table("Figures", columns, rows, frozenset({1, 2}), "requests.parquet, ledger.json")
    parts = analysis.phases
    if charts is not None:
        yield charts.timeline()
    if parts is not None:
        rows = [
            ("Steady window", f"{parts.steady_from_s:.1f} s to {parts.steady_to_s:.1f} s of {parts.duration_s:.1f} s"),
            ("Tokens/s, whole run", fmt.number(parts.headline_tokens_per_s)),
            (
                "Tokens/s, steady window",
                fmt.with_interval(parts.steady_tokens_per_s, parts.steady_low, parts.steady_high),
            ),
            (
                "Cost of the time before it",
                f"{fmt.percent(parts.start_cost)} of the whole run's tokens at the steady rate",
            ),
            (
                "Cost of the time after it",
                f"{fmt.percent(parts.tail_cost)} of the whole run's tokens at the steady rate",
            ),
            ("TPOT before it / within it", fmt.with_interval(parts.cold_ratio, parts.cold_low, parts.cold_high)),
        ]
        yield Table("Start, steady window, tail", ("Fact", "Value"), rows, source="requests.parquet")
        yield Text(f"Rule: {parts.rule}")
    if loadgen.metrics:
        rows = [(name, fmt.number(value)) for name, value in loadgen.metrics.items()]
        yield Table("LoadGen's own figures", ("Figure", "Value"), rows, frozenset({1}), "mlperf_log_summary.txt")


def _range(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{fmt.number(low)} to {fmt.number(high)}"


def log_blocks(analysis: RunAnalysis) -> Iterator[Block]:
    """The logs' last lines, where a run didn't end well or samples went unanswered."""
    ledger = analysis.ledger
    if analysis.record.status in FINISHED and ledger is not None and not ledger.failed + ledger.lost:
        return
    folder = analysis.folder
    for path in (folder.driver_log, *sorted(folder.endpoint_logs.glob("*.log"))):
        lines = _last_lines(path)
        if lines:
            yield Quote(f"Last lines of {path.relative_to(folder.path)}, as written", lines)


def _last_lines(path: Path) -> str:
    """At most 20 lines of the file's last 8 KiB."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 8192))
        return "\n".join(file.read().decode(errors="replace").splitlines()[-20:])
