"""What ran, and on what: endpoints, settings, hardware and software."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from assay.analysis.differences import flat
from assay.analysis.run import RunAnalysis
from assay.report import format as fmt
from assay.report.many import MOST_ROWS, NAMED, names
from assay.report.page import Block, Rows, Table
from assay.runs.record import EndpointFacts, RunRecord

_UNSET: tuple[object, ...] = (None, {}, [])
_LEFT_OUT = {"name", "version", "utc_ns"}  # the column's heading, the file's form, the moment of asking
_MOST_COLUMNS = 4


def environment_blocks(analysis: RunAnalysis) -> Iterator[Block]:
    """A run's endpoints, nodes, software and course."""
    record = analysis.record
    yield from endpoint_tables(record.endpoints)
    yield from system_tables(analysis.system)
    warmup = record.warmup
    facts: Rows = [
        ("Run", record.id),
        ("Benchmark", f"{record.benchmark}, which starts from {record.model}"),
        ("Started, ended", f"{record.started_utc}, {record.ended_utc or 'no end recorded'}"),
        _versions(record),
        (
            "Data set",
            f"{record.dataset_name}, {fmt.number(record.dataset_samples)} samples, sha256 {record.dataset_sha256}",
        ),
        *([("Data set's token ids, SHA-256", ids)] if (ids := record.dataset_tokens_sha256) else []),
        *([("Prompts", record.dataset_note)] if record.dataset_note else []),
        ("Samples drawn from", fmt.number(record.samples)),
        ("Longest answer", f"{record.max_tokens} tokens"),
        ("Warm-up", f"{warmup.requests} requests, {'settled' if warmup.settled else 'not settled'}; {warmup.rule}"),
        ("First TTFT, settled TTFT", f"{fmt.ms(warmup.first_ttft_ns)} ms, {fmt.ms(warmup.settled_ttft_ns)} ms"),
    ]
    yield Table("Run", ("Fact", "Value"), facts, source="run.json")
    client = record.client
    if client.cpu_share:
        shares: Rows = [
            (
                name, f"{share:.2f}", fmt.size(client.peak_rss_bytes.get(name)),
                fmt.ms(client.loop_lag_p99_ns.get(name)), fmt.ms(client.loop_lag_max_ns.get(name)),
            )
            for name, share in client.cpu_share.items()
        ]  # fmt: skip
        heads = ("Process", "CPU seconds a second", "Peak memory", "Loop lag p99 (ms)", "Loop lag max (ms)")
        yield Table("The load generator itself", heads, shares, frozenset({1, 2, 3, 4}), "run.json")


def _versions(record: RunRecord) -> tuple[str, str]:
    if record.driver == "pacer":
        return "Assay", record.assay_version
    return "Assay, LoadGen", f"{record.assay_version}, {record.loadgen_version or 'unknown'}"


def endpoint_tables(endpoints: Sequence[EndpointFacts]) -> Iterator[Table]:
    """The endpoints, then their engines' settings."""
    rows: Rows = [
        (
            e.name, e.node, ", ".join(e.accelerators) or "none named", f"{e.engine} {e.engine_version or ''}".strip(),
            e.model, fmt.number(e.window) if e.window else "unknown", e.path,
        )
        for e in endpoints
    ]  # fmt: skip
    columns = ("Endpoint", "Node", "Accelerators", "Engine", "Model", "Window", "Path")
    if len(endpoints) <= MOST_ROWS:
        yield Table("Endpoints", columns, rows, frozenset({5}), "run.json")
    else:
        facts = {row[0]: dict(zip(columns[2:], row[2:], strict=True)) for row in rows}
        yield _side_by_side(f"{len(endpoints):,} endpoints", "Fact", facts, "run.json, which names each")
    settings = {e.name: flat({k: v for k, v in sorted(e.settings.items()) if v not in _UNSET}) for e in endpoints}
    if any(settings.values()):
        yield _side_by_side("Engine settings", "Setting", settings, "run.json")


def system_tables(system: Mapping[str, Any]) -> Iterator[Table]:
    """The nodes side by side, then the controller where it isn't one of them, and the software."""
    nodes = [node for node in system.get("nodes", []) if isinstance(node, dict)]
    if nodes:
        named = {str(node.get("name", place)): _facts(node) for place, node in enumerate(nodes, start=1)}
        yield _side_by_side("Nodes' hardware and software", "Fact", named, "system.json")
    rest = {key: value for key, value in system.items() if key != "nodes"}
    host = rest.get("controller", {}).get("hostname")
    if host and any(node.get("hostname") == host for node in nodes):
        del rest["controller"]
    if rows := list(_facts(rest).items()):
        yield Table("Controller and versions", ("Fact", "Value"), rows, source="system.json")


def _facts(data: Mapping[str, Any]) -> dict[str, str]:
    """What is known, by dotted name, in words."""
    return flat({key: _in_words(key, value) for key, value in data.items() if value and key not in _LEFT_OUT})


def _in_words(key: str, value: Any) -> Any:
    if isinstance(value, dict):
        return {inner: _in_words(inner, item) for inner, item in value.items() if inner not in _LEFT_OUT}
    if isinstance(value, list):
        return [_in_words(key, item) for item in value]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if key.endswith("_bytes"):
        return fmt.size(value)
    return f"{fmt.ms(value)} ms" if key.endswith("_ns") else fmt.number(value)


def _side_by_side(caption: str, heading: str, named: Mapping[str, Mapping[str, str]], source: str) -> Table:
    """A column each, or, for many, the commonest value and who differs: most facts are the same."""
    keys = list(dict.fromkeys(key for own in named.values() for key in own))
    values = {key: [own.get(key, "absent") for own in named.values()] for key in keys}
    if len(named) > _MOST_COLUMNS:
        rows: Rows = [(key, _alike(list(named), values[key])) for key in keys]
        return Table(caption, (heading, "All, or those that differ"), rows, source=source)
    return Table(caption, (heading, *named), [(key, *values[key]) for key in keys], source=source)


def _alike(all_names: list[str], values: list[str]) -> str:
    """One value where all agree, else the commonest and who differs."""
    counts = Counter(values)
    common = max(sorted(counts), key=lambda value: counts[value])
    if len(values) - counts[common] > MOST_ROWS:
        return _kinds(all_names, values, counts)
    others = [f"{name}: {value}" for name, value in zip(all_names, values, strict=True) if value != common]
    return "; ".join([common, *others])


def _kinds(all_names: list[str], values: list[str], counts: Counter[str]) -> str:
    """The commonest values of many, with how many have them, or who."""
    whose: dict[str, list[str]] = {}
    for name, value in zip(all_names, values, strict=True):
        whose.setdefault(value, []).append(name)
    ordered = sorted(counts, key=lambda value: (-counts[value], value))
    said = [f"{value}: {names(whose[value])}" for value in ordered[:NAMED]]
    left = len(ordered) - len(said)
    return "; ".join(said + [f"{left:,} other values"] * bool(left))
