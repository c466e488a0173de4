"""Nodes that one server is spread over: those that come after each other in the list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from assay.serving.nodes import NodeOptions

N = TypeVar("N", bound=NodeOptions)


def in_groups(nodes: Sequence[N], size: int) -> dict[str, tuple[N, ...]]:
    """Groups of `size`, each by the name of its first node, which leads it."""
    return {nodes[at].name: tuple(nodes[at : at + size]) for at in range(0, len(nodes), size)}


def as_one(group: Sequence[NodeOptions]) -> NodeOptions:
    """A group as a node of the results; its accelerators are counted through."""
    prices = [node.cost_per_hour for node in group if node.cost_per_hour is not None]
    return NodeOptions(
        name=group[0].name,
        accelerators=tuple(range(sum(len(node.accelerators) for node in group))),
        cost_per_hour=sum(prices) if len(prices) == len(group) else None,
    )


def require_groups(nodes: Sequence[NodeOptions], size: int) -> None:
    """Raises ValueError where the nodes can't be shared out in groups of `size` alike."""
    if len(nodes) % size:
        raise ValueError(
            f"nodes_per_server: {len(nodes)} nodes can't be shared out in groups of {size}: add or leave out nodes"
        )
    for group in in_groups(nodes, size).values():
        names = ", ".join(node.name for node in group)
        counts = [len(node.accelerators) for node in group]
        if len(set(counts)) > 1:
            told = ", ".join(map(str, counts))
            raise ValueError(
                f"nodes_per_server: {names} are one server's and have {told} accelerators: give each as many"
            )
        if any(node.servers for node in group):
            raise ValueError(f"nodes_per_server: {names} hold one server together: leave out their `servers`")
