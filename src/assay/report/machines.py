"""What hardware a run's endpoints had, in few words: for the line under a page's title, and beside what is compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from assay.report import format as fmt
from assay.runs.record import EndpointFacts

Node = Mapping[str, Any]
NOT_RECORDED = "hardware not recorded"
_NONE, _UNKNOWN = "none", "unknown"
_MOST_KINDS = 3


def nodes_of(systems: Iterable[Mapping[str, Any]]) -> list[Node]:
    """All nodes that some runs recorded, each as the last of them has it."""
    found = (node for system in systems for node in system.get("nodes", []) if isinstance(node, dict))
    return list({str(node.get("name")): node for node in found}.values())


def hardware_words(endpoints: Sequence[EndpointFacts], nodes: Sequence[Node]) -> str:
    """Such as "2 accelerators (H100), each node of 96 cores and 1,024 GiB, all on one machine"."""
    cards = [name for endpoint in endpoints for name in endpoint.accelerators]
    words = [f"{fmt.count(len(cards), 'accelerator')} ({', '.join(sorted(set(cards)))})"] if cards else []
    if not cards and nodes:
        words.append(_found([_name(item) for node in nodes for item in node.get("accelerators") or ()]))
    machines = Counter(machine for node in nodes if (machine := _machine(node)))
    if len(machines) == 1:
        words.append(f"{'each node' if len(nodes) > 1 else 'a node'} of {next(iter(machines))}")
    else:
        words += [f"{fmt.count(count, 'node')} of {machine}" for machine, count in machines.most_common(_MOST_KINDS)]
    if shared := _shared(nodes):
        words.append(shared)
    return ", ".join(words) or NOT_RECORDED


def no_accelerators(endpoints: Iterable[EndpointFacts], nodes: Iterable[Node]) -> str:
    """What stands where some endpoints name no accelerator: of servers that Assay didn't start nothing says that they
    have none, unless their nodes were looked at."""
    bare = {str(node.get("name")) for node in nodes if node.get("accelerators") == []}
    unseen = {machine for own in endpoints if own.engine == "external" for machine in own.machines} - bare
    return _UNKNOWN if unseen else _NONE


def _found(names: Sequence[str]) -> str:
    """Of nodes whose endpoints name no accelerator."""
    counted = ", ".join(f"{count} {fmt.TIMES} {name}" for name, count in sorted(Counter(names).items()))
    return f"{counted} that no endpoint is said to use" if counted else "CPU only"


def _name(item: object) -> str:
    return str(item.get("name", "unnamed")) if isinstance(item, dict) else str(item)


def _shared(nodes: Sequence[Node]) -> str:
    """On how few machines several nodes are; empty where each has its own, or one tells nothing of its machine."""
    machines = {str(node.get("boot_id") or "") for node in nodes}
    if "" in machines or len(machines) == len(nodes):
        return ""
    return "all on one machine" if len(machines) == 1 else f"on {len(machines)} machines"


def _machine(node: Node) -> str:
    cores, memory = node.get("cpu_count"), node.get("memory_total_bytes")
    known = [*([fmt.count(cores, "core")] if cores else []), *([fmt.size(memory)] if memory else [])]
    return " and ".join(known)
