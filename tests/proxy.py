"""An HTTP proxy for tests: it opens tunnels, whatever the host's name, to this machine."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Proxy:
    url: str = ""
    refuses: str = ""
    """The status line with which it answers instead."""
    asked: list[str] = field(default_factory=list)
    """The host and port of each tunnel that was asked for."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            method, where, _ = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[0].split(" ")
            assert method == "CONNECT"
            self.asked.append(where)
            if self.refuses:
                writer.write(f"HTTP/1.1 {self.refuses}\r\n\r\n".encode())
                writer.close()
                return
            there, here = await asyncio.open_connection("127.0.0.1", int(where.rpartition(":")[2]))
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.gather(_copy(reader, here), _copy(there, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@contextmanager
def proxy(refuses: str = "") -> Iterator[Proxy]:
    """A proxy while inside."""
    own, started, loop = Proxy(refuses=refuses), threading.Event(), asyncio.new_event_loop()

    async def main() -> None:
        server = await asyncio.start_server(own.serve, "127.0.0.1", 0)
        own.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        started.set()
        with contextlib.suppress(asyncio.CancelledError):
            await server.serve_forever()

    task = loop.create_task(main())
    thread = threading.Thread(target=loop.run_until_complete, args=[task], daemon=True)
    thread.start()
    started.wait(10)
    try:
        yield own
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(10)
