"""What a run's nodes cost is what its configuration says."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from assay.audit.evidence import RunEvidence
from assay.audit.folder import FolderFacts
from assay.audit.registry import Check, contradicted, run_rule, supported
from assay.runs.cost import ALL_ENDPOINTS, CostFacts

_NEAR = 1e-9


@run_rule(
    "prices",
    explain="""
run.json names what each node of the run costs an hour, and which have no price; config.yaml gave the prices: of nodes,
of a server's pods, or of external endpoints, each or all together (which says nothing of a run on some of them). The
currency and each price are the same in both, every node that the run was given is in one of the two lists, with the
nodes that a server is spread over, and no other is.
""",
    source="cost in run.json against currency and cost_per_hour in config.yaml",
)
def check(run: RunEvidence) -> Iterator[Check]:
    facts = run.folder
    if facts is None or facts.record.cost is None or not facts.config:
        return
    cost = facts.record.cost
    found = [contradicted(words, sums) for words, sums in _problems(facts, cost)]
    yield from found
    if not found:
        yield supported("its prices are the configuration's", f"{len(cost.per_hour)} in {cost.currency}")


def _problems(facts: FolderFacts, cost: CostFacts) -> Iterator[tuple[str, str]]:
    if cost.currency != facts.config.get("currency"):
        yield f"prices in {cost.currency}", f"config.yaml names {facts.config.get('currency') or 'no currency'}"
    named = _prices(facts)
    for node, price in cost.per_hour.items():
        if node not in named:
            continue
        configured = named[node]
        if configured is None:
            yield f"{node} costs {price:g} an hour", "config.yaml has no such price"
        elif not math.isclose(price, configured, rel_tol=_NEAR):
            yield f"{node} costs {price:g} an hour", f"{configured:g} in config.yaml"
    for node in cost.unpriced:
        if (configured := named.get(node)) is not None:
            yield f"{node} has no price", f"{configured:g} an hour in config.yaml"
    given, listed = set(named), {*cost.per_hour, *cost.unpriced}
    if left_out := sorted(given - listed):
        yield "its prices are of all its nodes", f"left out: {', '.join(left_out)}"
    if strangers := sorted(listed - given):
        yield "its prices are of its own nodes", f"not of the run: {', '.join(strangers)}"


def _prices(facts: FolderFacts) -> dict[str, float | None]:
    """What config.yaml says of each node of the run; None: no price."""
    engine, cluster = _section(facts.config, "engine"), _section(facts.config, "cluster")
    nodes = facts.record.nodes
    if engine.get("kind") == "external":
        return _of_endpoints(engine, nodes)
    if "cost_per_hour" in cluster:  # of each server's pods together
        return {node: _price(cluster) for node in nodes}
    listed = {str(node.get("name")): _price(node) for node in _items(cluster, "nodes")}
    together = cluster.get("nodes_per_server")
    size = together if isinstance(together, int) and together > 0 else 1
    names = list(listed)
    groups = {names[at]: names[at : at + size] for at in range(0, len(names), size)}
    return {member: listed.get(member) for node in nodes for member in groups.get(node, [node])}


def _of_endpoints(engine: Mapping[str, Any], nodes: list[str]) -> dict[str, float | None]:
    """A node's is the sum of its endpoints'."""
    found: dict[str, list[float | None]] = {}
    for endpoint in _items(engine, "endpoints"):
        found.setdefault(_node(endpoint), []).append(_price(endpoint))
    if (whole := _price(engine)) is not None:
        return {ALL_ENDPOINTS: whole} if set(found) <= set(nodes) else dict.fromkeys(nodes)
    summed = {node: None if None in own else math.fsum(filter(None, own)) for node, own in found.items()}
    return {node: summed.get(node) for node in nodes}


def _node(endpoint: Mapping[str, Any]) -> str:
    """Its host, where config.yaml doesn't say it."""
    if endpoint.get("node"):
        return str(endpoint["node"])
    try:
        return str(urlsplit(str(endpoint.get("url"))).hostname)
    except ValueError:  # none that Assay wrote
        return ""


def _price(of: Mapping[str, Any]) -> float | None:
    price = of.get("cost_per_hour")
    return price if isinstance(price, int | float) and not isinstance(price, bool) else None


def _section(of: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = of.get(name)
    return section if isinstance(section, dict) else {}


def _items(of: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    items = of.get(name)
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
