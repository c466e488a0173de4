"""LoadGen's process' side of its workers, where one of them ends."""

from __future__ import annotations

import errno
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from assay.load import frames
from assay.load.hub import Hub, WorkerDiedError
from assay.load.shares import Shares
from assay.load.unwritable import unwritable_line


def again_and_again(step: Callable[[], object]) -> None:
    for _ in range(600):
        step()
        time.sleep(0.1)


def test_a_worker_that_ends_is_named_whatever_it_had_still_to_read(tmp_path: Path) -> None:
    hub = Hub(tmp_path / "absent.json", Shares([1.0], 1))  # without a plan a worker ends
    hub.start_measuring()
    with pytest.raises(WorkerDiedError, match="client worker 0 ended by itself with exit code 1"):
        again_and_again(lambda: hub.poll(0.0))


def test_sending_to_a_worker_that_has_ended_names_it_too(tmp_path: Path) -> None:
    hub = Hub(tmp_path / "absent.json", Shares([1.0], 1))
    with pytest.raises(WorkerDiedError, match="client worker 0 ended by itself"):
        again_and_again(lambda: hub.send([frames.Send(0, 0, 0, 1)]))


def test_a_worker_gets_all_that_is_for_it_in_one_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub(tmp_path / "absent.json", Shares([1.0] * 8, 2))
    written: list[tuple[int, bytes]] = []
    monkeypatch.setattr(hub, "_write", lambda worker, data: written.append((worker, data)))
    sends = [frames.Send(endpoint, endpoint, 0, 1) for endpoint in range(8)]
    hub.send(sends)
    assert sorted(worker for worker, _ in written) == [0, 1]
    found = [frames.unpack_send(frame) for _, data in written for frame in frames.FrameReader().feed(data)]
    assert sorted(found) == sends


class Played(Hub):
    """Each worker is a program of a test's: `fd` is its end of the connection."""

    program = ""

    def _spawn(self, plan_path: Path, index: int) -> subprocess.Popen[bytes]:
        ours, theirs = socket.socketpair()
        code = f"import os, time; fd = {theirs.fileno()}; {self.program}"
        process = subprocess.Popen([sys.executable, "-I", "-c", code], pass_fds=[theirs.fileno()])
        theirs.close()
        self._sockets.append(ours)
        self._selector.register(ours, selectors.EVENT_READ, index)
        return process


class Stubborn(Played):
    program = "time.sleep(600)"


class Full(Played):
    said = frames.pack_word(frames.UNWRITABLE, unwritable_line(OSError(errno.ENOSPC, "No space left", "a.arrows")))
    program = f"os.read(fd, 99); os.write(fd, {said!r})"


def test_a_worker_that_does_not_stop_is_killed(tmp_path: Path) -> None:
    hub = Stubborn(tmp_path, Shares([1.0] * 2, 2))
    hub.stop(0.5)
    assert [process.returncode for process in hub._processes] == [-signal.SIGKILL] * 2
    hub.stop(0.5)  # as an error on the way to the end does


def test_what_a_worker_cannot_write_is_raised_in_the_load_and_kept_at_its_end(tmp_path: Path) -> None:
    told = Full(tmp_path, Shares([1.0], 1))
    told.probe(0)
    with pytest.raises(OSError, match="No space left") as raised:
        again_and_again(lambda: told.poll(0.0))
    assert raised.value.filename == "a.arrows"
    told.stop(30.0)

    stopped = Full(tmp_path, Shares([1.0], 1))
    stopped.stop(30.0)
    assert stopped.unwritable is not None
    assert stopped.unwritable.filename == "a.arrows"


class SlowStart(Hub):
    """Five workers, of which one is ready every `every_s` on a clock of its own; without processes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, every_s: float) -> None:
        self._ready, self._processes = 0, [None] * 5  # type: ignore[list-item]
        self._now_s, self._every_s = 0.0, every_s
        monkeypatch.setattr("assay.load.hub.time", SimpleNamespace(monotonic=lambda: self._now_s))

    def poll(self, timeout_s: float) -> list[Any]:
        self._now_s += timeout_s
        self._ready = int(self._now_s / self._every_s)
        return []


def test_workers_that_start_one_after_the_other_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = SlowStart(monkeypatch, every_s=20)
    hub.wait_ready(lambda: False)
    assert hub._now_s == 100


def test_a_worker_that_stays_silent_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WorkerDiedError, match="wasn't ready after 30 s"):
        SlowStart(monkeypatch, every_s=40).wait_ready(lambda: False)
