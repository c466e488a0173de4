"""One server over two nodes of a real Slurm, by a stand-in that needs both: one endpoint, a part's end."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from tests.rig import slurm as rig
from tests.rig.hosts import PAIRED, REPOSITORY, Hosts, gone

pytestmark = [pytest.mark.slurm, pytest.mark.ssh]
LONG_S = 120

# On node1, as on a login node: a deployment whose follower is killed, on the other side of `kill`, once all is up.
DRIVER = (
    f"import sys; sys.path[:0] = [{str(REPOSITORY / 'src')!r}, {str(REPOSITORY)!r}]"
    + """
import asyncio, json
from pathlib import Path
from assay.cluster import LaunchError
from assay.cluster.options import SlurmOptions
from assay.deploy import Deployment
from assay.engines import VllmOptions

given = json.loads(sys.argv[1])
folder = Path(given["folder"])
engine, cluster = VllmOptions.model_validate(given["engine"]), SlurmOptions.model_validate(given["cluster"])

async def run():
    lost, heard = asyncio.Queue(), set()
    async with asyncio.timeout(given["limit_s"]):
        async with Deployment(
            engine, cluster, label="spread", folder=folder, on_lost=lambda *what: lost.put_nowait(what),
            heard=lambda node, line: heard.add(node)
        ) as up:
            while len(heard) < 2:
                await asyncio.sleep(0.1)
            log = Path(cluster.folder, "spread", "node2_1.log").read_text()
            follower = json.loads(next(line for line in log.splitlines() if line.startswith("{")))
            kill = ["srun", "--overlap", "--ntasks=1", "--nodes=1", "--nodelist=node3",
                    "--jobid=" + up._launcher.servers[0].handle["own_job"], "kill", "-9", str(follower["pid"])]
            await (await asyncio.create_subprocess_exec(*kill)).wait()
            reason = await lost.get()
    return {"endpoints": [one.model_dump() for one in up.endpoints], "nodes": [one.hostname for one in up.nodes],
            "heard": sorted(heard), "lost": reason, "problems": up.problems}

try:
    result = asyncio.run(run())
except LaunchError as error:
    result = {"error": str(error)}
print(json.dumps(result))
"""
)


@pytest.fixture(scope="module")
def slurm(hosts: Hosts) -> Iterator[None]:
    if reason := rig.why_not(False):
        pytest.skip(reason)
    try:
        rig.up(hosts, False)
        yield
    finally:
        rig.down(hosts)


def drive(hosts: Hosts, label: str, *arguments: str) -> Any:
    """Run the driver on node1; its result."""
    folder, python = hosts.shared / label, hosts.shared / "paired_python"
    folder.mkdir()
    python.write_text(f'#!/bin/sh\nexec {sys.executable} {PAIRED} "$@"\n')
    python.chmod(0o755)
    nodes = [{"name": name, "accelerators": 2} for name in ("node2", "node3")]
    cluster = {
        "launcher": "slurm", "nodes": nodes, "nodes_per_server": 2, "folder": str(folder / "jobs"),
        "python": sys.executable,
    }  # fmt: skip
    engine = {
        "kind": "vllm", "model": "m", "tensor_parallel": 4, "python": str(python), "ready_timeout_s": LONG_S,
        "extra_args": arguments,
    }  # fmt: skip
    request = json.dumps({"cluster": cluster, "engine": engine, "folder": str(folder), "limit_s": LONG_S})
    output = hosts.run(1, sys.executable, "-c", DRIVER, request, timeout_s=2 * LONG_S)
    return json.loads(output.splitlines()[-1])


def left(hosts: Hosts) -> list[str]:
    return [*hosts.run(1, "squeue", "-h", "-o", "%i").split(), *(str(node) for node in (2, 3) if not gone(hosts, node))]


def test_one_endpoint_on_two_nodes_ends_with_either(hosts: Hosts, slurm: None) -> None:
    done = drive(hosts, "killed")
    assert "endpoints" in done, done
    (endpoint,) = done["endpoints"]
    assert (endpoint["node"], endpoint["followers"], len(endpoint["accelerators"])) == ("node2", ["node3"], 4)
    assert endpoint["url"].startswith("http://node2:")
    assert done["nodes"] == done["heard"] == ["node2", "node3"]
    name, why = done["lost"]
    assert name == "node2"
    assert "; its part on node3: killed by SIGKILL" in why
    logs = [(hosts.shared / "killed" / "endpoints" / f"{name}.log").read_text() for name in ("node2", "node2_1")]
    assert "followers: 1" in logs[0]
    told = [json.loads(next(line for line in log.splitlines() if line.startswith("{"))) for log in logs]
    assert [(part["rank"], part["CUDA_VISIBLE_DEVICES"]) for part in told] == [(0, "0,1"), (1, "0,1")]
    assert done["problems"] == []
    assert left(hosts) == []


def test_a_follower_that_can_not_start_shows_its_words(hosts: Hosts, slurm: None) -> None:
    message = drive(hosts, "unled", "--fail-rank", "1")["error"]
    assert "its part on node3: exit code 1" in message
    assert "no kernel image for this GPU" in message
    assert left(hosts) == []
