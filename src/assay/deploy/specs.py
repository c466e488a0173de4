"""An engine on a cluster: the servers that are to be started."""

from __future__ import annotations

from dataclasses import replace

from assay.cluster.options import ClusterOptions
from assay.engines import Engine
from assay.errors import UserError
from assay.serving.servers import ServerSpec


def server_specs(engine: Engine, cluster: ClusterOptions) -> list[ServerSpec]:
    """The servers to start. Raises UserError where the nodes don't suit the engine or can't be compared."""
    _require_comparable(engine, cluster)
    return placed_specs(engine, cluster)


def _require_comparable(engine: Engine, cluster: ClusterOptions) -> None:
    """Raises UserError where nodes are one machine's hardware twice."""
    nodes = cluster.node_list()
    shared = len(nodes) > 1 and not all(node.accelerators for node in nodes)
    if cluster.is_one_machine and shared and not engine.simulated:
        raise UserError(
            f"cluster.nodes: {len(nodes)} nodes on one machine would share its hardware and compare nothing; "
            "give each accelerators of its own, use `servers: N` on one node, or the simulated engine"
        )


def placed_specs(engine: Engine, cluster: ClusterOptions) -> list[ServerSpec]:
    """The servers that the nodes hold. Raises UserError where the nodes don't suit the engine."""
    nodes = cluster.node_list()
    if cluster.group_size == 1:
        return engine.servers(nodes)
    spreads = {node.name: engine.spread(node, cluster.group_size) for node in nodes}
    return [replace(spec, spread=spreads[spec.node]) for spec in engine.servers(nodes)]
