"""A simulator in a process of its own, for tests, and requests to it through the transport."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvloop

from assay.load.encoders import completion_body
from assay.load.transport import EndpointPool, EndpointSettings, Exchange
from assay.serving.connection import EndpointConnection

_READY_S = 20


class Running:
    """A simulator that listens; `ports` has one entry a process."""

    def __init__(self, process: subprocess.Popen[bytes], ports: list[int], truth: Path) -> None:
        self.process = process
        self.ports = ports
        self._truth = truth

    def url(self, index: int = 0, scheme: str = "http") -> str:
        return f"{scheme}://127.0.0.1:{self.ports[index]}"

    def stop(self) -> list[dict[str, Any]]:
        """Ends it and returns the lines of the truth."""
        self.process.terminate()
        self.process.wait(10)
        return [json.loads(line) for line in self._truth.read_bytes().splitlines()]


@contextmanager
def simulator(folder: Path, *options: str) -> Iterator[Running]:
    port_file, truth = folder / "ports", folder / "truth.jsonl"
    port_file.unlink(missing_ok=True)
    command = [sys.executable, "-m", "assay.simulator", "--port", "0", "--port-file", str(port_file)]
    process = subprocess.Popen([*command, "--truth", str(truth), *options], stdout=subprocess.DEVNULL)
    try:
        give_up = time.monotonic() + _READY_S
        while not port_file.exists():
            assert process.poll() is None, "the simulator ended"
            assert time.monotonic() < give_up, "the simulator doesn't listen"
            time.sleep(0.01)
        yield Running(process, [int(line) for line in port_file.read_text().split()], truth)
    finally:
        process.terminate()
        process.wait(10)


class Requests:
    """Sends requests through one pool and keeps what the pool tells, in order."""

    def __init__(self, settings: EndpointSettings) -> None:
        self.told: list[tuple[str, int]] = []
        self.exchanges: dict[int, Exchange] = {}
        self._done: dict[int, asyncio.Event] = {}
        self.pool = EndpointPool(settings, self._first, self._finished, asyncio.get_running_loop())

    def send(self, tag: int, body: bytes) -> None:
        self._done[tag] = asyncio.Event()
        self.exchanges[tag] = self.pool.submit(tag, body)

    async def wait(self, *tags: int) -> list[Exchange]:
        """The exchanges of `tags`, once they have ended."""
        async with asyncio.timeout(20):
            for tag in tags:
                await self._done[tag].wait()
        return [self.exchanges[tag] for tag in tags]

    async def ask(self, count: int = 1, **wanted: Any) -> list[Exchange]:
        """Sends `count` like requests at once and waits for all."""
        tags = range(len(self.exchanges), len(self.exchanges) + count)
        for tag in tags:
            self.send(tag, body(user=f"tag-{tag}", **wanted))
        return await self.wait(*tags)

    def _first(self, exchange: Exchange) -> None:
        assert exchange.outcome is None or exchange.first_ns
        self.told.append(("first", exchange.tag))

    def _finished(self, exchange: Exchange) -> None:
        self.told.append(("done", exchange.tag))
        self._done[exchange.tag].set()


def body(max_tokens: int = 8, prompt: str | list[int] = "Say it", user: str = "", **wanted: Any) -> bytes:
    return completion_body("simulated", prompt, max_tokens, extra={"user": user}, **wanted)


def settings_for(url: str, **settings: Any) -> EndpointSettings:
    """`settings` of the pool, or of the connection."""
    own = {name: settings.pop(name) for name in list(settings) if name in EndpointConnection.model_fields}
    return EndpointSettings(EndpointConnection(url=url, **own), **settings)


def conversation(url: str, talk: Callable[[Requests], Any], **settings: Any) -> Any:
    """Runs `talk` with requests to `url` on an event loop; closes the pool and checks what it told."""

    async def run() -> Any:
        requests = Requests(settings_for(url, **settings))
        try:
            result = await talk(requests)
        finally:
            await requests.pool.close()
        for tag in requests.exchanges:
            told = [what for what, of in requests.told if of == tag]
            assert told in (["done"], ["first", "done"])
        assert requests.pool.stats.open == 0
        assert requests.pool.in_flight == 0
        return result

    return uvloop.run(run())
