"""What a node has that the others don't: settings, versions, hardware and placement, from the run's own records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from assay.analysis.flat import flat
from assay.runs.record import EndpointFacts, RunRecord

_UNLIKE_BY_NATURE = {"seed", "port", "host", "uuid", "index"}
_SYSTEM = {
    "cpu_model": "processor",
    "cpu_count": "processors that a process may use",
    "cpu_governor": "frequency governor",
    "os": "operating system",
    "kernel": "kernel",
    "python_version": "Python",
}
_ACCELERATOR = {
    "name": "accelerator",
    "driver_version": "driver",
    "power_limit_w": "power limit (W)",
    "sm_clock_max_mhz": "highest SM clock (MHz)",
    "ecc_enabled": "ECC",
    "mig_enabled": "MIG",
}
_MOST_NAMED = 3

Facts = dict[str, str]


def endpoints_by_node(record: RunRecord) -> dict[str, list[EndpointFacts]]:
    """A run's endpoints by the node that they are on."""
    found: dict[str, list[EndpointFacts]] = {}
    for endpoint in record.endpoints:
        found.setdefault(endpoint.node, []).append(endpoint)
    return found


def told_of_nodes(endpoints: Mapping[str, Sequence[EndpointFacts]], system: Mapping[str, Any]) -> dict[str, Facts]:
    """What the run's records say of each node."""
    machines: dict[str, list[Mapping[str, Any]]] = {}
    for told in system.get("nodes") or ():
        machines.setdefault(told.get("name"), []).append(told)
    return {node: _facts(own, machines) for node, own in endpoints.items()}


def differences(node: str, peers: Sequence[str], told: Mapping[str, Facts]) -> list[str]:
    """Facts of the node whose value none of its peers has, in words, those of the engine first.

    A difference isn't a proof that it is the cause.
    """
    own = told.get(node, {})
    others = [told[peer] for peer in peers if peer in told]
    found = []
    for fact, value in own.items():
        theirs = list(dict.fromkeys(other[fact] for other in others if fact in other))
        if theirs and value not in theirs:
            shown = ", ".join(theirs[:_MOST_NAMED]) + ", …" * (len(theirs) > _MOST_NAMED)
            found.append(f"{fact} is {value} at {node}, {shown} at {peers[0] if len(peers) == 1 else 'the others'}")
    return found


def _facts(own: Sequence[EndpointFacts], machines: Mapping[str, Sequence[Mapping[str, Any]]]) -> Facts:
    found: dict[str, set[str]] = {}
    known = dict.fromkeys(name for endpoint in own for name in endpoint.machines)
    for fact, value in (*_of_endpoints(own), *_of_system([told for name in known for told in machines.get(name, ())])):
        found.setdefault(fact, set()).add(value)
    return {fact: " and ".join(sorted(values)) for fact, values in found.items()}


def _of_endpoints(own: Sequence[EndpointFacts]) -> Iterator[tuple[str, str]]:
    for endpoint in own:
        for name, value in flat(endpoint.settings).items():
            if name.rpartition(".")[2] not in _UNLIKE_BY_NATURE:
                yield f"`{name}`", value
        yield "the engine", f"{endpoint.engine} {endpoint.engine_version or ''}".strip()
        yield "the model", endpoint.model
        yield "the path to it", endpoint.path
        if endpoint.window is not None:
            yield "the most in flight", str(endpoint.window)
    yield "the number of endpoints", str(len(own))
    yield "the number of accelerators", str(sum(len(endpoint.accelerators) for endpoint in own))


def _of_system(machines: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for told in machines:
        for accelerator in told.get("accelerators") or ():
            yield from _named(accelerator if isinstance(accelerator, dict) else {"name": accelerator}, _ACCELERATOR)
        yield from _named(told, _SYSTEM)
        if memory := told.get("memory_total_bytes"):
            yield "the memory", f"{memory / (1 << 30):.0f} GiB"


def _named(told: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for key, name in names.items():
        value = told.get(key)
        if value not in (None, "", 0):
            yield f"the {name}", _word(value)
        elif value is False:
            yield f"the {name}", "off"


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "on"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
