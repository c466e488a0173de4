"""What a search may try, and what is refused before anything starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.campaigns import FAST, config

from assay.campaign.tune_engine.space import DEFAULT, Setup, Space
from assay.errors import UserError

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
