"""Waiting until servers may be loaded, however many there are."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

from assay.cluster.together import AT_ONCE, as_one
from assay.serving.servers import PlacedServer, ServerState

if TYPE_CHECKING:
    from assay.cluster.launcher import Launcher, ReadyCheck


class Readiness:
    """One wait for all servers of a launcher.

    At most AT_ONCE are looked at at a time, and the pause before a server's next look grows with their number, so that
    a thousand are asked as often in all as AT_ONCE are. The first failure gives the others one last look: those that
    can't serve either are told in the same message.
    """

    def __init__(self, launcher: Launcher, check: ReadyCheck, poll_s: float) -> None:
        self._launcher = launcher
        self._check = check
        self._pause_s = poll_s * max(1.0, len(launcher.servers) / AT_ONCE)
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._over = asyncio.Event()
        self._late = False
        """A server's time was up: who isn't ready now is told too."""
        self._failures: dict[str, Exception] = {}

    async def wait(self) -> None:
        """Return when every server passes the check. Raises LaunchError, or what the check raises."""
        servers = self._launcher.servers
        async with asyncio.TaskGroup() as group:
            for server in servers:
                group.create_task(self._wait_for(server))
        if self._failures:
            names = [server.spec.name for server in servers if server.spec.name in self._failures]
            raise as_one([self._failures[name] for name in names], len(servers))

    async def _wait_for(self, server: PlacedServer) -> None:
        while True:
            last = self._over.is_set()
            async with self._gate:
                try:
                    if await self._look(server):
                        return
                except Exception as error:  # told for all, once the others have had their last look
                    self._failures[server.spec.name] = error
                    self._over.set()
                    return
            if last:
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), self._pause_s)

    async def _look(self, server: PlacedServer) -> bool:
        """Whether it is ready. Raises LaunchError with the last lines of its log where it won't be."""
        if reason := await self._launcher.exited(server):
            server.state = ServerState.FAILED
            raise await self._launcher.failed(server, f"ended before it was ready: {reason}")
        missing = await self._check(server)
        if missing is None:
            server.state = ServerState.READY
            server.ready_ns = time.monotonic_ns() - server.started_ns
            return True
        limit_s = server.spec.ready_timeout_s
        late = time.monotonic_ns() > server.started_ns + (server.queued_ns or 0) + limit_s * 1e9
        if late or self._late:
            self._late = True
            server.state = ServerState.FAILED
            when = f"after {limit_s:g} s" if late else "by then either"
            raise await self._launcher.failed(server, f"not ready {when}: {missing}")
        return False
