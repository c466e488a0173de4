"""Jobs of a real Slurm with two nodes and fake GPUs. The controller runs on node1, as on a login node."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.rig import slurm as rig
from tests.rig.hosts import REPOSITORY, TINY, Hosts, gone, leftovers

pytestmark = [pytest.mark.slurm, pytest.mark.ssh]

DRIVER = (
    f"import sys; sys.path[:0] = [{str(REPOSITORY / 'src')!r}, {str(REPOSITORY)!r}]"
    + """
import asyncio, json, os, sys, time
from pathlib import Path
from assay.cluster import LaunchError
from assay.serving.servers import ServerSpec
from assay.deploy import Deployment, stop_deployment
from assay.deploy.check import check_cluster
from tests.control import get_json
from assay.cluster.options import SlurmOptions
from assay.cluster.slurm import SlurmLauncher
from assay.engines import SimulatedOptions, build_engine

given = json.loads(sys.argv[1])
options = SlurmOptions.model_validate(given["cluster"])
engine = SimulatedOptions(kind="simulated", **given.get("engine", {}))
folder = Path(given["folder"])
tiny = tuple(given["argv"])
lost, heard = [], {}

async def deploy():
    async with Deployment(
        engine, options, label=given["label"], folder=folder, on_lost=lambda *what: lost.append(what),
        heard=lambda node, line: heard.update({node: line.decode()})
    ) as deployment:
        while len(heard) < len(deployment.nodes):
            await asyncio.sleep(0.05)
        endpoints = [endpoint.model_dump() for endpoint in deployment.endpoints]
        answers = [await get_json(endpoint["url"] + "/v1/models") is not None for endpoint in endpoints]
        print("up", flush=True)
        deadline = time.monotonic() + given.get("wait_s", 0)
        while not lost and time.monotonic() < deadline:
            await asyncio.sleep(0.2)
    return {"endpoints": endpoints, "answers": answers, "lost": lost, "heard": heard,
            "nodes": [node.hostname for node in deployment.nodes],
            "telemetry": [node.telemetry for node in deployment.nodes],
            "problems": deployment.problems}

async def launch():
    launcher = SlurmLauncher(options, given["label"])
    specs = [ServerSpec(name=node.name, node=node.name, argv=tiny, accelerators=node.accelerators,
                        env={"A": "0,1"}, secret_env=tuple(given.get("secrets", ())), ready_timeout_s=20)
             for node in options.nodes]
    try:
        await launcher.prepare(specs)
        await launcher.place()
        async def check(server):
            return None if await get_json(server.url + "/health") is not None else "no health"
        await launcher.wait_ready(check)
        return [(await get_json(server.url + "/env"))["env"] for server in launcher.servers]
    finally:
        await launcher.logs(folder)
        await launcher.stop()

async def check():
    report = await check_cluster(engine, options)
    return [(row.node, row.check, row.outcome, row.detail) for row in report.rows]

async def stop():
    return await stop_deployment(folder)

try:
    result = asyncio.run(globals()[given["do"]]())
except LaunchError as error:
    result = {"error": str(error)}
print(json.dumps(result))
"""
)


@pytest.fixture(scope="module", params=[pytest.param(True, marks=pytest.mark.slow, id="accounting"), False])
def slurm(hosts: Hosts, request: pytest.FixtureRequest) -> Iterator[bool]:
    """A Slurm with and without accounting."""
    if reason := rig.why_not(request.param):
        pytest.skip(reason)
    try:
        rig.up(hosts, request.param)
        yield request.param
    finally:
        rig.down(hosts)


def request_of(hosts: Hosts, do: str, label: str, **fields: Any) -> str:
    cluster = {
        "launcher": "slurm",
        "nodes": [{"name": "node2"}, {"name": "node3"}],
        "folder": str(hosts.shared / "jobs"),
        "python": sys.executable,
        **fields.pop("cluster", {}),
    }
    argv = ["{python}", str(TINY), "--host", "{host}", "--port", "{port}", *fields.pop("arguments", [])]
    folder = str(hosts.shared / label)
    return json.dumps({"do": do, "label": label, "cluster": cluster, "folder": folder, "argv": argv, **fields})


def drive(hosts: Hosts, do: str, label: str, *, environment: tuple[str, ...] = (), **fields: Any) -> Any:
    """Run the driver on node1; its result."""
    (hosts.shared / label).mkdir(exist_ok=True)
    request = request_of(hosts, do, label, **fields)
    output = hosts.run(1, "env", *environment, sys.executable, "-c", DRIVER, request, timeout_s=120)
    return json.loads(output.splitlines()[-1])


def controller(hosts: Hosts, request: str) -> subprocess.Popen[str]:
    """The driver on node1, which tells its process id first."""
    command = shlex.join([sys.executable, "-c", DRIVER, request])
    ssh = ["ssh", "-F", str(hosts.ssh_config), "node1", f"echo $$; exec {command}"]
    return subprocess.Popen(ssh, stdout=subprocess.PIPE, text=True)


def left(hosts: Hosts) -> list[str]:
    jobs = hosts.run(1, "squeue", "-h", "-o", "%i").split()
    return jobs + [line for number in (2, 3) for line in leftovers(hosts, number)]


def test_deploys_on_two_nodes_and_leaves_nothing(hosts: Hosts, slurm: bool) -> None:
    done = drive(hosts, "deploy", f"two-{slurm}".lower())
    assert "endpoints" in done, done
    assert [endpoint["node"] for endpoint in done["endpoints"]] == ["node2", "node3"]
    assert [endpoint["url"].split(":")[1] for endpoint in done["endpoints"]] == ["//node2", "//node3"]
    assert done["answers"] == [True, True]
    assert done["nodes"] == ["node2", "node3"]
    assert done["problems"] == []
    assert {node: list(json.loads(line)) for node, line in done["heard"].items()} == {
        "node2": ["at_ns", "host", "gpus"],
        "node3": ["at_ns", "host", "gpus"],
    }
    assert all("arrival at the controller" in text for text in done["telemetry"])
    assert left(hosts) == []
    assert leftovers(hosts, 1) == []
    assert not (hosts.shared / "jobs" / f"two-{slurm}".lower()).exists()


def test_servers_whose_nodes_slurm_chooses_are_one_array(hosts: Hosts, slurm: bool) -> None:
    label = f"array-{slurm}".lower()
    (hosts.shared / label).mkdir(exist_ok=True)
    cluster = {"pin": False, "exclusive": True}  # of both nodes, since each server wants one for itself
    with controller(hosts, request_of(hosts, "deploy", label, cluster=cluster, wait_s=60)) as process:
        assert process.stdout is not None
        process.stdout.readline()  # its process id
        assert process.stdout.readline() == "up\n"
        submitted = hosts.run(1, "squeue", "-h", "-r", "-o", "%F").split()
        hosts.run(1, "scancel", f"{submitted[0]}_1")
        done = json.loads(process.stdout.readline())
    assert len(submitted) == 2
    assert len(set(submitted)) == 1
    assert done["answers"] == [True, True]
    assert sorted(done["nodes"]) == ["node2", "node3"]
    ((name, reason),) = done["lost"]
    assert name == "node3"
    assert "somebody cancelled the job (CANCELLED)" in reason
    logs = sorted((hosts.shared / label / "endpoints").iterdir())
    assert [path.name for path in logs] == ["node2.log", "node3.log"]
    assert "CANCELLED" in logs[1].read_text()
    assert left(hosts) == []


def test_slurm_gives_accelerators_and_hands_the_environment_on(hosts: Hosts, slurm: bool) -> None:
    nodes = [{"name": "node2", "accelerators": 2}]
    (seen,) = drive(
        hosts, "launch", "gpus", cluster={"nodes": nodes}, environment=("RIG_KEY=a,b",), secrets=["RIG_KEY"]
    )
    assert seen["CUDA_VISIBLE_DEVICES"] == "0,1"
    assert (seen["A"], seen["RIG_KEY"]) == ("0,1", "a,b")
    assert left(hosts) == []


def test_a_server_that_dies_shows_its_last_words(hosts: Hosts, slurm: bool) -> None:
    nodes = [{"name": "node2"}]
    done = drive(
        hosts, "launch", f"dies-{slurm}".lower(), cluster={"nodes": nodes}, arguments=["--die", "no memory left"]
    )
    assert "the server failed with exit code 1 (FAILED)" in done["error"]
    assert "no memory left" in done["error"]
    assert left(hosts) == []


def test_what_slurm_can_not_give_is_told(hosts: Hosts, slurm: bool) -> None:
    for cluster, message in (
        ({"nodes": [{"name": "node2", "accelerators": 8}]}, "Requested node configuration is not available"),
        ({"time_limit": "05:00:00"}, "cluster.time_limit is longer than the partition allows"),
        ({"partition": "absent"}, "invalid partition specified: absent"),
    ):
        assert message in drive(hosts, "launch", "refused", cluster=cluster)["error"]
        assert left(hosts) == []


def test_a_job_that_waits_too_long_says_for_what(hosts: Hosts, slurm: bool) -> None:
    blocker = hosts.run(1, "sbatch", "--parsable", "-w", "node2", "--gres=gpu:3", "--wrap", "sleep 60").strip()
    try:
        cluster = {"nodes": [{"name": "node2", "accelerators": 2}], "queue_timeout_s": 2}
        done = drive(hosts, "launch", "waits", cluster=cluster)
    finally:
        hosts.run(1, "scancel", blocker)
    assert "waits for its turn: " in done["error"]
    assert "(Resources)" in done["error"] or "(Priority)" in done["error"]


def test_the_wait_in_the_queue_and_the_servers_start_are_told_apart(hosts: Hosts, slurm: bool) -> None:
    """A job that is seen waiting for a while after it was submitted has waited that long at least."""
    held_s = 1.5
    label = f"queue-{slurm}".lower()
    (hosts.shared / label).mkdir(exist_ok=True)
    blocker = hosts.run(1, "sbatch", "--parsable", "-w", "node2", "--exclusive", "--wrap", "sleep 100").strip()
    with controller(hosts, request_of(hosts, "deploy", label)) as process:
        while f"assay {label} node2" not in hosts.run(1, "squeue", "-h", "-t", "PENDING", "-o", "%k").splitlines():
            assert process.poll() is None
        time.sleep(held_s)
        hosts.run(1, "scancel", blocker)
        assert process.wait(60) == 0
    servers = json.loads((hosts.shared / label / "deployment.json").read_bytes())["servers"]
    queued, ready = ({one["name"]: one[what] for one in servers} for what in ("queued_ns", "ready_ns"))
    assert ready["node2"] > queued["node2"] > held_s * 1e9
    assert ready["node3"] > queued["node3"] > 0
    assert left(hosts) == []


def test_check_asks_slurm_of_its_nodes(hosts: Hosts, slurm: bool) -> None:
    nodes = [{"name": "node2", "accelerators": 4}, {"name": "node3", "accelerators": 5}, {"name": "node9"}]
    rows = drive(hosts, "check", "check", cluster={"nodes": nodes, "partition": "gpu"})
    assert [tuple(row[:3]) for row in rows] == [
        ("all", "slurm", "passed"),
        ("all", "partition", "passed"),
        ("node2", "node", "passed"),
        ("node2", "accelerators", "passed"),
        ("node3", "node", "passed"),
        ("node3", "accelerators", "failed"),
        ("node9", "node", "failed"),
        ("all", "engine", "skipped"),
        ("all", "servers", "passed"),
    ]


def test_what_a_killed_controller_left_can_be_stopped(hosts: Hosts, slurm: bool) -> None:
    (hosts.shared / "orphan").mkdir(exist_ok=True)
    with controller(hosts, request_of(hosts, "deploy", "orphan", wait_s=600)) as process:
        assert process.stdout is not None
        pid = process.stdout.readline().strip()
        assert process.stdout.readline() == "up\n"
        hosts.run(1, "kill", f"-{signal.SIGKILL.value}", pid)
    assert len(left(hosts)) >= 4
    assert gone(hosts, 1)
    assert drive(hosts, "stop", "orphan") == ["node2", "node3"]
    assert left(hosts) == []


@pytest.mark.slow
def test_a_node_that_fails_is_told(hosts: Hosts, slurm: bool) -> None:
    (hosts.shared / "fails").mkdir(exist_ok=True)
    try:
        with controller(hosts, request_of(hosts, "deploy", "fails", wait_s=80)) as process:
            assert process.stdout is not None
            process.stdout.readline()  # its process id
            assert process.stdout.readline() == "up\n"
            hosts.cut(3)
            done = json.loads(process.stdout.readline())
    finally:
        hosts.heal(3)
    ((name, reason),) = done["lost"]
    assert name == "node3"
    assert "its node failed (Slurm lost contact with it) (NODE_FAIL)" in reason
    deadline = time.monotonic() + 60
    while left(hosts) and time.monotonic() < deadline:
        time.sleep(1)
    assert left(hosts) == []
