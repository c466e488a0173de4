"""LoadGen's process' side of its workers: starts them, sends frames to them, and collects theirs."""

from __future__ import annotations

import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from assay.errors import AssayError
from assay.load import frames
from assay.load.shares import Shares
from assay.load.unwritable import parse_unwritable
from assay.runs.outcome import ProcessFacts

_RECEIVE_BYTES = 1 << 16  # Python makes room for so much at each call; more than malloc keeps costs 14 us each time
_READY_LIMIT_S = 30.0
_END_LIMIT_S = 2.0

WORKER = "assay.load.worker"
"""The module that a worker runs."""


@dataclass(slots=True)
class Messages:
    """What the workers sent, the oldest first for each worker and kind.

    Order between the kinds says nothing: a sample's first token comes in a `poll` before its end or in the same one,
    and that of another attempt can't come before this process has asked for it.
    """

    firsts: list[frames.First] = field(default_factory=list)
    dones: list[frames.Done] = field(default_factory=list)
    healths: list[frames.Health] = field(default_factory=list)


class WorkerDiedError(AssayError):
    """A worker process ended before it was told to."""


class Hub:
    """The workers, as one. `send` may be called from any thread under the caller's lock; the rest from one thread."""

    def __init__(self, plan_path: Path, shares: Shares) -> None:
        # It counts time in us, where epoll's whole ms would make schedules late; it takes file descriptors below 1,024,
        # which is more workers than a machine has cores.
        self._selector = selectors.SelectSelector()
        self._sockets: list[socket.socket] = []
        self._readers = [frames.FrameReader() for _ in range(shares.workers)]
        self._processes = [self._spawn(plan_path, index) for index in range(shares.workers)]
        self._shares = shares
        self._ready = 0
        self._stopping = False
        self.stats: dict[str, ProcessFacts] = {}
        self.on_wait: Callable[[int, int], None] = lambda endpoint, wait_ns: None
        """Told of each answer by which an endpoint asks to be let alone for a time, ns."""
        self.unwritable: OSError | None = None
        """Why a worker can't write what it measures, where one said so; `poll` raises it, but for that of `stop`."""
        self._wake_receiver, self._wake_sender = socket.socketpair()
        self._wake_receiver.setblocking(False)
        self._wake_sender.setblocking(False)
        self._selector.register(self._wake_receiver, selectors.EVENT_READ, None)

    def _spawn(self, plan_path: Path, index: int) -> subprocess.Popen[bytes]:
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", WORKER, str(theirs.fileno()), str(plan_path), str(index)]
        process = subprocess.Popen([*command, str(os.getpid())], pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
        theirs.close()
        self._sockets.append(ours)
        self._selector.register(ours, selectors.EVENT_READ, index)
        return process

    def wake(self) -> None:
        """Make a `poll` that is waiting return; safe from any thread and from a signal handler."""
        try:
            self._wake_sender.send(b"\0")
        except BlockingIOError:
            return  # a wake-up is waiting already

    def wake_on_signals(self) -> None:
        signal.set_wakeup_fd(self._wake_sender.fileno(), warn_on_full_buffer=False)

    def wait_ready(self, stopped: Callable[[], bool]) -> None:
        """Wait until every worker says that it is ready.

        Raises WorkerDiedError if one ends, or if of all that are left none is ready for long: many on few cores take
        their time.
        """
        ready, deadline_s = 0, time.monotonic() + _READY_LIMIT_S
        while self._ready < len(self._processes) and not stopped():
            self.poll(1.0)
            if self._ready > ready:
                ready, deadline_s = self._ready, time.monotonic() + _READY_LIMIT_S
            elif time.monotonic() > deadline_s:
                raise WorkerDiedError(f"a client worker wasn't ready after {_READY_LIMIT_S:.0f} s; see driver.log")

    def send(self, messages: Sequence[frames.Send]) -> None:
        """One write for each worker that gets any."""
        by_worker: dict[int, list[bytes]] = {}
        take, pack = self._shares.take, frames.pack_send
        for message in messages:
            by_worker.setdefault(take(message.endpoint), []).append(pack(message))
        for worker, packed in by_worker.items():
            self._write(worker, b"".join(packed))

    def probe(self, endpoint: int) -> None:
        self._write(self._shares.first(endpoint), frames.pack_probe(endpoint))

    def _write(self, worker: int, data: bytes) -> None:
        try:
            self._sockets[worker].sendall(data)
        except OSError:
            raise self._death(worker) from None

    def start_measuring(self) -> None:
        for worker in range(len(self._sockets)):
            self._write(worker, frames.pack_word(frames.STATS))

    def poll(self, timeout_s: float) -> Messages:
        """Waits at most `timeout_s` for something to read. Raises OSError where a worker's disk takes no more."""
        messages = Messages()
        for key, _ in self._selector.select(timeout_s):
            if key.data is None:
                self._wake_receiver.recv(4096)
                continue
            try:
                data = self._sockets[key.data].recv(_RECEIVE_BYTES)
            except ConnectionError:  # it ended before it had read what it was sent
                data = b""
            if not data:
                self._closed(key.data)
                continue
            for frame in self._readers[key.data].feed(data):
                self._decode(key.data, frame, messages)
            if self.unwritable is not None and not self._stopping:
                raise self.unwritable
        return messages

    def _decode(self, worker: int, frame: frames.Frame, messages: Messages) -> None:
        kind = frame[0]
        if kind == frames.FIRST:
            messages.firsts.append(frames.unpack_first(frame))
        elif kind == frames.DONE:
            messages.dones.append(done := frames.unpack_done(frame))
            self._shares.over(done.endpoint, worker)
            if done.retry_ns:
                self.on_wait(done.endpoint, done.retry_ns)
        elif kind == frames.HEALTH:
            messages.healths.append(frames.unpack_health(frame))
        elif kind == frames.STATS:
            self.stats[f"worker-{worker}"] = ProcessFacts.model_validate_json(frames.unpack_word(frame))
        elif kind == frames.READY:
            self._ready += 1
        elif kind == frames.UNWRITABLE:
            self.unwritable = self.unwritable or parse_unwritable(frames.unpack_word(frame))

    def _closed(self, worker: int) -> None:
        self._selector.unregister(self._sockets[worker])
        if not self._stopping:
            raise self._death(worker)

    def _death(self, worker: int) -> WorkerDiedError:
        code = _ended(self._processes[worker], _END_LIMIT_S)
        return WorkerDiedError(f"client worker {worker} ended by itself with exit code {code}; see driver.log")

    def stop(self, limit_s: float) -> None:
        """Have every worker write what it has and end; those that don't within the limit are killed."""
        self._stopping = True
        for connection in self._sockets:
            try:
                connection.sendall(frames.pack_word(frames.STOP))
            except OSError:  # gone already
                continue
        deadline_s = time.monotonic() + limit_s
        while self._open and (left_s := deadline_s - time.monotonic()) > 0:
            self.poll(left_s)
        for process in self._processes:
            _ended(process, max(0.0, deadline_s - time.monotonic()))

    @property
    def _open(self) -> bool:
        """Whether any worker may still say something."""
        return len(self._selector.get_map()) > 1  # the receiver of wake-ups is the one that stays


def _ended(process: subprocess.Popen[bytes], limit_s: float) -> int:
    """The exit code of a process that is about to end; one that doesn't within the limit is killed."""
    try:
        return process.wait(timeout=limit_s)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
