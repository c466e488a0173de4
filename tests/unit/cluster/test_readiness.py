"""Waiting for many servers: none of them real, and nothing hangs on how long anything takes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from assay.cluster.launcher import Launcher, LaunchError
from assay.cluster.together import AT_ONCE
from assay.runs.node_facts import NodeFacts
from assay.serving.servers import PlacedServer, ServerSpec, ServerState

FOREVER_S = 1e9


class Pretended(Launcher):
    """Servers that are never started; those named in `ends` have ended."""

    def __init__(self, count: int, ready_timeout_s: float = FOREVER_S) -> None:
        super().__init__("pretended")
        self.ends: dict[str, str] = {}
        self.servers = [
            PlacedServer(ServerSpec(f"s{i}", f"n{i}", (), ready_timeout_s=ready_timeout_s), "") for i in range(count)
        ]

    async def prepare(self, specs: Sequence[ServerSpec]) -> None: ...

    async def place(self) -> list[PlacedServer]:
        return self.servers

    async def exited(self, server: PlacedServer) -> str | None:
        return self.ends.get(server.spec.name)

    async def tail(self, server: PlacedServer, lines: int = 15) -> str:
        return f"last words of {server.spec.name}"

    async def logs(self, dest: Path) -> None: ...

    async def stop(self) -> None: ...

    async def facts(self) -> list[NodeFacts]:
        return []


async def test_few_are_asked_at_a_time_and_all_become_ready() -> None:
    launcher, asking, most = Pretended(200), 0, 0
    asked: Counter[str] = Counter()

    async def third_time(server: PlacedServer) -> str | None:
        nonlocal asking, most
        asking += 1
        most = max(most, asking)
        await asyncio.sleep(0)
        asking -= 1
        asked[server.spec.name] += 1
        return None if asked[server.spec.name] == 3 else "not yet"

    await launcher.wait_ready(third_time, poll_s=0.001)
    assert most == AT_ONCE
    assert set(asked.values()) == {3}
    assert {server.state for server in launcher.servers} == {ServerState.READY}
    assert all(server.ready_ns is not None for server in launcher.servers)


async def test_the_first_failure_ends_the_waiting_and_others_that_ended_are_told_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    launcher = Pretended(100)
    launcher.ends = {"s7": "exit code 1", "s40": "exit code 2", "s99": "exit code 3"}
    last_told = asyncio.Event()

    async def tail(server: PlacedServer, lines: int = 15) -> str:
        """The first to fail is the last whose log comes."""
        if server.spec.name == "s99":
            last_told.set()
        await last_told.wait()
        return f"last words of {server.spec.name}"

    monkeypatch.setattr(launcher, "tail", tail)

    async def never(_: PlacedServer) -> str:
        return "not yet"

    with pytest.raises(LaunchError) as raised:
        await launcher.wait_ready(never, poll_s=FOREVER_S)
    first, told = str(raised.value).split("\n", 1)
    assert first == "3 of 100 failed:"
    assert told.splitlines() == [
        "server s7 on n7 ended before it was ready: exit code 1",
        "last lines of its log:",
        "  last words of s7",
        "server s40 on n40 ended before it was ready: exit code 2",
        "server s99 on n99 ended before it was ready: exit code 3",
    ]
    failed = [server.spec.name for server in launcher.servers if server.state is ServerState.FAILED]
    assert failed == ["s7", "s40", "s99"]


async def test_one_failure_is_told_as_if_there_were_no_other_server() -> None:
    launcher = Pretended(3)
    launcher.ends = {"s1": "exit code 1"}

    async def never(_: PlacedServer) -> str:
        return "not yet"

    with pytest.raises(LaunchError) as raised:
        await launcher.wait_ready(never, poll_s=FOREVER_S)
    assert str(raised.value) == (
        "server s1 on n1 ended before it was ready: exit code 1\nlast lines of its log:\n  last words of s1"
    )


async def test_when_the_time_is_up_all_that_are_not_ready_are_told() -> None:
    """Also one whose own time isn't up yet: it was submitted later, or waited longer for its turn."""
    launcher = Pretended(40, ready_timeout_s=0)
    launcher.servers[5].queued_ns = round(FOREVER_S * 1e9 * 1e3)

    async def most(server: PlacedServer) -> str | None:
        return "no answer" if server.spec.name in ("s5", "s30") else None

    with pytest.raises(LaunchError) as raised:
        await launcher.wait_ready(most, poll_s=FOREVER_S)
    told = str(raised.value)
    assert told.startswith("2 of 40 failed:\n")
    assert "server s30 on n30 not ready after 0 s: no answer" in told
    assert "server s5 on n5 not ready by then either: no answer" in told
    assert sum(server.state is ServerState.READY for server in launcher.servers) == 38


async def test_a_fault_of_the_check_is_no_failure_of_a_server() -> None:
    launcher = Pretended(2)

    async def faulty(_: PlacedServer) -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await launcher.wait_ready(faulty)
