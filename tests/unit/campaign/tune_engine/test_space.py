"""What a search may try, and what is refused before anything starts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from tests.campaigns import FAST, config

from assay.campaign.servers import only
from assay.campaign.tune_engine.objectives import Offline
from assay.campaign.tune_engine.places import Place
from assay.campaign.tune_engine.setups import config_of_run, config_with
from assay.campaign.tune_engine.space import DEFAULT, Setup, Space, nodes_of
from assay.cluster.options import KubernetesOptions
from assay.deploy.specs import server_specs
from assay.engines import build_engine
from assay.errors import UserError
from assay.runs.setups import setup_words, with_setup

TWO_CARDS = {"nodes": [{"name": "node-a", "accelerators": 2}]}
VLLM = {"kind": "vllm", "model": "/models/m"}


def space(folder: Path, engine: dict[str, Any] | None = None, cluster: Any = None, **tuning: Any) -> Space:
    """Of a configuration with the simulated engine on one node, unless another is given."""
    changes = {"engine": engine or {**FAST, "speeds": {}}, "cluster": cluster or {"nodes": [{"name": "node-a"}]}}
    return Space(config(folder, **changes, campaign={"kind": "tune-engine", "engine": tuning}))


def setups(of: Space) -> list[Setup]:
    return [of.setup(point) for point in of.points()]


def test_only_listed_values_are_tried_and_the_configurations_own_are_not_named(tmp_path: Path) -> None:
    found = setups(space(tmp_path, settings={"max_num_seqs": [8, 4], "itl_ms": [1, 2]}))
    assert found == [
        DEFAULT,
        Setup({"max_num_seqs": 8}, None),
        Setup({"itl_ms": 2.0}, None),
        Setup({"max_num_seqs": 8, "itl_ms": 2.0}, None),
    ]


def test_a_window_needs_no_start_and_is_no_dimension(tmp_path: Path) -> None:
    of = space(tmp_path, settings={"window": [2, 4, 16]})
    assert of.size == 0
    assert of.windows == (None, 2, 16), "the engine's own, 4, is None"
    assert of.most_in_flight == 16


def test_replicas_are_servers_on_each_node(tmp_path: Path) -> None:
    assert setups(space(tmp_path, layouts=[{"replicas": 1}, {"replicas": 2}])) == [DEFAULT, Setup({}, 2)]


def test_layouts_of_two_accelerators(tmp_path: Path) -> None:
    layouts = [{"tensor": 2}, {"pipeline": 2}, {"data": 2}, {"replicas": 2}]
    assert setups(space(tmp_path, VLLM, TWO_CARDS, layouts=layouts)) == [
        Setup({"tensor_parallel": 2}, None),
        Setup({"pipeline_parallel": 2}, None),
        Setup({"data_parallel": 2}, None),
        DEFAULT,  # two servers of one accelerator each are what the configuration starts
    ]


def test_a_layout_without_replicas_fills_the_node_even_where_the_configuration_limits_its_servers(
    tmp_path: Path,
) -> None:
    cluster = {"nodes": [{"name": "node-a", "accelerators": 4, "servers": 1}]}
    (found,) = setups(space(tmp_path, VLLM, cluster, layouts=[{"tensor": 2}]))
    assert found == Setup({"tensor_parallel": 2}, 2)


def test_what_vllm_is_told(tmp_path: Path) -> None:
    tried = {"chunked_prefill": [True, False], "stream_interval": [8], "kv_cache_dtype": ["fp8"]}
    of = space(tmp_path, VLLM, settings=tried)
    assert of.size == 2
    assert [setup.settings["chunked_prefill"] for setup in setups(of)] == [True, False]


@pytest.mark.parametrize(
    ("tuning", "message"),
    [
        (
            {"settings": {"max_num_seq": [1]}},
            r"settings.max_num_seq: simulated has no such setting to search; it has .*",
        ),
        ({"settings": {"model": ["other"]}}, "settings.model: simulated has no such setting"),
        ({"settings": {"max_num_seqs": [0]}}, "settings.max_num_seqs: 0: input should be greater than or equal to 1"),
        ({"settings": {"max_num_seqs": ["many"]}}, "settings.max_num_seqs: 'many': "),
        ({"settings": {"itl_ms": [1, 1.0]}}, "settings.itl_ms: 1.0 is listed twice"),
        ({"layouts": [{"tensor": 2}]}, "layouts: tensor 2: simulated has no parallel layouts, only replicas"),
    ],
)
def test_what_cannot_be_tried_is_named_with_its_place(tmp_path: Path, tuning: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        space(tmp_path, **tuning)


def test_layouts_must_use_the_same_accelerators(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="tensor 2, replicas 2: takes 4 of the 2 accelerators of node node-a"):
        space(tmp_path, VLLM, TWO_CARDS, layouts=[{"tensor": 2, "replicas": 2}])


def test_a_size_that_the_nodes_do_not_suit_is_refused_beforehand(tmp_path: Path) -> None:
    of = space(tmp_path, VLLM, TWO_CARDS, settings={"tensor_parallel": [1, 4]})
    with pytest.raises(UserError, match="one server needs 4 accelerators"):
        of.check()


SSH = {
    "launcher": "ssh",
    "nodes": [{"name": "node-a", "accelerators": 2}, {"name": "node-b", "accelerators": 2}],
}
PODS = {"launcher": "kubernetes", "image": "vllm/vllm-openai", "replicas": 4, "accelerators": 2, "cost_per_hour": 3}


def test_one_server_over_two_nodes_is_a_layout(tmp_path: Path) -> None:
    of = space(tmp_path, VLLM, SSH, layouts=[{"tensor": 2}, {"nodes": 2, "tensor": 2, "pipeline": 2}])
    of.check()
    over_both = Setup({"tensor_parallel": 2, "pipeline_parallel": 2}, None, 2)
    assert setups(of) == [Setup({"tensor_parallel": 2}, None), over_both]
    own = config(tmp_path, engine=VLLM, cluster=SSH)
    assert nodes_of(own, DEFAULT) == ["node-a", "node-b"]
    assert nodes_of(own, over_both) == ["node-a"], "a group is called by the node that leads it"
    assert setup_words(over_both.settings, None, server_nodes=2).endswith("pipeline_parallel 2, servers over 2 nodes")


@pytest.mark.parametrize("launcher", ["ssh", "slurm"])
def test_a_run_over_two_nodes_starts_its_server_on_both(tmp_path: Path, launcher: str) -> None:
    cluster = {**SSH, "launcher": launcher} | ({"folder": "/shared"} if launcher == "slurm" else {})
    own = config(tmp_path, engine=VLLM, cluster=cluster, queries={"Offline": 8}, campaign={"kind": "tune-engine"})
    setup = Setup({"tensor_parallel": 2, "pipeline_parallel": 2}, None, 2)
    (run,) = Offline(own).runs(Place(setup, None, "short", 1), nodes_of(own, setup), 1, None)
    engine, placed = only(config_of_run(own, run), run.nodes)
    (server,) = server_specs(build_engine(engine), placed)
    assert [node.name for group in placed.groups().values() for node in group] == ["node-a", "node-b"]
    assert (server.node, server.accelerators) == ("node-a", (0, 1, 2, 3))
    assert server.spread is not None
    assert "--headless" in server.spread.follower


def test_servers_that_are_spread_may_be_tried_on_one_node_each(tmp_path: Path) -> None:
    cluster = {**SSH, "nodes_per_server": 2}
    layouts = [{"tensor": 2, "pipeline": 2}, {"nodes": 1, "tensor": 2}]
    of = space(tmp_path, {**VLLM, "tensor_parallel": 4}, cluster, layouts=layouts)
    of.check()
    assert setups(of) == [
        Setup({"tensor_parallel": 2, "pipeline_parallel": 2}, None),
        Setup({"tensor_parallel": 2}, None, 1),
    ]
    assert setup_words({}, None, server_nodes=1) == "servers on one node"


def test_pods_are_as_many_however_servers_are_spread(tmp_path: Path) -> None:
    of = space(tmp_path, VLLM, PODS, layouts=[{"nodes": 2, "tensor": 4}, {"nodes": 4, "tensor": 4, "pipeline": 2}])
    of.check()
    assert [setup.server_nodes for setup in setups(of)] == [2, 4]
    own = config(tmp_path, engine=VLLM, cluster=PODS)
    spread = config_with(own, {"tensor_parallel": 4}, None, 2).cluster
    assert isinstance(spread, KubernetesOptions)
    assert (spread.pods_per_server, spread.replicas, spread.cost_per_hour) == (2, 2, 6)


@pytest.mark.parametrize(
    ("engine", "cluster", "layout", "message"),
    [
        (VLLM, TWO_CARDS, {"nodes": 2, "tensor": 4}, "nodes 2, tensor 4: the local launcher starts each server on one"),
        (VLLM, SSH, {"nodes": 3, "tensor": 6}, "nodes_per_server: 2 nodes can't be shared out in groups of 3"),
        (VLLM, SSH, {"nodes": 2, "tensor": 2}, "layouts: nodes 2, tensor 2: engine: one server takes 2 accelerators"),
        (VLLM, SSH, {"nodes": 2, "data": 4}, "engine.data_parallel: a server over several nodes has one copy"),
        (VLLM, SSH, {"nodes": 2, "tensor": 2, "replicas": 2}, "a server over several nodes has no replicas there"),
        (VLLM, PODS, {"nodes": 3, "tensor": 6}, "4 pods (replicas x pods_per_server) can't be shared out by 3"),
        ({"kind": "embedded"}, SSH, {"nodes": 2}, "only the vllm engine spreads one model over several nodes"),
    ],
)
def test_what_cannot_be_spread_is_refused_beforehand(
    tmp_path: Path, engine: dict[str, Any], cluster: dict[str, Any], layout: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=re.escape(message)):
        space(tmp_path, engine, cluster, layouts=[layout]).check()


def test_runs_over_several_nodes_are_of_the_group_and_their_plan_says_so(tmp_path: Path) -> None:
    """Also in the audit, which holds a run's configuration against the campaign's and its plan."""
    own = config(tmp_path, engine=VLLM, cluster=SSH, queries={"Offline": 8}, campaign={"kind": "tune-engine"})
    setup = Setup({"tensor_parallel": 2, "pipeline_parallel": 2}, None, 2)
    (run,) = Offline(own).runs(Place(setup, None, "final", 3), nodes_of(own, setup), 5, None)
    assert (run.nodes, run.server_nodes, run.start) == (["node-a"], 2, 3)
    assert not run.as_configured
    assert run.asked["server_nodes"] == 2
    carried_out_with = config_of_run(own, run)
    assert carried_out_with.cluster.group_size == 2
    plain = with_setup(own.model_dump(mode="json"), run.settings, run.servers, run.server_nodes)
    assert plain == carried_out_with.model_dump(mode="json")
