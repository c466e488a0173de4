"""Deployments on this machine: ready, described, watched, and gone afterwards whatever happens."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from tests.control import get_json
from tests.rig.hosts import REPOSITORY, TINY

from assay.cluster import LaunchError
from assay.cluster.local import LocalLauncher
from assay.cluster.options import LocalOptions, SshOptions
from assay.deploy import Deployment, stop_deployment
from assay.engines import EmbeddedOptions, ExternalOptions, SimulatedOptions
from assay.engines.simulated import SimulatedEngine
from assay.errors import UserError
from assay.runs.node_facts import AcceleratorFacts, NodeFacts
from assay.runs.record import MemoryFacts
from assay.serving.servers import ServerSpec

UNEVEN = LocalOptions.model_validate({"nodes": [{"name": "slow"}, {"name": "fast"}]})
SIMULATED = SimulatedOptions(kind="simulated", itl_ms=1, speeds={"fast": 2.1})


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and wasn't collected doesn't."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone(pid: int, timeout_s: float = 20) -> bool:
    deadline = time.monotonic() + timeout_s
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not alive(pid)


def pids(folder: Path) -> list[int]:
    record = json.loads((folder / "deployment.json").read_bytes())
    return [int(server["handle"]["pid"]) for server in record["servers"]]


async def test_uneven_simulated_nodes(tmp_path: Path) -> None:
    async with Deployment(SIMULATED, UNEVEN, label="run", folder=tmp_path) as deployment:
        described = [(e.name, e.node, e.engine, e.model, e.path, e.settings["speed"]) for e in deployment.endpoints]
        assert all([await get_json(endpoint.url + "/v1/models") for endpoint in deployment.endpoints])
        guards = pids(tmp_path)
        assert json.loads((tmp_path / "deployment.json").read_bytes())["status"] == "up"
    assert described == [
        ("slow", "slow", "simulated", "simulated", "direct", 1.0),
        ("fast", "fast", "simulated", "simulated", "direct", 2.1),
    ]
    assert set(deployment.ready_ns) == {"slow", "fast"}
    assert min(deployment.ready_ns.values()) > 0
    assert [node.name for node in deployment.nodes] == ["slow", "fast"]
    assert not any(map(alive, guards))
    assert json.loads((tmp_path / "deployment.json").read_bytes())["status"] == "stopped"
    assert sorted(path.name for path in (tmp_path / "endpoints").iterdir()) == ["fast.log", "slow.log"]


async def test_what_an_engines_log_tells_of_memory_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = MemoryFacts(weights_bytes=1, kv_cache_bytes=2)
    logs: list[str] = []
    monkeypatch.setattr(SimulatedEngine, "log_lines", 5)
    monkeypatch.setattr(SimulatedEngine, "memory", lambda self, log: logs.append(log) or told)
    async with Deployment(SIMULATED, UNEVEN, label="run", folder=tmp_path) as deployment:
        assert [endpoint.memory for endpoint in deployment.endpoints] == [told, told]
    assert len(logs) == 2


async def test_the_cause_that_a_log_names_is_in_the_first_line_of_a_failed_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SimulatedEngine, "log_lines", 5)
    monkeypatch.setattr(SimulatedEngine, "failure", lambda self, log: "out of memory")
    hurried = SIMULATED.model_copy(update={"ready_timeout_s": 0.01})
    with pytest.raises(LaunchError) as error:
        async with Deployment(hurried, UNEVEN, label="run", folder=tmp_path):
            pass
    assert str(error.value).splitlines()[0].endswith(": out of memory")


async def test_real_engines_can_not_pretend_to_be_nodes(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="2 nodes on one machine would share its hardware"):
        async with Deployment(EmbeddedOptions(), UNEVEN, label="run", folder=tmp_path):
            pass


async def test_parts_of_a_machine_have_their_own_accelerators(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the probe's answer is made up: there may be no accelerator here."""
    both = [AcceleratorFacts(index=index, name=f"FAKE {index}") for index in range(2)]
    monkeypatch.setattr("assay.cluster.local.probe_here", lambda: NodeFacts(name="local", accelerators=both))
    parts = [ServerSpec(name=f"s{i}", node=f"gpu{i}", argv=("{python}",), accelerators=(i,)) for i in range(2)]
    launcher = LocalLauncher("parts", tmp_path)
    await launcher.prepare(parts)
    assert [(n.name, [a.index for a in n.accelerators]) for n in await launcher.facts()] == [
        ("gpu0", [0]),
        ("gpu1", [1]),
    ]
    await launcher.prepare(parts[:1])
    assert [(n.name, [a.index for a in n.accelerators]) for n in await launcher.facts()] == [("gpu0", [0, 1])]


def test_only_servers_of_this_machine_compute_on_its_cpu(tmp_path: Path) -> None:
    ssh = SshOptions.model_validate({"launcher": "ssh", "nodes": [{"name": "a"}]})
    computing = [
        Deployment(engine, cluster, label="x", folder=tmp_path).on_this_cpu
        for engine, cluster in ((EmbeddedOptions(), LocalOptions()), (EmbeddedOptions(), ssh), (SIMULATED, UNEVEN))
    ]
    assert computing == [True, False, False]


async def test_an_error_inside_stops_everything(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        async with Deployment(SIMULATED, UNEVEN, label="run", folder=tmp_path):
            raise ZeroDivisionError
    assert not any(map(alive, pids(tmp_path)))


async def test_a_server_that_ends_is_reported_once(tmp_path: Path) -> None:
    lost: list[tuple[str, str]] = []
    async with Deployment(
        SIMULATED, UNEVEN, label="run", folder=tmp_path, on_lost=lambda *what: lost.append(what)
    ) as deployment:
        os.kill(pids(tmp_path)[1], signal.SIGTERM)
        while not lost:
            await asyncio.sleep(0.1)
        await asyncio.sleep(1.5)
        assert await get_json(deployment.endpoints[0].url + "/v1/models")
    assert lost == [("fast", "killed by SIGTERM")]


async def test_an_external_server_is_checked_and_left_alone(tmp_path: Path) -> None:
    launcher = LocalLauncher("tiny", tmp_path)
    argv = ("{python}", str(TINY), "--port", "{port}", "--model", "served")
    await launcher.prepare([ServerSpec(name="tiny", node="local", argv=argv)])
    (server,) = await launcher.place()
    try:
        for model, message in (("served", None), ("other", "serves served, not 'other'")):
            options = ExternalOptions.model_validate(
                {"kind": "external", "model": model, "endpoints": [{"url": server.url}], "server": "vllm"}
            )
            deployment = Deployment(options, LocalOptions(), label="run", folder=tmp_path)
            if message:
                with pytest.raises(LaunchError, match=message):
                    await deployment.__aenter__()
                continue
            async with deployment:
                assert deployment.endpoints[0].engine_version == "1.2"
            assert await get_json(server.url + "/health") is not None
    finally:
        await launcher.stop()
    options = ExternalOptions.model_validate(
        {"kind": "external", "model": "m", "endpoints": [{"url": server.url}], "ready_timeout_s": 0.5}
    )
    with pytest.raises(LaunchError, match=r"has no answer.*is it up"):
        await Deployment(options, LocalOptions(), label="run", folder=tmp_path).__aenter__()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--die", "no memory left"),
            "ended before it was ready: exit code 1\nlast lines of its log:\n  no memory left",
        ),
        (("--unready",), "not ready after 2 s: .*/health answers 503.*\nlast lines of its log:\n  listening"),
    ],
)
async def test_what_is_not_ready_is_explained(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    launcher = LocalLauncher("tiny", tmp_path)
    argv = ("{python}", str(TINY), "--port", "{port}", *arguments)
    await launcher.prepare([ServerSpec(name="tiny", node="local", argv=argv, ready_timeout_s=2)])
    deployment = Deployment(SIMULATED, LocalOptions(), label="run", folder=tmp_path)
    try:
        await launcher.place()
        with pytest.raises(LaunchError, match=message):
            await launcher.wait_ready(deployment._check)
    finally:
        await launcher.stop()


async def test_a_program_that_is_not_there_is_told(tmp_path: Path) -> None:
    launcher = LocalLauncher("tiny", tmp_path)
    await launcher.prepare([ServerSpec(name="tiny", node="local", argv=("no-such-engine",))])
    with pytest.raises(LaunchError, match="'no-such-engine' is not on this machine"):
        await launcher.place()
    await launcher.stop()


CONTROLLER = """
import asyncio, signal, sys
from pathlib import Path
from assay.serving.servers import ServerSpec
from assay.cluster.local import LocalLauncher

async def main():
    launcher = LocalLauncher("tiny", Path({folder!r}), grace_s=0.5)
    argv = ("{{python}}", {tiny!r}, "--port", "{{port}}", "--family", {family!r})
    await launcher.prepare([ServerSpec(name="tiny", node="local", argv=argv)])
    (server,) = await launcher.place()
    while not Path({family!r}).exists():
        await asyncio.sleep(0.05)
    print(server.handle["pid"], flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


def test_a_killed_controller_leaves_no_process(tmp_path: Path) -> None:
    """Not even a grandchild in a session of its own that ignores SIGTERM."""
    family = tmp_path / "family"
    program = CONTROLLER.format(folder=str(tmp_path), tiny=str(TINY), family=str(family))
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=REPOSITORY) as controller:
        assert controller.stdout is not None
        guard = int(controller.stdout.readline())
        controller.kill()
    assert gone(guard)
    assert gone(int(family.read_text()))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_takes_the_servers_down(tmp_path: Path, number: signal.Signals) -> None:
    program = textwrap.dedent(f"""
        import asyncio
        from pathlib import Path
        from assay.deploy import Deployment
        from assay.cluster.options import LocalOptions
        from assay.engines import SimulatedOptions

        async def main():
            engine, folder = SimulatedOptions(kind="simulated"), Path("{tmp_path}")
            async with Deployment(engine, LocalOptions(), label="x", folder=folder):
                print("up", flush=True)
                await asyncio.sleep(600)

        asyncio.run(main())
    """)
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=REPOSITORY) as controller:
        assert controller.stdout is not None
        assert controller.stdout.readline() == b"up\n"
        guards = pids(tmp_path)
        assert all(map(alive, guards))
        controller.send_signal(number)
        assert controller.wait(30) != 0
    assert not any(map(alive, guards))
    assert json.loads((tmp_path / "deployment.json").read_bytes())["status"] == "stopped"


def test_nothing_to_stop_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing was deployed from there"):
        asyncio.run(stop_deployment(tmp_path))
