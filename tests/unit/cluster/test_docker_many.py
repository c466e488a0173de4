"""Many nodes with Docker, without any: nodes side by side, the servers of a node one after another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from assay.cluster.docker import DockerLauncher
from assay.cluster.docker import launcher as module
from assay.cluster.launcher import LaunchError
from assay.cluster.options import DockerOptions, SshNode
from assay.cluster.together import AT_ONCE
from assay.serving.servers import ServerSpec

NODES = 50
BROKEN = ("n3", "n40")


class PretendedDaemon:
    """Creates containers that are nothing; counts how many nodes are worked on at a time."""

    opened: list[str]
    working: set[str]
    most: int

    def __init__(self, node: SshNode, options: DockerOptions) -> None:
        self.node, self.address, self.lost = node, f"address-of-{node.name}", False
        self.client = SimpleNamespace(
            containers=SimpleNamespace(create=lambda **_: SimpleNamespace(id="c", start=lambda: None)),
            images=SimpleNamespace(get=lambda _: None),
        )

    async def open(self) -> None:
        self.opened.append(self.node.name)
        await asyncio.sleep(0)

    async def free_port(self) -> int:
        assert self.node.name not in self.working, "two servers of a node look for a port at once"
        self.working.add(self.node.name)
        type(self).most = max(self.most, len(self.working))
        await asyncio.sleep(0)
        self.working.remove(self.node.name)
        return 9

    async def call(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        if self.node.name in BROKEN and "image" in options:
            raise LaunchError(f"docker on {self.node.name}: no space left")
        return function(*arguments, **options)

    async def close(self) -> None:
        return


async def test_nodes_are_side_by_side_and_what_fails_on_some_is_told_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("docker")
    PretendedDaemon.opened, PretendedDaemon.working, PretendedDaemon.most = [], set(), 0
    monkeypatch.setattr(module, "Daemon", PretendedDaemon)
    nodes = tuple(SshNode(name=f"n{number}") for number in range(NODES))
    launcher = DockerLauncher(DockerOptions(launcher="docker", image="i", nodes=nodes), "many")
    specs = [ServerSpec(f"{node.name}-{index}", node.name, ("x",)) for node in nodes for index in range(2)]
    await launcher.prepare(specs)
    with pytest.raises(LaunchError) as raised:
        await launcher.place()
    await launcher.release()
    assert str(raised.value).splitlines() == [
        f"2 of {NODES} failed:",
        "docker on n3: no space left",
        "docker on n40: no space left",
    ]
    assert sorted(PretendedDaemon.opened) == sorted(node.name for node in nodes)
    assert 1 < PretendedDaemon.most <= AT_ONCE
    placed = [spec.name for spec in specs if spec.node not in BROKEN]
    assert [server.spec.name for server in launcher.servers] == placed
    assert launcher.servers[0].url == "http://address-of-n0:9"
