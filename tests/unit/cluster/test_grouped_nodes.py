"""Nodes that one server is spread over: how they are grouped, what a group is, and what each mistake is told."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from assay.cluster.options import ClusterOptions

ADAPTER: TypeAdapter[Any] = TypeAdapter(ClusterOptions)
LAUNCHERS = ({"launcher": "ssh"}, {"launcher": "slurm", "folder": "/shared"})


def cluster(launcher: dict[str, Any], size: int, *nodes: dict[str, Any]) -> Any:
    named = [{"name": name, **node} for name, node in zip("abcdefgh", nodes, strict=False)]
    return ADAPTER.validate_python({**launcher, "nodes": named, "nodes_per_server": size})


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_a_group_is_one_node_of_the_results(launcher: dict[str, Any]) -> None:
    options = cluster(launcher, 2, *[{"accelerators": [4, 5], "cost_per_hour": price} for price in (1, 2, 3, 4)])
    assert [(node.name, node.accelerators, node.cost_per_hour) for node in options.node_list()] == [
        ("a", (0, 1, 2, 3), 3),
        ("c", (0, 1, 2, 3), 7),
    ]
    assert {name: [node.name for node in group] for name, group in options.groups().items()} == {
        "a": ["a", "b"],
        "c": ["c", "d"],
    }
    assert [node.name for node in options.only(["c"]).nodes] == ["c", "d"]
    assert options.group_size == 2


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_alone_each_node_is_what_it_was(launcher: dict[str, Any]) -> None:
    options = cluster(launcher, 1, {"accelerators": [4], "servers": 1}, {})
    assert options.node_list() == options.nodes
    assert {name: [node.name for node in group] for name, group in options.groups().items()} == {"a": ["a"], "b": ["b"]}
    assert [node.name for node in options.only(["b"]).nodes] == ["b"]


def test_the_price_of_a_group_is_known_where_each_node_has_one() -> None:
    (group,) = cluster(LAUNCHERS[0], 2, {"cost_per_hour": 1}, {}).node_list()
    assert group.cost_per_hour is None


@pytest.mark.parametrize(
    ("size", "nodes", "message"),
    [
        (2, ({}, {}, {}), "3 nodes can't be shared out in groups of 2: add or leave out nodes"),
        (2, ({"accelerators": 4}, {"accelerators": 8}), "a, b are one server's and have 4, 8 accelerators"),
        (2, ({"servers": 1}, {}), "a, b hold one server together: leave out their `servers`"),
        (0, ({},), "greater than or equal to 1"),
    ],
)
def test_impossible_groups_are_told(size: int, nodes: tuple[dict[str, Any], ...], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        cluster(LAUNCHERS[0], size, *nodes)
    assert message in str(caught.value)


@pytest.mark.parametrize("launcher", ["local", "docker", "torchx"])
def test_other_launchers_spread_nothing(launcher: str) -> None:
    with pytest.raises(ValidationError, match="nodes_per_server"):
        ADAPTER.validate_python({"launcher": launcher, "image": "i", "scheduler": "s", "nodes_per_server": 2})
