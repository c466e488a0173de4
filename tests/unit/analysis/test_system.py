"""A campaign's system: the hardware of all its runs, each node once whatever ran on it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from assay.analysis.campaign import CampaignAnalysis
from assay.runs.record import EndpointFacts


def endpoint(name: str, node: str, accelerators: int, followers: tuple[str, ...] = ()) -> EndpointFacts:
    return EndpointFacts(
        name=name, url="http://127.0.0.1:9", node=node, followers=list(followers), accelerators=["H200"] * accelerators,
        engine="vllm", model="m", window=8,
    )  # fmt: skip


REPLICAS = [endpoint("gpu-0", "gpu", 1), endpoint("gpu-1", "gpu", 1)]
TENSOR = [endpoint("gpu", "gpu", 2)]
NODE_A, NODE_B = endpoint("a", "a", 8), endpoint("b", "b", 4)
BOTH = endpoint("a", "a", 12, ("b",))


@pytest.mark.parametrize(
    ("runs", "accelerators"),
    [
        ([REPLICAS, TENSOR, REPLICAS], 2),  # layouts of the same two
        ([[endpoint("gpu-0", "gpu", 1)], TENSOR], 2),
        ([[NODE_A], [NODE_B], [NODE_A, NODE_B]], 12),  # each alone, then both
        ([[NODE_A], [NODE_B]], 12),
        ([[NODE_A, NODE_B], [BOTH]], 12),  # one server over both
        ([], 0),
    ],
)
def test_the_same_hardware_counts_once(runs: list[list[EndpointFacts]], accelerators: int) -> None:
    lines = [SimpleNamespace(record=SimpleNamespace(endpoints=endpoints)) for endpoints in runs]
    found = cast(Any, CampaignAnalysis).system.fget(SimpleNamespace(lines=lines))
    assert sum(len(one.accelerators) for one in found) == accelerators
