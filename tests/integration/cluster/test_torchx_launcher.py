"""TorchX: servers on its schedulers, and SSH hosts as one of them.

TorchX 0.7.0 and current Kubernetes clients want different versions of urllib3, so these tests run where the torchx
extra is installed: in an environment of its own.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.control import get_json
from tests.rig import slurm as slurm_rig
from tests.rig.hosts import TINY, Hosts

from assay.cluster import LaunchError
from assay.cluster.options import SshOptions, TorchxOptions
from assay.cluster.torchx import TorchxLauncher
from assay.deploy import Deployment
from assay.engines import SimulatedOptions
from assay.errors import UserError
from assay.serving.servers import ServerSpec

pytest.importorskip("torchx", reason="needs the torchx extra")
pytestmark = pytest.mark.torchx
SIMULATED = SimulatedOptions(kind="simulated", itl_ms=1)


def options(scheduler: str, *names: str, **changes: object) -> TorchxOptions:
    nodes = [{"name": name} for name in names]
    return TorchxOptions.model_validate({"launcher": "torchx", "scheduler": scheduler, "nodes": nodes, **changes})


async def test_local_cwd(tmp_path: Path) -> None:
    arguments = {"log_dir": str(tmp_path / "logs")}
    chosen = options("local_cwd", "one", "two", scheduler_args=arguments)
    async with Deployment(SIMULATED, chosen, label="torchx", folder=tmp_path) as deployment:
        answers = [await get_json(endpoint.url + "/v1/models") for endpoint in deployment.endpoints]
        ports = [urlsplit(endpoint.url).port for endpoint in deployment.endpoints]
        assert all(_servers(port) for port in ports)
    assert [endpoint.name for endpoint in deployment.endpoints] == ["one", "two"]
    assert all(answers)
    assert deployment.problems == []
    deadline = time.monotonic() + 15
    while any(_servers(port) for port in ports) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(_servers(port) for port in ports)


def _servers(port: int | None) -> list[Path]:
    """This machine's processes that are a simulator at a port; other tests' may be here too."""
    words = b"--port\0%d\0" % (port or 0)
    lines = {path: _read(path) for path in Path("/proc").glob("[0-9]*/cmdline")}
    return [path for path, line in lines.items() if b"assay.simulator" in line and words in line]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


async def test_arguments_and_environment_arrive_as_they_are(tmp_path: Path) -> None:
    launcher = TorchxLauncher(options("local_cwd", "x", scheduler_args={"log_dir": str(tmp_path)}), "torchx")
    argv = ("{python}", str(TINY), "--port", "{port}", "--model", "a $b ${c}")

    async def check(server: object) -> str | None:
        url = launcher.servers[0].url
        return None if url and await get_json(url + "/health") is not None else "no health"

    try:
        await launcher.prepare([ServerSpec(name="x", node="x", argv=argv, env={"A": "0,1 $d"}, ready_timeout_s=30)])
        await launcher.place()
        await launcher.wait_ready(check)
        seen = await get_json(launcher.servers[0].url + "/env")
    finally:
        await launcher.stop()
    assert seen["argv"][-1] == "a $b ${c}"
    assert seen["env"]["A"] == "0,1 $d"


async def test_a_server_that_dies_and_an_unknown_scheduler_are_told(tmp_path: Path) -> None:
    launcher = TorchxLauncher(options("local_cwd", "x", scheduler_args={"log_dir": str(tmp_path)}), "torchx")

    async def never(_: object) -> str | None:
        return "not yet"

    argv = ("{python}", str(TINY), "--port", "{port}", "--die", "no memory")
    try:
        await launcher.prepare([ServerSpec(name="x", node="x", argv=argv, ready_timeout_s=30)])
        await launcher.place()
        with pytest.raises(LaunchError, match="TorchX says FAILED"):
            await launcher.wait_ready(never)
    finally:
        await launcher.stop()
    with pytest.raises(UserError, match=r"TorchX here knows .*local_docker.*, not absent"):
        await TorchxLauncher(options("absent", "x"), "torchx").prepare([])
    comma = ServerSpec(name="x", node="x", argv=("x",), env={"A": "0,1"})
    with pytest.raises(UserError, match="cuts values at the first comma"):
        await TorchxLauncher(options("slurm", "x"), "torchx").prepare([comma])


@pytest.mark.ssh
def test_ssh_hosts_are_a_scheduler_of_torchx(
    hosts: Hosts, ssh_options: SshOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torchx.runner import Runner
    from torchx.specs import AppDef, Resource, Role, macros

    from assay.deploy.torchx_scheduler import create_scheduler

    cluster = tmp_path / "cluster.yaml"
    cluster.write_text(json.dumps({"cluster": ssh_options.model_dump(mode="json")}))
    program = "echo replica $R on $(hostname) C=$C; exec sleep 100"
    role = Role("server", image="", entrypoint="bash", args=["-c", program], num_replicas=2)
    role.resource = Resource(cpu=1, gpu=0, memMB=1)
    role.env = {"R": macros.replica_id, "C": '0,1 "q"'}
    arguments = {"cluster": str(cluster)}
    monkeypatch.setenv("ASSAY_TORCHX_FOLDER", str(tmp_path / "apps"))
    with Runner("test", {"assay_ssh": create_scheduler}) as runner:
        handle = runner.run(AppDef("bench", roles=[role]), "assay_ssh", arguments)
        status = runner.status(handle)
        lines = [list(runner.log_lines(handle, "server", number)) for number in (0, 1)]
        runner.cancel(handle)
        after = runner.status(handle)
        kept = list(runner.log_lines(handle, "server", 0))
    assert status is not None
    assert [(replica.hostname, replica.state.name) for replica in status.roles[0].replicas] == [
        ("node2", "RUNNING"),
        ("node3", "RUNNING"),
    ]
    assert lines == [['replica 0 on node2 C=0,1 "q"\n'], ['replica 1 on node3 C=0,1 "q"\n']]
    assert after is not None
    assert after.state.name == "CANCELLED"
    assert kept == lines[0]
    assert not any("sleep 100" in line for number in (2, 3) for line in hosts.processes(number))


@pytest.fixture(scope="module")
def slurm(hosts: Hosts) -> Iterator[Hosts]:
    if reason := slurm_rig.why_not(accounting=True):
        pytest.skip(reason)
    try:
        slurm_rig.up(hosts, accounting=True)
        yield hosts
    finally:
        slurm_rig.down(hosts)


@pytest.mark.ssh
@pytest.mark.slurm
@pytest.mark.slow
def test_its_slurm(slurm: Hosts) -> None:
    """One server through TorchX's Slurm scheduler, driven from node1."""
    (slurm.shared / "torchx").mkdir()
    program = f"""
import asyncio, json
from pathlib import Path
from assay.deploy import Deployment
from assay.serving.client import ControlClient
from assay.cluster.options import TorchxOptions
from assay.engines import SimulatedOptions

async def main():
    options = TorchxOptions.model_validate({{
        "launcher": "torchx", "scheduler": "slurm", "nodes": [{{"name": "any"}}], "python": {sys.executable!r},
        "image": {str(slurm.shared)!r}, "memory_mb": 500,
        "scheduler_args": {{"partition": "gpu", "time": "10", "job_dir": {str(slurm.shared / "torchx")!r}}},
    }})
    folder = Path({str(slurm.shared / "torchx-run")!r})
    async with Deployment(SimulatedOptions(kind="simulated"), options, label="tx", folder=folder) as deployment:
        (endpoint,) = deployment.endpoints
        client = ControlClient(deployment.connections[endpoint.name])
        print(json.dumps([endpoint.url, await client.models() != []]))

asyncio.run(main())
"""
    output = slurm.run(
        1, "bash", "-lc", f"cd {slurm.shared} && exec {sys.executable} - <<'P'\n{program}\nP", timeout_s=120
    )
    url, answered = json.loads(output.splitlines()[-1])
    assert url.startswith("http://node")
    assert answered
    deadline = time.monotonic() + 20
    while slurm.run(1, "squeue", "-h").strip() and time.monotonic() < deadline:
        time.sleep(0.5)
    assert slurm.run(1, "squeue", "-h").strip() == ""
