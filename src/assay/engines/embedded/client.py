"""The HTTP process's side of the engine process: starts it, gives it requests, hands out its tokens."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import NamedTuple

from assay.engines.embedded.messages import (
    MAX_LINE_BYTES,
    Add,
    Cancel,
    Failed,
    FinishReason,
    Message,
    Ready,
    Step,
    pack,
    unpack,
)
from assay.engines.embedded.options import ComputeOptions
from assay.serving.exits import explain_exit

_END_S = 10.0  # from the closed socket to the end of the process, which may write a core file


class EngineDiedError(Exception):
    """The engine process has ended; what it was computing is lost."""


class Output(NamedTuple):
    """New tokens of one request; `finish_reason` with the last."""

    token_ids: list[int]
    finish_reason: FinishReason | None


class EngineClient:
    """One engine process. `ready` and `dead` are set once each; `running`, `waiting`, `kv_usage` follow its steps."""

    def __init__(self, gguf: Path, options: ComputeOptions) -> None:
        self.ready = asyncio.Event()
        self.dead = asyncio.Event()
        self.failure = ""
        self.engine_version = ""
        self.running = 0
        self.waiting = 0
        self.kv_usage = 0.0
        self._queues: dict[int, asyncio.Queue[Output | None]] = {}
        self._next_id = 1  # 0 is the golden check
        self._precision = options.precision
        self._socket, theirs = socket.socketpair()
        command = [sys.executable, "-m", "assay.engines.embedded.engine", "--fd", str(theirs.fileno())]
        command += ["--gguf", str(gguf), *options.arguments()]
        with theirs:
            # In a process group of its own: a terminal's Ctrl-C is for the HTTP process, which then ends this one.
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()], process_group=0
            )

    @property
    def pid(self) -> int:
        """Process id of the engine."""
        return self._process.pid

    async def follow(self) -> None:
        """Read the engine's messages until it ends; then `dead` is set and every request fails."""
        reader, self._writer = await asyncio.open_unix_connection(sock=self._socket, limit=MAX_LINE_BYTES)
        try:
            while line := await reader.readline():
                self._heed(unpack(line))
        except ConnectionResetError:
            pass  # killed: the same as an end
        finally:
            self.ready.clear()
            self.failure = self.failure or await self._how_it_ended()
            self.dead.set()
            for queue in self._queues.values():
                queue.put_nowait(None)

    async def _how_it_ended(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            await asyncio.to_thread(self._process.wait, _END_S)
        code = self._process.returncode
        if code is None:
            return "the engine process closed its connection"
        known = code == -signal.SIGFPE and self._precision == "bf16"
        hint = (
            f" (OpenVINO does that in {self._precision} where it has one thread: set precision to f32)" if known else ""
        )
        return f"the engine process ended: {explain_exit(code)}{hint}"

    def _heed(self, message: Message) -> None:
        match message:
            case Step():
                self.running, self.waiting, self.kv_usage = message.running, message.waiting, message.kv_usage
                for request_id, ids, reason in message.outputs:
                    if queue := self._queues.get(request_id):
                        queue.put_nowait(Output(ids, reason))
            case Ready():
                self.engine_version = message.engine_version
                self.ready.set()
            case Failed():
                self.failure = message.reason  # the end of the stream follows

    async def generate(
        self, prompt_ids: list[int], max_tokens: int, min_tokens: int, stop_ids: Sequence[int]
    ) -> AsyncGenerator[Output]:
        """Tokens as they come, until one output has a finish reason. Closing the iterator early cancels.

        Raises EngineDiedError.
        """
        request_id = self._next_id
        self._next_id += 1
        queue: asyncio.Queue[Output | None] = asyncio.Queue()
        self._queues[request_id] = queue
        finished = False
        try:
            self._send(Add(request_id, prompt_ids, max_tokens, min_tokens, list(stop_ids)))
            while not finished:
                output = await queue.get()
                if output is None:
                    raise EngineDiedError(self.failure)
                finished = output.finish_reason is not None
                yield output
        finally:
            del self._queues[request_id]
            if not finished and not self.dead.is_set():
                self._send(Cancel(request_id))

    def _send(self, message: Message) -> None:
        if not self.ready.is_set():
            raise EngineDiedError(self.failure or "the engine process is ending")
        self._writer.write(pack(message))

    def close(self) -> None:
        """End the engine process; it has nothing to save."""
        self._process.kill()
        self._process.wait()
