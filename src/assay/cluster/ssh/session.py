"""A connection with its agent: requests, answers, and events of servers that ended."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from assay.cluster.launcher import LaunchError
from assay.cluster.options import SshNode, SshOptions
from assay.cluster.ssh.connection import connect, explained

if TYPE_CHECKING:
    import asyncssh

# Reads its own program from the channel: nothing is installed, nothing secret is on a command line.
# Unbuffered, so that the requests which follow are left to the program.
BOOTSTRAP = """
import os
size = program = b""
while not size.endswith(b"\\n"): size += os.read(0, 1)
while len(program) < int(size): program += os.read(0, int(size) - len(program))
exec(program)
"""
ANSWER_TIMEOUT_S = 90.0
BEAT_S = 1.0
LEASE_BEAT_S = 15.0
"""A quarter of the agent's LEASE_S."""


@dataclass(frozen=True)
class Ended:
    """A server's end, as its node told it. `code` is None where its guard was killed too."""

    code: int | None
    heard_ns: int
    """CLOCK_MONOTONIC of this machine."""


class Session:
    """One node. `ended` holds the servers that ended, `lost` why the link is gone."""

    def __init__(self, node: SshNode, options: SshOptions, label: str) -> None:
        self.node = node
        self.ended: dict[str, Ended] = {}
        self.lost: str | None = None
        self.folder = ""
        self.address = ""
        """The node's own address on the connection, as its sshd sees it."""
        self.heard_ns = 0
        """When the node said something last, CLOCK_MONOTONIC. It is asked to every BEAT_S."""
        self.on_activity: Callable[[bytes], None] | None = None
        """Takes the lines of the node's probe."""
        self._told = False
        """Whether it said something unasked since it was last to be asked."""
        self._options = options
        self._label = label
        self._connection: asyncssh.SSHClientConnection | None = None
        self._process: asyncssh.SSHClientProcess[bytes] | None = None
        self._reader: asyncio.Task[None] | None = None
        self._beater: asyncio.Task[None] | None = None
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._next = 0

    @property
    def connection(self) -> asyncssh.SSHClientConnection:
        assert self._connection is not None
        return self._connection

    @property
    def peer(self) -> str:
        """The address that the connection goes to: the node's, or the last jump host's view of it."""
        if self.node.jump or self._connection is None:
            return self.address
        peer = self._connection.get_extra_info("peername")
        return str(peer[0]) if peer else self.address

    async def open(self) -> None:
        """Connect and start the agent. Raises LaunchError."""
        self._connection = await connect(self.node, self._options)
        python = self.node.python or self._options.python
        with explained(self.node.name, self.node.address):
            command = shlex.join([python, "-I", "-c", BOOTSTRAP])
            self._process = await self._connection.create_process(command, encoding=None)
        program = files("assay.cluster.ssh").joinpath("agent.py").read_bytes()
        _write(self._process, b"%d\n%b" % (len(program), program))
        self._reader = asyncio.create_task(self._read(self._process))
        hello = await self.ask("hello", folder=self._options.folder, label=self._label)
        self.folder, self.address = hello["folder"], hello["address"]
        self._beater = asyncio.create_task(self._beat(self._process))

    async def ask(self, do: str, **fields: Any) -> dict[str, Any]:
        """One request to the agent. Raises LaunchError where the node refuses or the link is lost."""
        if self.lost is not None or self._process is None:
            raise LaunchError(f"node {self.node.name}: {self.lost or 'not connected'}")
        self._next += 1
        number = self._next
        future = self._waiting[number] = asyncio.get_running_loop().create_future()
        _write(self._process, json.dumps({"id": number, "do": do, **fields}).encode() + b"\n")
        try:
            answer: dict[str, Any] = await asyncio.wait_for(future, ANSWER_TIMEOUT_S)
        except TimeoutError:
            raise LaunchError(f"node {self.node.name}: no answer to {do!r} in {ANSWER_TIMEOUT_S:g} s") from None
        finally:
            self._waiting.pop(number, None)
        if "error" in answer:
            raise LaunchError(f"node {self.node.name}: {answer['error']}")
        return answer

    async def _beat(self, process: asyncssh.SSHClientProcess[bytes]) -> None:
        """Ask for a sign of life: the agent learns that its controller lives, and `heard_ns` follows the node.

        A node that tells of itself anyway, as its probe does every second, is asked every LEASE_BEAT_S only.
        """
        asked_ns = time.monotonic_ns()
        while self.lost is None:
            await asyncio.sleep(BEAT_S)
            now_ns = time.monotonic_ns()
            told, self._told = self._told, False
            if told and now_ns < asked_ns + LEASE_BEAT_S * 1e9:
                continue
            asked_ns = now_ns
            _write(process, b"\n")

    async def _read(self, process: asyncssh.SSHClientProcess[bytes]) -> None:
        """Deliver answers and events until the channel ends, however it ends."""
        import asyncssh

        try:
            async for line in process.stdout:
                if not line.startswith(b"{"):  # a login script's chatter
                    continue
                self.heard_ns = time.monotonic_ns()
                answer = json.loads(line)
                if event := answer.get("event"):
                    self._note(event, answer)
                elif future := self._waiting.get(answer["id"]):
                    future.set_result(answer)
            self.lost = await self._why(process)
        except (OSError, asyncssh.Error, ValueError) as error:
            self.lost = f"the SSH link is lost: {error}"
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(LaunchError(f"node {self.node.name}: {self.lost}"))

    def _note(self, event: str, told: dict[str, Any]) -> None:
        if event == "exit":
            self.ended[told["name"]] = Ended(told["code"], self.heard_ns)
        elif event == "activity" and self.on_activity is not None:
            self._told = True
            self.on_activity(told["line"].encode())

    async def _why(self, process: asyncssh.SSHClientProcess[bytes]) -> str:
        """A lost link and an agent that could not start both end the output; the exit status tells them apart."""
        done = await process.wait()
        if done.exit_status is None:
            return "the SSH link is lost"
        python = self.node.python or self._options.python
        text = done.stderr.decode(errors="replace").strip() if isinstance(done.stderr, bytes) else ""
        mend = "set cluster.python to a Python 3 there, or run `assay node install`, which makes one"
        return f"{python} ended with code {done.exit_status}: {text[-300:]} ({mend})"

    async def close(self) -> None:
        """Let go. The agent ends; servers that weren't stopped go on."""
        if self._connection is not None:
            if self.lost is None and self._process is not None:
                self._process.stdin.write_eof()
            self._connection.close()
            if self.lost is None:
                await self._connection.wait_closed()
            else:
                self._connection.abort()
        tasks = [task for task in (self._reader, self._beater) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._connection = self._process = self._reader = self._beater = None


def _write(process: asyncssh.SSHClientProcess[bytes], data: bytes) -> None:
    """To the agent. A channel that closed just now takes nothing: why it closed, the reader tells."""
    with contextlib.suppress(OSError):
        process.stdin.write(data)
