"""Servers that are set up otherwise than a campaign's configuration says, in some of its runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def with_setup(
    config: Mapping[str, Any], settings: Mapping[str, Any], servers: int | None, server_nodes: int | None = None
) -> dict[str, Any]:
    """A configuration as plain data, with other options of its engine, and with other numbers of servers on its nodes
    or servers that are spread over so many of them."""
    engine = {**_section(config, "engine"), **settings}
    cluster = _section(config, "cluster")
    if servers is not None:
        nodes = cluster.get("nodes")
        listed = [{**node, "servers": servers} for node in nodes] if isinstance(nodes, list | tuple) else nodes
        cluster = {**cluster, "nodes": listed}
    if server_nodes is not None:
        cluster = _spread(cluster, server_nodes)
    return {**config, "engine": engine, "cluster": cluster}


def _spread(cluster: dict[str, Any], over: int) -> dict[str, Any]:
    """Pods are as many as before; of nodes that hold one server together none says how many it has."""
    if "pods_per_server" not in cluster:
        nodes = cluster.get("nodes")
        alone = [{**node, "servers": None} for node in nodes] if isinstance(nodes, list | tuple) else nodes
        return {**cluster, "nodes": alone, "nodes_per_server": over}
    own, servers, cost = (cluster.get(name) for name in ("pods_per_server", "replicas", "cost_per_hour"))
    priced = {} if cost is None else {"cost_per_hour": cost * over / (own or 1)}
    return {**cluster, **priced, "pods_per_server": over, "replicas": (servers or 1) * (own or 1) // over}


def setup_words(
    settings: Mapping[str, Any], servers: int | None, window: int | None = None, server_nodes: int | None = None
) -> str:
    """Such as "max_num_seqs 128, 2 servers a node", "tensor_parallel 2, servers over 2 nodes", or "as configured,
    window 8"."""
    words = [f"{name} {_words(value)}" for name, value in settings.items()]
    words += [] if servers is None else [f"{servers} server{'' if servers == 1 else 's'} a node"]
    if server_nodes is not None:
        words.append("servers on one node" if server_nodes == 1 else f"servers over {server_nodes} nodes")
    words = words or ["as configured"]
    return ", ".join([*words, *([f"window {window}"] if window else [])])


def _section(config: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = config.get(name)
    return dict(found) if isinstance(found, dict) else {}


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is None:
        return "unset"
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else f"{value}"
