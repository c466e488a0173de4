"""What ran, and on what: endpoints, settings, hardware and software. What isn't there isn't listed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from assay.analysis.flat import flat
from assay.analysis.listing import NAMED, names
from assay.analysis.run import RunAnalysis
from assay.analysis.verdict import FINISHED
from assay.report import format as fmt
from assay.report.machines import Node, no_accelerators, nodes_of
from assay.report.many import MOST_ROWS
from assay.report.names import engine_words, name_in_words, value_in_words
from assay.report.page import Block, Rows, Table
from assay.runs.record import EndpointFacts, RunRecord

_UNSET: tuple[object, ...] = (None, {}, [], "", 0)
# The column's heading, the file's form, the moment of asking, and what has a place of its own.
_LEFT_OUT = {"name", "version", "utc_ns", "boot_id", "accelerators", "accelerator_source", "problems"}
_MOST_COLUMNS = 4
_NONE = "none"
_NOT_METERED = "not metered"
_CAMPAIGN = "the campaign's own page: all its runs, and what changed against the last one"


def environment_blocks(analysis: RunAnalysis) -> Iterator[Block]:
    """A run's course, endpoints, nodes and software."""
    record = analysis.record
    links = {_CAMPAIGN: "../../report.html"}  # a run's folder lies in its campaign's runs/
    yield Table("What ran", ("Fact", "Value"), list(_run_facts(record)), source="run.json", links=links)
    yield from endpoint_tables(record.endpoints, nodes_of([analysis.system]))
    yield from system_tables(analysis.system)
    hashes: Rows = [("Data set", record.dataset_sha256)]
    if ids := record.dataset_tokens_sha256:
        hashes.append(("Its token ids", ids))
    hashes += [(f"Model file {name}", digest) for name, digest in analysis.system.get("model_files", {}).items()]
    yield Table("SHA-256 of data and model", ("What", "SHA-256"), hashes, source="run.json, system.json", folded=True)


def _run_facts(record: RunRecord) -> Iterator[tuple[str, str]]:
    warmup = record.warmup
    yield "Model served", ", ".join(record.served_models) or "none"
    yield "Benchmark", f"{record.benchmark}, which starts from {record.model}"
    yield "Data set", f"{record.dataset_name}, {fmt.count(record.dataset_samples, 'sample')}"
    if record.samples != record.dataset_samples:
        yield "Samples drawn from", f"the first {fmt.number(record.samples)}"
    if record.dataset_note:
        yield "Prompts", record.dataset_note
    if record.campaign_key is not None:
        yield "Its campaign", _CAMPAIGN
    yield "Longest answer allowed", fmt.count(record.max_tokens, "token")
    yield "Started", fmt.moment(record.started_utc)
    if record.ended_utc:
        yield "Ended", fmt.moment(record.ended_utc)
    if warmup.requests:
        settled = "settled" if warmup.settled else "did not settle"
        how = f", {settled} ({warmup.rule})" if record.status in FINISHED else ""  # else it may be what failed
        yield "Warm-up", fmt.count(warmup.requests, "request") + how
    if warmup.first_ttft_ns is not None and warmup.settled_ttft_ns is not None:
        yield "TTFT before and after it", f"{fmt.ms(warmup.first_ttft_ns)} ms, {fmt.ms(warmup.settled_ttft_ns)} ms"
    yield "Assay", record.assay_version
    if record.loadgen_version:
        yield "LoadGen", record.loadgen_version


def endpoint_tables(endpoints: Sequence[EndpointFacts], nodes: Sequence[Node] = ()) -> Iterator[Table]:
    """The endpoints, then their engines' settings."""
    rows: Rows = [
        (
            e.name, names(e.machines), _counted(e.accelerators) or no_accelerators([e], nodes),
            engine_words(e), e.model,
            fmt.number(e.window) if e.window else "unknown", e.path,
        )
        for e in endpoints
    ]  # fmt: skip
    columns = ("Endpoint", "Node", "Accelerators", "Engine", "Model", "Most in flight", "Path")
    if len(endpoints) <= MOST_ROWS:
        yield Table("Endpoints", columns, rows, frozenset({5}), "run.json")
    else:
        facts = {row[0]: dict(zip(columns[2:], row[2:], strict=True)) for row in rows}
        caption = f"{len(endpoints):,} endpoints"
        yield side_by_side(caption, "Fact", facts, "run.json, which names each", "unknown")
    settings = {
        e.name: flat({k: v for k, v in sorted(e.settings.items()) if v not in (None, {}, [])})
        for e in endpoints
        if e.engine != "external"  # of which no more is known than what the user calls it
    }
    if any(settings.values()):
        yield side_by_side("Engine settings, by the engine's own names", "Setting", settings, "run.json", "not set")


def system_tables(system: Mapping[str, Any]) -> Iterator[Table]:
    """The nodes side by side, then the controller where it isn't one of them, and the software."""
    nodes = [node for node in system.get("nodes", []) if isinstance(node, dict)]
    if nodes:
        named = {str(node.get("name", place)): _node_facts(node) for place, node in enumerate(nodes, start=1)}
        yield side_by_side("Nodes' hardware and software", "Fact", named, "system.json", "unknown")
    controller = system.get("controller") or {}
    host = controller.get("hostname")
    if not (host and any(node.get("hostname") == host for node in nodes)) and (own := _facts(controller)):
        caption = "The machine of the load generator"
        yield Table(caption, ("Fact", "Value"), list(own.items()), source="system.json")
    if ceiling := system.get("cpu_ceiling"):
        caption = "Measured limits of the load generator's machine"
        yield Table(caption, ("Fact", "Value"), list(_facts(ceiling).items()), source="system.json", folded=True)
    versions: Rows = [*(system.get("versions") or {}).items(), *(system.get("git") or {}).items()]
    if versions:
        yield Table("Versions of the software", ("What", "Version"), versions, source="system.json", folded=True)
    looked: Rows = [(str(node.get("name")), text) for node in nodes for text in node.get("problems") or ()]
    if looked:
        caption = "Sources of hardware facts that the nodes don't have"
        yield Table(caption, ("Node", "Answer"), looked, source="system.json", folded=True)


def _node_facts(node: Mapping[str, Any]) -> dict[str, str]:
    accelerators = node.get("accelerators")
    return _facts(node) | ({} if accelerators is None else _accelerators(accelerators))


def _facts(data: Mapping[str, Any]) -> dict[str, str]:
    """What is known, by name, in words."""
    found: dict[str, str] = {}
    for key, value in data.items():
        if key in _LEFT_OUT or value in _UNSET or str(value).startswith(_NOT_METERED):
            continue
        if isinstance(value, dict):
            found |= {f"{name_in_words(key)}, {inner}": value_in_words(inner, item) for inner, item in value.items()}
        else:
            found[name_in_words(key)] = value_in_words(key, value)
    return found


def _accelerators(found: Sequence[Any]) -> dict[str, str]:
    """What they are, alike ones counted, and how they were before the run."""
    facts: list[Mapping[str, Any]] = [item if isinstance(item, dict) else {"name": str(item)} for item in found]
    named = {"Accelerators": _counted([_accelerator(item) for item in facts]) or _NONE}
    before = [
        _range("{} °C", [item.get("temperature_c") for item in facts]),
        _range("{} MiB in use", [_mib(item.get("memory_used_bytes")) for item in facts]),
        _range("{} processes", [item.get("processes") for item in facts]),
    ]
    told = "; ".join(words for words in before if words)
    return named | ({"Accelerators before the run": told} if told else {})


def _accelerator(item: Mapping[str, Any]) -> str:
    words = [
        str(item.get("name", "unnamed")),
        *(value_in_words(key, item[key]) for key in ("memory_total_bytes",) if item.get(key)),
        *(f"driver {item[key]}" for key in ("driver_version",) if item.get(key)),
        *(f"power limit {fmt.number(item[key])} W" for key in ("power_limit_w",) if item.get(key)),
        *(f"SM clock up to {fmt.number(item[key])} MHz" for key in ("sm_clock_max_mhz",) if item.get(key)),
        *(["ECC off"] if item.get("ecc_enabled") is False else []),
        *(["MIG on"] if item.get("mig_enabled") else []),
    ]
    return ", ".join(words)


def _counted(names: Sequence[str]) -> str:
    """Such as "8 x NVIDIA H100", with a true sign."""
    return "; ".join(f"{count} {fmt.TIMES} {name}" if count > 1 else name for name, count in Counter(names).items())


def _range(words: str, values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return ""
    low, high = fmt.number(min(known)), fmt.number(max(known))
    return words.format(low if low == high else f"{low} to {high}")


def _mib(value: float | None) -> float | None:
    return None if value is None else value / (1 << 20)


def side_by_side(
    caption: str, heading: str, named: Mapping[str, Mapping[str, str]], source: str, missing: str
) -> Table:
    """A column each, or, for many, the commonest value and who differs: most facts are the same."""
    keys = list(dict.fromkeys(key for own in named.values() for key in own))
    values = {key: [own.get(key, missing) for own in named.values()] for key in keys}
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
