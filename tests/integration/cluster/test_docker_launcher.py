"""Containers of a real dockerd, reached through an SSH-forwarded socket."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from tests.control import get_json
from tests.orphans import leave_servers_behind
from tests.rig import image
from tests.rig.hosts import Hosts

from assay.cluster import LaunchError
from assay.cluster.docker import DockerLauncher
from assay.cluster.options import DockerOptions
from assay.deploy import Deployment, stop_deployment
from assay.deploy.check import CheckOutcome, check_cluster
from assay.engines import SimulatedOptions
from assay.serving.servers import ServerSpec

pytestmark = [pytest.mark.docker, pytest.mark.ssh]
SIMULATED = SimulatedOptions(kind="simulated", itl_ms=1)


def options(hosts: Hosts, number: int, **changes: Any) -> DockerOptions:
    node = {"name": f"node{number}", **changes.pop("node", {})}
    return DockerOptions.model_validate({
        "launcher": "docker",
        "ssh": True,
        "nodes": [node],
        "image": image.NAME,
        "python": str(image.PYTHON),
        "config_file": str(hosts.ssh_config),
        "shm_size": "64m",
        **changes,
    })  # fmt: skip


def containers(hosts: Hosts, number: int) -> list[str]:
    return hosts.run(number, "docker", "ps", "-a", "--format", "{{.Names}}").split()


@pytest.mark.parametrize("network", ["host", "bridge"])
async def test_deploys_and_leaves_nothing(hosts: Hosts, docker_host: int, tmp_path: Path, network: str) -> None:
    cluster = options(hosts, docker_host, network=network)
    heard: dict[str, bytes] = {}
    label = f"d-{network}"
    async with Deployment(SIMULATED, cluster, label=label, folder=tmp_path, heard=heard.__setitem__) as deployment:
        (endpoint,) = deployment.endpoints
        assert await get_json(endpoint.url + "/v1/models") is not None
        assert containers(hosts, docker_host) == [f"assay-d-{network}-node{docker_host}"]
        inspected = json.loads(hosts.run(docker_host, "docker", "inspect", containers(hosts, docker_host)[0]))[0]
    assert endpoint.url.startswith(f"http://{hosts.address(docker_host)}:")
    assert endpoint.path == "direct"
    assert inspected["HostConfig"]["Init"] is True
    assert inspected["HostConfig"]["ShmSize"] == 64 << 20
    assert inspected["Config"]["Labels"]["assay.run"] == f"d-{network}"
    assert [node.hostname for node in deployment.nodes] == [f"node{docker_host}"]
    assert "arrival at the controller" in deployment.nodes[0].telemetry
    assert [list(json.loads(line)) for line in heard.values()] == [["at_ns", "host", "gpus"]]
    assert containers(hosts, docker_host) == []
    assert (tmp_path / "endpoints" / f"node{docker_host}.log").exists()


async def test_volumes_environment_and_the_log_of_one_that_dies(hosts: Hosts, docker_host: int, tmp_path: Path) -> None:
    cluster = options(hosts, docker_host, volumes={str(hosts.shared): "/data:ro"})
    (hosts.shared / "words").write_text("from the volume")
    launcher = DockerLauncher(cluster, "d-dies")
    program = "import os,sys; print(open('/data/words').read(), os.environ['A']); sys.exit(9)"
    argv = ("{python}", "-c", program)
    try:
        await launcher.prepare([ServerSpec(name="x", node=f"node{docker_host}", argv=argv, env={"A": "b, c"})])
        await launcher.place()

        async def never(_: object) -> str | None:
            return "not yet"

        with pytest.raises(LaunchError) as caught:
            await launcher.wait_ready(never)
    finally:
        await launcher.stop()
    assert "ended before it was ready: exit code 9" in str(caught.value)
    assert "from the volume b, c" in str(caught.value)


async def started(launcher: DockerLauncher, spec: ServerSpec) -> None:
    await launcher.prepare([spec])
    await launcher.place()


async def test_missing_things_are_told(hosts: Hosts, docker_host: int, tmp_path: Path) -> None:
    for changes, message in (
        ({"image": "absent:1"}, "no image absent:1: pull or load it there"),
        ({"node": {"accelerators": [0]}}, "no NVIDIA runtime: install the NVIDIA container toolkit"),
        ({"socket": "/run/absent.sock"}, "no answer at /run/absent.sock"),
        ({"runtime": "absent"}, "Unknown runtime specified absent: install"),
    ):
        cluster = options(hosts, docker_host, **changes)
        launcher = DockerLauncher(cluster, "d-missing")
        accelerators = cluster.nodes[0].accelerators
        spec = ServerSpec(name="x", node=f"node{docker_host}", argv=("true",), accelerators=accelerators)
        with pytest.raises(LaunchError, match=message):
            await started(launcher, spec)
        await launcher.stop()
    assert containers(hosts, docker_host) == []


async def test_check_tells_of_daemon_image_and_runtime(hosts: Hosts, docker_host: int) -> None:
    cluster = options(hosts, docker_host, node={"accelerators": [0]})
    report = await check_cluster(SIMULATED, cluster)
    assert [(row.check, row.outcome) for row in report.rows] == [
        ("docker", CheckOutcome.PASSED),
        ("image", CheckOutcome.PASSED),
        ("gpu runtime", CheckOutcome.FAILED),
        ("engine", CheckOutcome.SKIPPED),
        ("servers", CheckOutcome.PASSED),
    ]


def test_what_a_killed_controller_left_can_be_stopped(hosts: Hosts, docker_host: int, tmp_path: Path) -> None:
    leave_servers_behind(options(hosts, docker_host), "d-orphan", tmp_path)
    assert containers(hosts, docker_host) == [f"assay-d-orphan-node{docker_host}"]
    assert asyncio.run(stop_deployment(tmp_path)) == [f"node{docker_host}"]
    assert containers(hosts, docker_host) == []
