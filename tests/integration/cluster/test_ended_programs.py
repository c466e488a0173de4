"""A node's program that ended before its input was written: its own words are told, not a broken pipe.

The SSH server is asyncssh's, on loopback; the client is held back until the program's channel has closed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncssh
import pytest

from assay.cluster import LaunchError
from assay.cluster.options import SshNode, SshOptions
from assay.cluster.ssh import session as sessions
from assay.cluster.ssh.session import Session
from assay.install.link import NodeLink


class Anyone(asyncssh.SSHServer):
    def begin_auth(self, username: str) -> bool:
        return False


def no_such_file(process: asyncssh.SSHServerProcess[str]) -> None:
    process.stderr.write("sh: /nowhere/python3: not found\n")
    process.exit(127)


def cut(process: asyncssh.SSHServerProcess[str]) -> None:
    process.close()


class Late:
    """A connection whose caller hears of a process only after it has ended."""

    def __init__(self, connection: asyncssh.SSHClientConnection) -> None:
        self._connection = connection

    async def create_process(self, command: str, **options: Any) -> asyncssh.SSHClientProcess[Any]:
        process = await self._connection.create_process(command, **options)
        await process.wait_closed()
        return process

    def close(self) -> None:
        self._connection.close()

    def abort(self) -> None:
        self._connection.abort()


@asynccontextmanager
async def late(program: Callable[[asyncssh.SSHServerProcess[str]], None]) -> AsyncIterator[Any]:
    key = asyncssh.generate_private_key("ssh-ed25519")
    server = await asyncssh.listen(
        "127.0.0.1", 0, server_factory=Anyone, server_host_keys=[key], process_factory=program
    )
    async with server, asyncssh.connect("127.0.0.1", server.get_port(), known_hosts=None) as connection:
        yield Late(connection)


async def test_the_installers_link_tells_why_a_program_ended() -> None:
    async with late(no_such_file) as connection:
        link = NodeLink(SshNode(name="a"), connection, "/nowhere/python3", "place")
        with pytest.raises(LaunchError, match="node a: sh: /nowhere/python3: not found"):
            await link.ask("look")


async def test_the_installers_link_tells_that_it_was_cut() -> None:
    async with late(cut) as connection:
        link = NodeLink(SshNode(name="a"), connection, "/nowhere/python3", "place")
        with pytest.raises(LaunchError, match=r"node a: the link is lost .*: run this again, it goes on"):
            await link.ask("look")


async def test_a_session_tells_why_its_agent_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    async with late(no_such_file) as connection:

        async def connect(*_: Any) -> Any:
            return connection

        monkeypatch.setattr(sessions, "connect", connect)
        options = SshOptions.model_validate({"launcher": "ssh", "nodes": [{"name": "a"}], "python": "/nowhere/python3"})
        session = Session(options.nodes[0], options, "run")
        with pytest.raises(LaunchError, match="ended with code 127: sh: /nowhere/python3: not found"):
            await session.open()
        await session.close()
