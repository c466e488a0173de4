"""Servers on real SSH hosts: placed, reached directly, stopped; keys refused; links cut; a controller killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tests.control import get_json
from tests.rig.hosts import NETWORK, REPOSITORY, TINY, Hosts, gone, leftovers

from assay.cluster import LaunchError
from assay.cluster.options import SshOptions
from assay.cluster.ssh import SshLauncher
from assay.deploy import Deployment, stop_deployment
from assay.engines import SimulatedOptions
from assay.serving.servers import PlacedServer, ServerSpec

pytestmark = pytest.mark.ssh
SIMULATED = SimulatedOptions(kind="simulated", speeds={"node3": 2.0}, itl_ms=1)


def spec(node: str, *arguments: str, **fields: object) -> ServerSpec:
    argv = ("{python}", str(TINY), "--host", "{host}", "--port", "{port}", *arguments)
    return ServerSpec(name=node, node=node, argv=argv, ready_timeout_s=20, **fields)  # type: ignore[arg-type]


async def answers(server: PlacedServer) -> str | None:
    return None if await get_json(server.url + "/health") is not None else "no health"


def settled(hosts: Hosts, number: int) -> list[str]:
    """What runs on a host once an agent and its probe have had time to find that their controller is gone."""
    deadline = time.monotonic() + 20
    while any("exec(program)" in line for line in leftovers(hosts, number)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return leftovers(hosts, number)


def servers_on(hosts: Hosts, number: int) -> list[str]:
    return [line for line in hosts.processes(number) if "tiny_server" in line or "simulator" in line or "guard" in line]


async def test_places_reaches_and_stops(hosts: Hosts, ssh_options: SshOptions, tmp_path: Path) -> None:
    launcher = SshLauncher(ssh_options, "run1", tmp_path, grace_s=1)
    os.environ["RIG_SECRET"] = "s3cret,with 'quotes'"
    specs = [
        spec("node2", accelerators=(0, 2), env={"A": "x y,z"}, secret_env=("RIG_SECRET",)),
        spec("node3", "--family", "/tmp/family"),
    ]
    try:
        await launcher.prepare(specs)
        servers = await launcher.place()
        await launcher.wait_ready(answers)
        seen = await get_json(servers[0].url + "/env")
        commands = "\n".join(hosts.processes(2))
        grandchild = hosts.run(3, "cat", "/tmp/family")
        await launcher.collect(tmp_path / "logs")
        facts = await launcher.facts()
    finally:
        await launcher.stop()
        del os.environ["RIG_SECRET"]

    assert [server.path for server in servers] == ["direct", "direct"]
    assert servers[0].url.startswith(f"http://{hosts.address(2)}:")
    assert seen["env"]["CUDA_VISIBLE_DEVICES"] == "0,2"
    assert seen["env"]["A"] == "x y,z"
    assert seen["env"]["RIG_SECRET"] == "s3cret,with 'quotes'"
    assert "s3cret" not in commands
    assert "listening" in (tmp_path / "logs" / "node3.log").read_text()
    assert [(node.name, node.hostname, node.address) for node in facts] == [
        ("node2", "node2", hosts.address(2)),
        ("node3", "node3", hosts.address(3)),
    ]
    assert servers_on(hosts, 2) == servers_on(hosts, 3) == []
    assert hosts.run(3, "kill", "-0", grandchild, check=False) == ""
    assert f"{grandchild}\n" not in hosts.run(3, "ps", "-eo", "pid=")
    assert hosts.run(2, "ls", "-A", ".cache/assay/servers").split() == []
    await launcher.stop()


async def test_the_logs_of_a_full_node_all_come(hosts: Hosts, ssh_options: SshOptions, tmp_path: Path) -> None:
    """Eight servers: with the agent and their output they take all but one of the channels that sshd allows."""
    launcher = SshLauncher(ssh_options, "full", tmp_path, grace_s=1)
    names = [f"node2-{number}" for number in range(8)]
    try:
        await launcher.prepare([replace(spec("node2"), name=name) for name in names])
        await launcher.place()
        await launcher.wait_ready(answers)
        for name in names:
            (tmp_path / "servers" / f"{name}.log").unlink()
        await launcher.collect(tmp_path / "logs")
    finally:
        await launcher.stop()
    assert sorted(path.stem for path in (tmp_path / "logs").iterdir()) == names
    assert all("listening" in path.read_text() for path in (tmp_path / "logs").iterdir())


async def test_a_server_that_dies_shows_its_last_words(hosts: Hosts, ssh_options: SshOptions, tmp_path: Path) -> None:
    launcher = SshLauncher(ssh_options, "run2", tmp_path)
    try:
        await launcher.prepare([spec("node2", "--die", "no kernel image for this GPU")])
        await launcher.place()
        with pytest.raises(LaunchError) as caught:
            await launcher.wait_ready(answers)
    finally:
        await launcher.stop()
    message = str(caught.value)
    assert "server node2 on node2 ended before it was ready: exit code 1" in message
    assert "no kernel image for this GPU" in message


async def test_all_that_fail_are_told_at_once_and_nothing_is_left(
    hosts: Hosts, ssh_options: SshOptions, tmp_path: Path
) -> None:
    nodes = [{"name": f"node{number}"} for number in hosts.numbers]
    options = SshOptions.model_validate({**ssh_options.model_dump(), "nodes": nodes})
    launcher = SshLauncher(options, "some", tmp_path, grace_s=1)
    specs = [spec("node1", "--die", "first"), spec("node2"), spec("node3", "--die", "second")]
    specs += [replace(spec("node2", "--unready"), name="late", ready_timeout_s=1e6)]

    def ended() -> set[str]:
        return {name for session in launcher._sessions.values() for name in session.ended}

    try:
        await launcher.prepare(specs)
        await launcher.place()
        while ended() != {"node1", "node3"}:
            await asyncio.sleep(0.05)
        with pytest.raises(LaunchError) as caught:
            await launcher.wait_ready(answers)
    finally:
        await launcher.stop()
    told = str(caught.value)
    assert told.startswith("2 of 4 failed:\nserver node1 on node1 ended before it was ready: exit code 1\n")
    assert "server node3 on node3 ended before it was ready: exit code 1" in told
    assert [leftovers(hosts, number) for number in hosts.numbers] == [[], [], []]


@pytest.mark.parametrize("change", ["unknown", "changed"])
async def test_an_unverified_host_key_is_refused(hosts: Hosts, tmp_path: Path, change: str) -> None:
    known = tmp_path / "known_hosts"
    lines = {line.split(",")[0]: line for line in hosts.known_hosts.read_text().splitlines()}
    known.write_text(lines["node2"].replace("node2", "node3") + "\n" if change == "changed" else "")
    options = SshOptions.model_validate({
        "launcher": "ssh",
        "nodes": [{"name": "node3", "address": hosts.address(3)}],
        "user": "root",
        "key_file": str(hosts.key),
        "known_hosts": str(known),
        "python": sys.executable,
    })  # fmt: skip
    launcher = SshLauncher(options, "run3", tmp_path)
    with pytest.raises(LaunchError, match=r"node3 .*its host key is unknown or has changed"):
        await launcher.prepare([spec("node3")])
    await launcher.stop()


async def test_a_wrong_key_and_a_missing_python_are_told(hosts: Hosts, ssh_options: SshOptions, tmp_path: Path) -> None:
    stranger = tmp_path / "stranger"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(stranger)], check=True)
    plain = {"launcher": "ssh", "nodes": [{"name": "node2", "address": hosts.address(2), "user": "root"}],
             "known_hosts": str(hosts.known_hosts)}  # fmt: skip
    os.environ.pop("SSH_AUTH_SOCK", None)
    for extra, message in (
        ({"key_file": str(stranger)}, "login refused"),
        ({"key_file": str(hosts.key), "python": "python9"}, "python9 ended with code 127"),
        ({"key_file": str(tmp_path / "absent")}, "cluster.key_file: there is no file"),
    ):
        launcher = SshLauncher(SshOptions.model_validate({**plain, **extra}), "run4", tmp_path)
        with pytest.raises(Exception, match=message):
            await launcher.prepare([spec("node2")])
        await launcher.stop()


async def test_through_a_jump_host_load_goes_direct(hosts: Hosts, ssh_options: SshOptions, tmp_path: Path) -> None:
    nodes = [{"name": "node3", "jump": "node2"}]
    options = SshOptions.model_validate({**ssh_options.model_dump(), "nodes": nodes})
    launcher = SshLauncher(options, "run5", tmp_path)
    try:
        await launcher.prepare([spec("node3")])
        (server,) = await launcher.place()
        await launcher.wait_ready(answers)
        controller = hosts.run(3, "sh", "-c", "echo $SSH_CONNECTION").split()[0]
    finally:
        await launcher.stop()
    assert server.url.startswith(f"http://{hosts.address(3)}:")
    assert controller == f"{NETWORK}.1"


async def test_a_tunnel_is_only_used_when_asked_for(hosts: Hosts, ssh_options: SshOptions, tmp_path: Path) -> None:
    options = ssh_options.model_copy(update={"tunnel": True})
    async with Deployment(SIMULATED, options, label="tunnel", folder=tmp_path) as deployment:
        assert {endpoint.path for endpoint in deployment.endpoints} == {"tunnel"}
        assert all(endpoint.url.startswith("http://127.0.0.1:") for endpoint in deployment.endpoints)


async def test_a_cut_link_is_found_and_the_others_are_stopped(
    hosts: Hosts, ssh_options: SshOptions, tmp_path: Path
) -> None:
    lost: dict[str, tuple[str, float]] = {}
    heard: set[str] = set()
    options = ssh_options.model_copy(update={"connect_timeout_s": 3.0})
    try:
        async with Deployment(
            SIMULATED,
            options,
            label="cut",
            folder=tmp_path,
            on_lost=lambda name, reason: lost.update({name: (reason, time.monotonic())}),
            heard=lambda node, _: heard.add(node),
        ) as deployment:
            while heard != {"node2", "node3"}:
                await asyncio.sleep(0.05)
            assert [endpoint.settings["speed"] for endpoint in deployment.endpoints] == [1.0, 2.0]
            hosts.cut(3)
            started = time.monotonic()
            while not lost and time.monotonic() - started < 30:
                await asyncio.sleep(0.1)
        assert list(lost) == ["node3"]
        assert "the SSH link is lost" in lost["node3"][0]
        assert leftovers(hosts, 2) == []
        assert "may still run there" in deployment.problems[0]
        record = json.loads((tmp_path / "deployment.json").read_bytes())
        assert record["status"] == "stop failed"
        assert [(one["name"], one["silent_ns"] is not None) for one in record["servers"]] == [
            ("node2", False),
            ("node3", True),
        ]
        assert record["servers"][1]["lost"] == lost["node3"][0]
    finally:
        hosts.heal(3)
    assert servers_on(hosts, 3) != []
    assert await stop_deployment(tmp_path) == ["node2", "node3"]
    assert gone(hosts, 3)


def test_what_a_killed_controller_left_can_be_stopped(hosts: Hosts, ssh_options: SshOptions, tmp_path: Path) -> None:
    program = textwrap.dedent(f"""
        import asyncio, sys
        from pathlib import Path
        from assay.deploy import Deployment
        from assay.cluster.options import SshOptions
        from assay.engines import SimulatedOptions

        async def main():
            options = SshOptions.model_validate_json({ssh_options.model_dump_json()!r})
            engine, folder = SimulatedOptions(kind="simulated"), Path("{tmp_path}")
            told = asyncio.Event()
            async with Deployment(
                engine, options, label="orphan", folder=folder, heard=lambda node, line: told.set()
            ):
                await told.wait()
                print("up", flush=True)
                await asyncio.sleep(600)

        asyncio.run(main())
    """)
    for number, left in ((signal.SIGTERM, False), (signal.SIGKILL, True)):
        command = [sys.executable, "-c", program]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=REPOSITORY) as controller:
            assert controller.stdout is not None
            assert controller.stdout.readline() == b"up\n"
            controller.send_signal(number)
            controller.wait(30)
        assert bool(servers_on(hosts, 2)) is left
        assert not any("--every" in line for line in settled(hosts, 2))
    assert asyncio.run(stop_deployment(tmp_path)) == ["node2", "node3"]
    assert servers_on(hosts, 2) == servers_on(hosts, 3) == []
    assert asyncio.run(stop_deployment(tmp_path)) == ["node2", "node3"]
