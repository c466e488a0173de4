"""Many nodes over SSH, without any: how many connections are made at a time, and how often a node is asked."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from assay.cluster.launcher import LaunchError
from assay.cluster.options import SshNode, SshOptions
from assay.cluster.ssh import SshLauncher, session
from assay.cluster.ssh.launcher import CONNECTING
from assay.cluster.ssh.session import LEASE_BEAT_S, Session
from assay.serving.servers import PlacedServer, ServerSpec, ServerState


def options_of(count: int, **node: Any) -> SshOptions:
    nodes = [{"name": f"n{number}", **node} for number in range(count)]
    return SshOptions.model_validate({"launcher": "ssh", "nodes": nodes})


def specs_of(options: SshOptions) -> list[ServerSpec]:
    return [ServerSpec(node.name, node.name, ("true",)) for node in options.nodes]


@pytest.mark.parametrize(("way", "node"), [("direct", {}), ("jump", {"jump": "gate"})])
async def test_connections_are_made_a_few_at_a_time_and_stops_are_asked_for_all_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, node: dict[str, str]
) -> None:
    opening, most, stopping = 0, 0, 0
    all_asked = asyncio.Event()

    async def open_one(self: Session) -> None:
        nonlocal opening, most
        opening += 1
        most = max(most, opening)
        await asyncio.sleep(0)
        opening -= 1

    async def ask(self: Session, do: str, **fields: Any) -> dict[str, Any]:
        nonlocal stopping
        stopping += do == "stop"
        if stopping == 100:
            all_asked.set()
        await all_asked.wait()  # a node answers once its servers have ended
        return {}

    monkeypatch.setattr(Session, "open", open_one)
    monkeypatch.setattr(Session, "ask", ask)
    options = options_of(100, **node)
    launcher = SshLauncher(options, "many", tmp_path)
    launcher.servers = [PlacedServer(spec, "") for spec in specs_of(options)]
    await launcher.stop()
    assert most == CONNECTING[way]
    assert {server.state for server in launcher.servers} == {ServerState.STOPPED}


async def test_all_nodes_that_can_not_be_reached_are_told_at_once(tmp_path: Path) -> None:
    pytest.importorskip("asyncssh")
    with socket.socket() as closed:  # bound, never listening: connections are refused
        closed.bind(("127.0.0.1", 0))
        options = options_of(3, address="127.0.0.1", port=closed.getsockname()[1])
        launcher = SshLauncher(options, "refused", tmp_path)
        with pytest.raises(LaunchError) as raised:
            await launcher.prepare(specs_of(options))
        await launcher.stop()
    first, *told = str(raised.value).splitlines()
    assert first == "3 of 3 failed:"
    assert [line.split(" ")[:2] for line in told] == [["node", "n0"], ["node", "n1"], ["node", "n2"]]
    assert all("can't connect: " in line for line in told)


async def test_a_node_that_tells_of_itself_is_asked_for_the_lease_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each step is a second: what the node did in it, and whether it is to be asked then."""
    asked: list[int] = []
    steps = iter([("tells", False), ("silent", True), ("silent", True), *[("tells", False)] * 14, ("tells", True)])
    expected: list[bool] = []
    now_ns = 0
    link = Session(SshNode(name="a"), options_of(1), "beat")

    async def a_second(_: float) -> None:
        nonlocal now_ns
        now_ns += 10**9
        did, asks = next(steps, ("lost", False))
        if did == "lost":
            raise asyncio.CancelledError
        expected.append(asks)
        if did == "tells":
            link._note("activity", {"line": "{}"})

    link.on_activity = lambda _: None
    monkeypatch.setattr(session, "asyncio", SimpleNamespace(sleep=a_second))
    monkeypatch.setattr(session, "time", SimpleNamespace(monotonic_ns=lambda: now_ns))
    process: Any = SimpleNamespace(stdin=SimpleNamespace(write=lambda _: asked.append(now_ns // 10**9)))
    with pytest.raises(asyncio.CancelledError):
        await link._beat(process)
    assert LEASE_BEAT_S == 15
    assert asked == [second for second, asks in enumerate(expected, 1) if asks] == [2, 3, 18]
