"""A server over several SSH nodes, which are stood in for: what each is asked, a part's end, and taking it all down."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from assay.cluster.launcher import LaunchError
from assay.cluster.options import SshOptions
from assay.cluster.ssh import SshLauncher
from assay.cluster.ssh.session import Ended, Session
from assay.deploy.state import ServerRecord
from assay.serving.servers import PlacedServer, ServerSpec, ServerState, Spread

SPREAD = Spread(
    leader=("lead", "{nodes}", "{rank}", "{leader}:{leader_port}"),
    follower=("follow", "{nodes}", "{rank}", "{leader}:{leader_port}"),
    address_env="HOST_IP",
)


class Nodes:
    """What every node was asked, in order; those in `lost` can't be reached."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[tuple[str, str, dict[str, Any]]] = []
        self.lost: set[str] = set()
        nodes = self

        async def open_one(self: Session) -> None:
            if self.node.name in nodes.lost:
                raise LaunchError(f"node {self.node.name}: no route")
            self.address = f"10.0.0.{self.node.name[1:]}"

        async def ask(self: Session, do: str, **fields: Any) -> dict[str, Any]:
            nodes.asked.append((self.node.name, do, fields))
            answers = {"free_port": {"port": 7000}, "start": {"pid": 1, "start": 2, "port": 8000}}
            return answers.get(do) or {"text": f"{do} of {fields.get('name')}"}

        async def stream(self: SshLauncher, session: Session, name: str) -> None:
            pass

        monkeypatch.setattr(Session, "open", open_one)
        monkeypatch.setattr(Session, "ask", ask)
        monkeypatch.setattr(SshLauncher, "_stream", stream)

    def of(self, do: str) -> list[tuple[str, dict[str, Any]]]:
        return [(node, fields) for node, what, fields in self.asked if what == do]


def launcher_of(folder: Path) -> SshLauncher:
    nodes = [{"name": f"n{number}", "accelerators": [number, 5]} for number in range(2)]
    options = SshOptions.model_validate({"launcher": "ssh", "nodes": nodes, "nodes_per_server": 2})
    return SshLauncher(options, "spread", folder)


async def up(folder: Path) -> tuple[SshLauncher, PlacedServer]:
    launcher = launcher_of(folder)
    await launcher.prepare(
        [ServerSpec("n0", "n0", ("alone",), env={"A": "b"}, accelerators=(0, 1, 2, 3), spread=SPREAD)]
    )
    (server,) = await launcher.place()
    return launcher, server


async def test_the_leader_is_started_and_then_its_followers_are_told_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = Nodes(monkeypatch)
    _, server = await up(tmp_path)
    (first, leader), (second, follower) = nodes.of("start")
    assert (first, leader["name"], leader["argv"]) == ("n0", "n0", ["lead", "2", "0", "10.0.0.0:7000"])
    assert (second, follower["name"], follower["argv"]) == ("n1", "n0_1", ["follow", "2", "1", "10.0.0.0:7000"])
    assert [started["env"]["CUDA_VISIBLE_DEVICES"] for started in (leader, follower)] == ["0,5", "1,5"]
    assert [started["env"]["HOST_IP"] for started in (leader, follower)] == ["10.0.0.0", "10.0.0.1"]
    assert leader["env"]["A"] == follower["env"]["A"] == "b"
    assert (server.url, server.handle["pid on n1"]) == ("http://10.0.0.0:8000", "1")


async def test_the_end_of_a_follower_is_the_servers_end_with_the_followers_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = Nodes(monkeypatch)
    launcher, server = await up(tmp_path)
    assert await launcher.exited(server) is None
    assert await launcher.tail(server) == "tail of n0"
    launcher._sessions["n1"].ended["n0_1"] = Ended(-9, 5)
    assert "its part on n1: killed by SIGKILL" in str(await launcher.exited(server))
    assert nodes.of("end") == [("n0", {"name": "n0"})], "nobody waits for a leader that waits for its follower"
    assert await launcher.tail(server) == "tail of n0_1"


async def test_of_several_parts_that_ended_the_first_is_told_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = Nodes(monkeypatch)
    launcher, server = await up(tmp_path)
    launcher._sessions["n0"].ended["n0"] = Ended(1, 20)
    launcher._sessions["n1"].ended["n0_1"] = Ended(3, 10)
    assert await launcher.exited(server) == "its part on n1: exit code 3; its part on n0: exit code 1"
    assert nodes.of("end") == []
    assert await launcher.tail(server) == "tail of n0_1"


async def test_a_lost_follower_is_told_by_its_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = Nodes(monkeypatch)
    launcher, server = await up(tmp_path)
    launcher._sessions["n1"].lost = "the SSH link is lost"
    assert await launcher.exited(server) == "its part on n1: the SSH link is lost"
    assert nodes.of("end") == [("n0", {"name": "n0"})]


async def test_a_stop_from_the_record_alone_asks_every_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = Nodes(monkeypatch)
    _, server = await up(tmp_path)
    record = ServerRecord.of(server)
    launcher = launcher_of(tmp_path)
    launcher.servers = [record.placed()]
    nodes.lost = {"n1"}
    with pytest.raises(LaunchError, match="1 server may still run there"):
        await launcher.stop()
    assert [node for node, _ in nodes.of("stop")] == ["n0"]
    assert launcher.servers[0].state is ServerState.PLACED, "a part of it may still run"
    nodes.lost = set()
    await launcher.stop()
    assert sorted(node for node, _ in nodes.of("stop")) == ["n0", "n0", "n1"]
    assert launcher.servers[0].state is ServerState.STOPPED
    await launcher.stop()
    assert len(nodes.of("stop")) == 3
