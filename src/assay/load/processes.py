"""What every process of the load side does to itself: die with its parent, and measure its own event loop."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from assay.runs.outcome import ProcessFacts

_PR_SET_PDEATHSIG = 1
_TICK_S = 0.02


def die_with_parent(parent_pid: int) -> None:
    """Have the kernel end this process when its parent does, however that happens (Linux)."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:  # it had died before the call
        os._exit(1)


def leave_with(main: Callable[[list[str]], int]) -> NoReturn:
    """Run a process' `main` and end it at once, however that ends: the interpreter's own end may hang or crash.

    LoadGen's thread can't be stopped, a query that is still open crashes its destructor, and open connections need no
    farewell. Standard error may be a file on a disk that takes no more: what can't be said there holds up nothing.
    """
    code = 1
    try:
        code = main(sys.argv[1:])
    except BaseException:
        with suppress(OSError):
            traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError):
                stream.flush()
        os._exit(code)


def raise_file_limit() -> None:
    """A connection is an open file, and the usual limit of 1,024 is less than one large window."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def quiet_gc() -> None:
    """Keep the collector from pausing the hot path: what exists by now is left alone, cycles are looked for rarely."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 50, 50)


def cpu_ns() -> int:
    """CPU time of this process so far, user and system, ns."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return int((usage.ru_utime + usage.ru_stime) * 1e9)


def peak_rss_bytes() -> int:
    """The most memory that this program has held. The kernel's ru_maxrss begins with that of the program before it."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


class SelfMeasure:
    """CPU share of this process and, given a loop, how late its timers fire, from `start` to `stop`."""

    def __init__(self) -> None:
        self._lag_ns: list[int] = []
        self._due_ns = 0
        self._started_ns = 0
        self._cpu_started_ns = 0

    def start(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._started_ns, self._cpu_started_ns = time.monotonic_ns(), cpu_ns()
        self._lag_ns.clear()
        if loop is not None:
            self._tick(loop)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        now_ns = time.monotonic_ns()
        if self._due_ns:
            # Timers of uvloop count whole milliseconds, so one that fires on time may seem early.
            self._lag_ns.append(max(0, now_ns - self._due_ns))
        self._due_ns = now_ns + int(_TICK_S * 1e9)
        loop.call_later(_TICK_S, self._tick, loop)

    def report(self) -> ProcessFacts:
        """From `start` to now; lateness only where a loop was measured."""
        wall_ns = max(1, time.monotonic_ns() - self._started_ns)
        facts = ProcessFacts(
            cpu_share=(cpu_ns() - self._cpu_started_ns) / wall_ns,
            peak_rss_bytes=peak_rss_bytes(),
        )
        if self._lag_ns:
            ordered = sorted(self._lag_ns)
            facts.lag_p99_ns, facts.lag_max_ns = ordered[int(len(ordered) * 0.99)], ordered[-1]
        return facts
