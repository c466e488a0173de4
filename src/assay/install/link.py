"""A link to a node while something is put there: programs on its interpreter, and files that go on after a cut."""

from __future__ import annotations

import contextlib
import json
import shlex
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.cluster import LaunchError
from assay.cluster.options import SshNode, SshOptions
from assay.cluster.ssh.connection import connect

if TYPE_CHECKING:
    import asyncssh

_ANSWER = "assay: "
BLOCK_BYTES = 4 << 20
_MOST_WORDS = 600

Sent = Callable[[str, str, int, int], None]
"""Told a node's name, a file's name, and how many of its bytes are there of how many."""


@dataclass(frozen=True)
class Shipment:
    """A file of this machine, and where it shall be on a node."""

    source: Path
    path: str
    """On the node; relative to the home folder."""
    bytes: int
    sha256: str


class NodeLink:
    """One connection. Everything raises LaunchError with the node's name, also when the link is lost."""

    def __init__(self, node: SshNode, connection: asyncssh.SSHClientConnection, python: str, folder: str) -> None:
        self.name = node.name
        self._connection = connection
        self._python = python
        self._folder = folder

    async def ask(self, do: str, **fields: Any) -> Any:
        """What `hand` answers on the node."""
        words = json.dumps({"do": do, "folder": self._folder, **fields})
        output = await self._run("hand.py", [words])
        found = [line for line in output.splitlines() if line.startswith(_ANSWER)]  # a login script may say more
        if not found:
            raise LaunchError(f"node {self.name}: {self._python} gave no answer: {output[-_MOST_WORDS:].strip()}")
        try:
            answer = json.loads(found[-1].removeprefix(_ANSWER))
        except ValueError:
            raise LaunchError(f"node {self.name}: {found[-1][:_MOST_WORDS]!r} is no answer of ours") from None
        if isinstance(answer, dict) and "error" in answer:
            raise LaunchError(f"node {self.name}: {answer['error']}")
        return answer

    async def install(self, *words: str) -> str:
        """What the installer says last."""
        output = await self._run("installer.py", ["--folder", self._folder, *words])
        return output.strip().rpartition("\n")[2]

    async def _run(self, program: str, words: list[str]) -> str:
        """A program of this room, sent along; nothing of ours must be on the node."""
        text = files("assay.install").joinpath(program).read_text(encoding="utf-8")
        with self._lost():
            process = await self._connection.create_process(shlex.join([self._python, "-I", "-", *words]))
            with contextlib.suppress(OSError):  # ended before it read: its exit status tells why
                process.stdin.write(text)
                process.stdin.write_eof()
            done = await process.wait()
        if done.exit_status is None:
            raise self._lost_by("it closed before the program there had ended")
        if done.exit_status != 0:
            said = str(done.stderr).strip()[-_MOST_WORDS:] or f"{self._python} ended with {done.exit_status}"
            raise LaunchError(f"node {self.name}: {said}")
        return str(done.stdout)

    async def send(self, shipment: Shipment, sent: Sent) -> int:
        """Put a file there, from where an earlier time was cut off; how many bytes were sent."""
        place = {"path": shipment.path, "sha256": shipment.sha256}
        there = await self.ask("ready", **place)
        start = there["bytes"] if there["bytes"] <= shipment.bytes else 0
        offset = start
        with self._lost():
            async with (
                self._connection.start_sftp_client() as sftp,
                sftp.open(there["part"], "r+", encoding=None) as part,
            ):
                with shipment.source.open("rb") as source:
                    source.seek(offset)
                    while block := source.read(BLOCK_BYTES):
                        await part.write(block, offset)
                        offset += len(block)
                        sent(self.name, shipment.source.name, offset, shipment.bytes)
        await self.ask("settle", **place)
        return offset - start

    @contextlib.contextmanager
    def _lost(self) -> Iterator[None]:
        import asyncssh

        try:
            yield
        except (OSError, asyncssh.Error) as error:
            raise self._lost_by(str(error)) from None

    def _lost_by(self, reason: str) -> LaunchError:
        return LaunchError(f"node {self.name}: the link is lost ({reason}): run this again, it goes on")


@asynccontextmanager
async def linked(node: SshNode, options: SshOptions, python: str, folder: str) -> AsyncIterator[NodeLink]:
    """Connect, with host keys verified. Raises LaunchError or UserError."""
    connection = await connect(node, options)
    try:
        yield NodeLink(node, connection, python, folder)
    except BaseException:
        connection.abort()  # a lost link would be waited for
        raise
    connection.close()
    await connection.wait_closed()
