"""A server over several nodes, from the configuration to the command lines, and what can't be spread."""

from __future__ import annotations

from typing import Any

import pytest

from assay.cluster.options import ClusterOptions
from assay.config import config_of
from assay.deploy.specs import server_specs
from assay.engines import build_engine
from assay.errors import UserError
from assay.serving.servers import LEADER, LEADER_PORT, NODES, RANK, ServerSpec, parts

VLLM = {"kind": "vllm", "model": "/models/m", "tensor_parallel": 4}


def specs(engine: dict[str, Any], accelerators: int = 2, nodes: int = 2) -> tuple[list[ServerSpec], ClusterOptions]:
    listed = [{"name": f"n{number}", "accelerators": accelerators} for number in range(nodes)]
    cluster = {"launcher": "ssh", "nodes": listed, "nodes_per_server": 2}
    config = config_of({"engine": engine, "cluster": cluster}, "a test's")
    return server_specs(build_engine(config.engine), config.cluster), config.cluster


def test_each_group_has_one_server_whose_leader_serves_and_whose_followers_follow() -> None:
    made, cluster = specs({**VLLM, "port": 8000}, nodes=4)
    assert [(spec.name, spec.node, spec.accelerators) for spec in made] == [
        ("n0", "n0", (0, 1, 2, 3)),
        ("n2", "n2", (0, 1, 2, 3)),
    ]
    leader, follower = parts(made[1], cluster.groups()["n2"])
    told = ["--nnodes", NODES, "--master-addr", LEADER, "--master-port", LEADER_PORT]
    for rank, part in enumerate((leader, follower)):
        assert set(told) < set(part.argv)
        assert part.argv[part.argv.index("--node-rank") + 1] == str(rank)
        assert part.accelerators == (0, 1)
    assert leader.argv[1:3] == ("-m", "vllm.entrypoints.openai.api_server")
    assert follower.argv[1:4] == ("-m", "vllm.entrypoints.cli.main", "serve")
    of_follower = " ".join(leader.argv[3:]).replace("--node-rank 0", "--node-rank 1")
    assert [*of_follower.split(), "--headless"] == list(follower.argv[4:])
    assert [(leader.name, leader.node, leader.port), (follower.name, follower.node, follower.port)] == [
        ("n2", "n2", 8000),
        ("n2_1", "n3", 0),
    ]
    assert RANK not in " ".join((*leader.argv, *follower.argv))


def test_without_accelerators_the_nodes_share_the_ranks_alone() -> None:
    made, cluster = specs({**VLLM, "tensor_parallel": 2}, accelerators=0)
    assert [part.accelerators for part in parts(made[0], cluster.groups()["n0"])] == [(), ()]


def test_a_server_on_one_node_is_its_only_part() -> None:
    spec = ServerSpec("a", "a", ("true",))
    assert parts(spec, ()) == [spec]


@pytest.mark.parametrize(
    ("engine", "message"),
    [
        ({"kind": "simulated"}, "only the vllm engine spreads one model over several nodes or pods"),
        ({**VLLM, "data_parallel": 2}, "a server over several nodes has one copy of its model"),
        ({**VLLM, "tensor_parallel": 8}, "one server takes 8 accelerators .* have 4 together: make these equal"),
        ({**VLLM, "tensor_parallel": 2}, "one server takes 2 accelerators .* have 4 together: make these equal"),
        ({**VLLM, "tensor_parallel": 3}, "3 accelerators .* can't be shared evenly by the 2 nodes"),
        ({**VLLM, "extra_args": ["--nnodes=2"]}, "--nnodes=2 is what assay sets"),
        (
            {**VLLM, "extra_args": ["--distributed-executor-backend=ray"]},
            "start `vllm serve` on the Ray cluster yourself",
        ),
        ({**VLLM, "extra_args": ["--seed", "7", "--distributed-executor-backend", "ray"]}, "or from Ray"),
        ({**VLLM, "extra_args": ["-n", "2"]}, "-n is what assay sets"),
    ],
)
def test_what_can_not_be_spread_is_told(engine: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        specs(engine)
