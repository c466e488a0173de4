"""Servers that are set up otherwise than a campaign's configuration says, in some of its runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def with_setup(config: Mapping[str, Any], settings: Mapping[str, Any], servers: int | None) -> dict[str, Any]:
    """A configuration as plain data, with other options of its engine and other numbers of servers on its nodes."""
    engine = {**_section(config, "engine"), **settings}
    cluster = _section(config, "cluster")
    if servers is not None:
        nodes = cluster.get("nodes")
        listed = [{**node, "servers": servers} for node in nodes] if isinstance(nodes, list | tuple) else nodes
        cluster = {**cluster, "nodes": listed}
    return {**config, "engine": engine, "cluster": cluster}


def setup_words(settings: Mapping[str, Any], servers: int | None, window: int | None = None) -> str:
    """Such as "max_num_seqs 128, 2 servers a node", or "as configured, window 8"."""
    words = [f"{name} {_words(value)}" for name, value in settings.items()]
    words += [] if servers is None else [f"{servers} server{'' if servers == 1 else 's'} a node"]
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
