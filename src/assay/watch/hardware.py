"""What a node's hardware does, in figures that people read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assay.watch.nodes import Node

UNKNOWN = "-"
_GIB = 1 << 30
_NAMED = 4


@dataclass(frozen=True)
class NodeWords:
    """One node now. Of several accelerators: the mean of their work and of their memory's use, the sum of their power,
    the slowest clock, the hottest."""

    name: str
    state: str
    """What is wrong, in a word: silent (its readings are old) or slowed (by an accelerator's own driver)."""
    gpus: str
    """How many; empty: it tells of none."""
    busy: str
    gpu_memory: str
    power: str
    clock: str
    temperature: str
    cpu: str
    memory: str


def words_of(node: Node) -> NodeWords:
    powers = _each(node, "power_w")
    clocks, temperatures = _each(node, "sm_clock_mhz"), _each(node, "temperature_c")
    return NodeWords(
        name=node.name,
        state="silent" if node.silent else "slowed" if _slowed(node) else "",
        gpus=str(len(node.gpus) or ""),
        busy=_percent(_each(node, "utilization_percent")),
        gpu_memory=_gpu_memory(node),
        power=f"{sum(powers):,.0f} W" if powers else UNKNOWN,
        clock=f"{min(clocks):,.0f} MHz" if clocks else UNKNOWN,
        temperature=f"{max(temperatures):.0f} °C" if temperatures else UNKNOWN,
        cpu=_percent(_host(node, "cpu_percent")),
        memory=_memory(node),
    )


def hardware_lines(nodes: Sequence[Node]) -> list[str]:
    """A line each for the first nodes of those that are silent, slowed down or idle, and how many others there are."""
    ordered = sorted(nodes, key=rank) if len(nodes) > _NAMED else nodes
    lines = [_line(words_of(node)) for node in ordered[:_NAMED]]
    more = len(nodes) - _NAMED
    return [*lines, f"and {more} more node{'' if more == 1 else 's'}"] if more > 0 else lines


def rank(node: Node) -> tuple[bool, bool, float, str]:
    """Sorts nodes: first those that are silent, then those that are slowed down, then the idle."""
    busy = _each(node, "utilization_percent") or _host(node, "cpu_percent")
    return not node.silent, not _slowed(node), _mean(busy) if busy else 0.0, node.name


def _line(words: NodeWords) -> str:
    named = [
        ("GPU", words.busy),
        ("GPU memory", words.gpu_memory),
        ("power", words.power),
        ("clock", words.clock),
        ("temperature", words.temperature),
        ("CPU", words.cpu),
        ("memory", words.memory),
    ]
    parts = [words.state] if words.state else []
    parts += [f"{name} {value}" for name, value in named if value != UNKNOWN]
    return f"{words.name}: {', '.join(parts)}"


def _slowed(node: Node) -> bool:
    return any(node.slowed_by(gpu) for gpu in node.gpus)


def _each(node: Node, metric: str) -> list[float]:
    """The newest reading of each accelerator that has one."""
    return [value for gpu in node.gpus if (value := node.value(metric, gpu)) is not None]


def _host(node: Node, metric: str) -> list[float]:
    value = node.value(metric)
    return [] if value is None else [value]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _percent(values: Sequence[float]) -> str:
    return f"{_mean(values):.0f} %" if values else UNKNOWN


def _gpu_memory(node: Node) -> str:
    """The share of all where that is known, else how much."""
    used = {gpu: value for gpu in node.gpus if (value := node.value("memory_used_bytes", gpu)) is not None}
    if used and used.keys() <= node.gpu_memory_bytes.keys():
        return f"{100 * sum(used.values()) / sum(node.gpu_memory_bytes[gpu] for gpu in used):.0f} %"
    return _amount(sum(used.values())) if used else UNKNOWN


def _memory(node: Node) -> str:
    used = node.value("memory_used_bytes")
    if used is None:
        return UNKNOWN
    return f"{100 * used / node.memory_bytes:.0f} %" if node.memory_bytes else _amount(used)


def _amount(value: float) -> str:
    return f"{value / _GIB:,.1f} GiB"
