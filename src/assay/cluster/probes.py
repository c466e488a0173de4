"""Probes that run beside servers as long as they are listened to, each a process or a stream of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterable, Awaitable, Callable

from assay.cluster.local import GUARD

FIRST_LINE_S = 20.0


class Probes:
    """Those of one launcher."""

    def __init__(self) -> None:
        self._running: list[tuple[Callable[[], Awaitable[None]], asyncio.Task[None]]] = []

    async def listen(
        self, lines: AsyncIterable[bytes], take: Callable[[bytes], None], end: Callable[[], Awaitable[None]]
    ) -> bool:
        """Hand each line to `take` until `end` was called; whether a first one came within FIRST_LINE_S.

        `end` ends the probe, and `lines` with it.
        """
        begun = asyncio.Event()
        reader = asyncio.create_task(_read(lines, take, begun))
        self._running.append((end, reader))
        waiting = asyncio.create_task(begun.wait())
        await asyncio.wait((waiting, reader), timeout=FIRST_LINE_S, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        return begun.is_set()

    async def end(self) -> None:
        """End all of them, at once."""
        running, self._running = self._running, []
        await asyncio.gather(*(end() for end, _ in running))
        await asyncio.gather(*(reader for _, reader in running))


async def _read(lines: AsyncIterable[bytes], take: Callable[[bytes], None], begun: asyncio.Event) -> None:
    async for line in lines:
        if line:  # an SSH channel that ends gives an empty one
            begun.set()
            take(line)


class ProbeProcess:
    """A command on this machine whose output is read as it comes.

    It ends with this process. What it started ends with it.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, *argv: str, stdin: bytes) -> ProbeProcess:
        guard = [sys.executable, "-I", "-S", str(GUARD), "--parent", str(os.getpid()), "--"]
        pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        process = await asyncio.create_subprocess_exec(
            *guard, *argv, stdin=pipe, stdout=pipe, stderr=null, start_new_session=True
        )
        assert process.stdin is not None
        process.stdin.write(stdin)
        process.stdin.write_eof()
        return cls(process)

    @property
    def lines(self) -> AsyncIterable[bytes]:
        assert self._process.stdout is not None
        return self._process.stdout

    async def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        await self._process.wait()
