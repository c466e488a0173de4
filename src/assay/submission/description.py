"""What the runs' own files say of the system: the part of its description that nobody need be asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from assay.benchmarks.mlperf.system_fields import fields_of
from assay.runs import RunRecord, SystemRecord
from assay.runs.api import PromptForm
from assay.runs.node_facts import AcceleratorFacts, NodeFacts

_GIB = 1 << 30
_SENT: dict[PromptForm, str] = {"ids": "int32", "text": "text", "chat": "text"}


def measured(record: RunRecord, system: SystemRecord | None) -> dict[str, str]:
    """Field: what it is, for those that the runs' files tell. Nodes that differ in a thing leave it to be asked for."""
    found = _software(record, system)
    serving = {endpoint.node for endpoint in record.endpoints}
    nodes = [node for node in system.nodes if node.name in serving] if system else []
    if serving == {node.name for node in nodes}:  # else a server's node wasn't looked at
        found |= _nodes(nodes) | _accelerators(record, nodes)
    return {name: value for name, value in found.items() if value}


def _software(record: RunRecord, system: SystemRecord | None) -> dict[str, str]:
    engines = (f"{one.engine} {one.engine_version}" for one in record.endpoints if one.engine_version)
    versions = system.versions if system else {}
    drivers = {card.driver_version for node in system.nodes for card in node.accelerators} if system else set()
    stack = [f"driver {driver}" for driver in sorted(driver for driver in drivers if driver)]
    names = {"python": "Python", "mlcommons-loadgen": "LoadGen", "assay": "Assay"}
    stack += [f"{words} {versions[name]}" for name, words in names.items() if name in versions]
    return {
        "framework": ", ".join(dict.fromkeys(engines)),
        "other_software_stack": ", ".join(stack),
        "starting_weights_filename": record.model,
        "input_data_types": _SENT[record.api.form] if record.api else "",
    }


def _nodes(nodes: Sequence[NodeFacts]) -> dict[str, str]:
    kernels = (f"{node.os} ({node.kernel})" if node.kernel else node.os for node in nodes)
    return {
        "number_of_nodes": str(len(nodes)),
        "host_processor_model_name": _same(node.cpu_model for node in nodes),
        "host_memory_capacity": _same(_gib(node.memory_total_bytes) for node in nodes),
        "operating_system": _same(kernels),
    }


def _accelerators(record: RunRecord, nodes: Sequence[NodeFacts]) -> dict[str, str]:
    """Of those that the endpoints have; where no endpoint says which, of all that are in the nodes."""
    told = Counter(one.node for one in record.endpoints for _ in one.accelerators)
    cards = [card for node in nodes for card in node.accelerators]
    counts = [told[node.name] if told else len(node.accelerators) for node in nodes]
    if not any(counts):
        return {
            field.name: field.without_accelerators
            for field in fields_of("system")
            if field.without_accelerators is not None
        }
    names = {name for one in record.endpoints for name in one.accelerators} or {card.name for card in cards}
    return {
        "accelerators_per_node": _same(map(str, counts)),
        "accelerator_model_name": _same(names),
        "accelerator_memory_capacity": _same(_gib(card.memory_total_bytes) for card in cards),
        "accelerator_frequency": _same(_clock(card) for card in cards),
    }


def _clock(card: AcceleratorFacts) -> str:
    return f"{card.sm_clock_max_mhz} MHz" if card.sm_clock_max_mhz else ""


def _gib(size: int | None) -> str:
    return f"{size / _GIB:.3g} GiB" if size and size < 100 * _GIB else f"{round(size / _GIB)} GiB" if size else ""


def _same(values: Iterable[str]) -> str:
    """What all say alike; empty where they differ, or there is none."""
    distinct = set(values)
    return distinct.pop() if len(distinct) == 1 else ""
