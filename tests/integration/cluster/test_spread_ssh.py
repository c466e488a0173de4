"""One server over two SSH hosts, by a stand-in that needs both: one endpoint, a part's end, nothing left."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.rig.hosts import PAIRED, Hosts, gone

from assay.cluster import LaunchError
from assay.cluster.options import SshOptions
from assay.deploy import Deployment
from assay.engines import VllmOptions

pytestmark = pytest.mark.ssh
LONG_S = 120


@pytest.fixture
def cluster(ssh_options: SshOptions) -> SshOptions:
    """node2, which leads, and node3, with two accelerators each."""
    nodes = [{"name": node.name, "accelerators": 2} for node in ssh_options.nodes]
    return SshOptions.model_validate({**ssh_options.model_dump(), "nodes": nodes, "nodes_per_server": 2})


def standing_in(hosts: Hosts, *arguments: str) -> VllmOptions:
    """vLLM, whose interpreter starts the stand-in whatever it is asked for."""
    python = hosts.shared / "paired_python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} {PAIRED} "$@"\n')
    python.chmod(0o755)
    settings: dict[str, Any] = {"model": "m", "tensor_parallel": 4, "python": str(python), "env": {"A": "b"}}
    return VllmOptions(kind="vllm", ready_timeout_s=LONG_S, extra_args=arguments, **settings)


def told(log: str) -> dict[str, Any]:
    """What a process of the stand-in said of itself."""
    line = next(line for line in log.splitlines() if line.startswith("{"))
    found: dict[str, Any] = json.loads(line)
    return found


async def test_one_endpoint_on_two_nodes_ends_with_either(hosts: Hosts, cluster: SshOptions, tmp_path: Path) -> None:
    lost: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
    heard: dict[str, asyncio.Event] = {"node2": asyncio.Event(), "node3": asyncio.Event()}
    async with asyncio.timeout(LONG_S):
        async with Deployment(
            standing_in(hosts), cluster, label="spread", folder=tmp_path,
            on_lost=lambda name, why: lost.put_nowait((name, why)), heard=lambda node, line: heard[node].set(),
        ) as deployment:  # fmt: skip
            (endpoint,) = deployment.endpoints
            assert [node.hostname for node in deployment.nodes] == ["node2", "node3"]
            await asyncio.gather(*(event.wait() for event in heard.values()))
            follower = told(hosts.run(3, "cat", ".cache/assay/servers/spread/node2_1.log"))
            hosts.run(3, "kill", "-9", str(follower["pid"]))
            name, why = await lost.get()
            while any("paired_server" in line for line in hosts.processes(2)):
                await asyncio.sleep(0.1)
    assert (name, why.partition(" (")[0]) == ("node2", "its part on node3: killed by SIGKILL")
    assert (endpoint.node, endpoint.followers, len(endpoint.accelerators)) == ("node2", ["node3"], 4)
    logs = [(tmp_path / "endpoints" / f"{name}.log").read_text() for name in ("node2", "node2_1")]
    assert told(logs[1]) == follower
    assert "followers: 1" in logs[0]
    assert [
        (part["rank"], part["CUDA_VISIBLE_DEVICES"], part["VLLM_HOST_IP"], part["A"]) for part in map(told, logs)
    ] == [
        (0, "0,1", hosts.address(2), "b"),
        (1, "0,1", hosts.address(3), "b"),
    ]
    assert deployment.problems == []
    assert gone(hosts, 2)
    assert gone(hosts, 3)


async def test_a_follower_that_can_not_start_shows_its_words(hosts: Hosts, cluster: SshOptions, tmp_path: Path) -> None:
    with pytest.raises(LaunchError) as caught:
        async with Deployment(standing_in(hosts, "--fail-rank", "1"), cluster, label="unled", folder=tmp_path):
            raise AssertionError("it became ready")
    message = str(caught.value)
    assert "server node2 on node2 ended before it was ready: its part on node3: exit code 1" in message
    assert "no kernel image for this GPU" in message
    assert gone(hosts, 2)
    assert gone(hosts, 3)
