"""The probe in a server's pod, whose lines come over the API server's exec stream."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterable, AsyncIterator
from typing import Any

from assay.cluster.kubernetes.api import Api
from assay.cluster.options import KubernetesOptions

LOOK_S = 1.0


class PodProbe:
    """Read by a thread, since the client blocks. It ends with its stream, or with the pod."""

    def __init__(self, api: Api, session: Any) -> None:
        self._api = api
        self._session = session
        self._over = threading.Event()
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._thread = threading.Thread(target=self._read, name="pod probe", daemon=True)
        self._thread.start()

    @classmethod
    async def start(cls, options: KubernetesOptions, pod: str, command: list[str]) -> PodProbe:
        """Raises LaunchError."""
        api = Api(options)  # of its own: while the client opens such a stream, it can do nothing else
        try:
            return cls(api, await open_stream(api, options.namespace, pod, command))
        except BaseException:
            await api.close()
            raise

    @property
    def lines(self) -> AsyncIterable[bytes]:
        return self._lines()

    async def _lines(self) -> AsyncIterator[bytes]:
        while (line := await self._queue.get()) is not None:
            yield line

    def _read(self) -> None:
        with contextlib.suppress(Exception):  # of the client, its sockets and TLS: nothing more comes
            rest = ""
            while not self._over.is_set() and self._session.is_open():
                self._session.update(timeout=LOOK_S)
                *lines, rest = (rest + self._session.read_all()).split("\n")  # read by lines, it would keep them all
                for line in lines:
                    self._hand_on(line.encode())
        self._hand_on(None)

    def _hand_on(self, line: bytes | None) -> None:
        self._loop.call_soon_threadsafe(self._queue.put_nowait, line)

    async def end(self) -> None:
        self._over.set()
        await asyncio.to_thread(self._thread.join, 2 * LOOK_S)
        await asyncio.to_thread(self._session.close)
        await self._api.close()


async def open_stream(api: Api, namespace: str, pod: str, command: list[str]) -> Any:
    """What `command` prints in the pod, as the client's WSClient. Raises LaunchError."""
    from kubernetes.stream import stream

    wanted = {"command": command, "stdout": True, "stderr": False, "stdin": False, "tty": False}
    connect = api.core.connect_get_namespaced_pod_exec
    return await api.call(stream, connect, pod, namespace, _preload_content=False, **wanted)
