"""The probe on a node whose servers are containers: beside them, since a container may lack Python and accelerators."""

from __future__ import annotations

import asyncio
import shlex
import sys
from collections.abc import AsyncIterable
from typing import TYPE_CHECKING, Protocol

from assay.cluster.probes import ProbeProcess
from assay.serving.probing import probe_source

if TYPE_CHECKING:
    import asyncssh

LOST_S = 1.0


class RunningProbe(Protocol):
    @property
    def lines(self) -> AsyncIterable[bytes]: ...

    async def end(self) -> None: ...


class _RemoteProbe:
    def __init__(self, process: asyncssh.SSHClientProcess[bytes]) -> None:
        self._process = process

    @property
    def lines(self) -> AsyncIterable[bytes]:
        return self._process.stdout

    async def end(self) -> None:
        """Its next line, at the latest, finds nobody that reads it."""
        self._process.close()
        await asyncio.wait([asyncio.create_task(self._process.wait_closed())], timeout=LOST_S)


async def start_probe(ssh: asyncssh.SSHClientConnection | None, arguments: list[str]) -> RunningProbe:
    """On the node at the other end of `ssh`, else on this machine. Raises asyncssh.Error, OSError."""
    if ssh is None:
        return await ProbeProcess.start(sys.executable, "-I", "-", *arguments, stdin=probe_source().encode())
    process = await ssh.create_process(shlex.join(["python3", "-I", "-", *arguments]), encoding=None)
    process.stdin.write(probe_source().encode())
    process.stdin.write_eof()
    return _RemoteProbe(process)
