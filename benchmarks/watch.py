"""What watching costs a run, and how much memory a page takes.

    python benchmarks/watch.py [--json] [--rounds 6] [--window-s 20] [--parts cost memory]

`cost`: one run of `assay bench` on simulated endpoints, a fixed number of requests in flight. While it lasts, nobody
watches, then one terminal (`assay watch` in 80 x 24), then ten browsers (`assay watch --web` and ten that listen to its
events, as pages do; what they would draw is no matter of the run's machine), in turns whose order changes; nobody's
turn is the baseline. A turn counts from when its watchers are up, and their start isn't in it. Tokens/s are of the
tokens that came in the turns' time, TTFT of the requests that were issued in it.

`memory`: a page in headless Chromium follows a generated run of 64 endpoints and 100,000 samples on 64 nodes of eight
accelerators, from the middle to its end; its JavaScript heap after garbage was collected.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import pty
import re
import selectors
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.browsing import chromium
from tests.following import begin, campaign, entry, progress, sketch
from tests.simulated import simulators

from assay.runs import RunFolder, TelemetryJournal, read_requests
from assay.runs.progress import EndpointProgress, ProgressEvent, append_event
from peers.machine import Watch

ASSAY = [sys.executable, "-m", "assay.commands.main"]
GOAL, GOAL_MB = 0.995, 100.0
BROWSERS = 10
ENDPOINTS = 4
CONCURRENCY = 32
SERVER = ("--ttft-ms", "200", "--itl-ms", "20", "--output-tokens", "96", "--max-num-seqs", "64")
GPU_METRICS = ("utilization_percent", "memory_used_bytes", "power_w", "sm_clock_mhz", "temperature_c")
SETTLED_S = 1.0
READY_S = 60
MB = 1_000_000
TICKS_S = os.sysconf("SC_CLK_TCK")


@dataclass
class Turn:
    """Who watched, from when to when (CLOCK_MONOTONIC ns), and the CPU seconds of the watchers meanwhile."""

    who: str
    from_ns: int
    to_ns: int
    cpu_s: float


@dataclass
class Reader:
    """Takes what comes from sockets and terminals: a watcher whose output nobody takes stands still."""

    bytes_read: int = 0
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def take(self, files: list[int]) -> None:
        for file in files:
            self._selector.register(file, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _read(self) -> None:
        while not self._over.is_set():
            for key, _ in self._selector.select(0.2):
                with contextlib.suppress(OSError):
                    self.bytes_read += len(os.read(key.fd, 1 << 16))


@contextmanager
def terminal(folder: Path) -> Iterator[list[int]]:
    """`assay watch` in a terminal of its own; gives the processes whose CPU time counts."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen(
        [*ASSAY, "watch", str(folder)], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    reader = Reader()
    try:
        reader.take([ours])
        _wait(lambda: reader.bytes_read > 0, "the terminal shows nothing")
        yield [process.pid]
    finally:
        process.terminate()
        process.wait(10)
        reader.end()
        os.close(ours)


@contextmanager
def pages(folder: Path) -> Iterator[tuple[str, int]]:
    """`assay watch --web`: its address, and its process."""
    command = [*ASSAY, "watch", str(folder), "--web", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip(), process.pid
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def browsers(folder: Path) -> Iterator[list[int]]:
    """Ten that listen to the pages' events; each has been sent all that there is."""
    with pages(folder) as (address, pid), ExitStack() as stack:
        match = re.fullmatch(r"http://([\d.]+):(\d+)(/.*)", address)
        assert match is not None, address
        listeners = []
        for _ in range(BROWSERS):
            listener = stack.enter_context(socket.create_connection((match[1], int(match[2])), READY_S))
            listener.sendall(f"GET {match[3]}events HTTP/1.1\r\nHost: {match[1]}:{match[2]}\r\n\r\n".encode())
            answer = b""
            while b"data: " not in answer:
                more = listener.recv(1 << 16)
                assert more, f"no events: {answer[:200]!r}"
                answer += more
            listeners.append(listener)
        reader = Reader()
        reader.take([listener.fileno() for listener in listeners])
        try:
            yield [pid]
        finally:
            reader.end()


@contextmanager
def nobody(_: Path) -> Iterator[list[int]]:
    yield []


WATCHERS: dict[str, Callable[[Path], contextlib.AbstractContextManager[list[int]]]] = {
    "nobody": nobody, "terminal": terminal, "browsers": browsers,
}  # fmt: skip


def cost(rounds: int, window_s: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with simulators(folder, [SERVER] * ENDPOINTS) as urls:
            command = [*ASSAY, "bench", *urls, "--concurrency", str(CONCURRENCY), "--duration", "86400s", "--quiet"]
            command += ["--results", str(folder / "results"), "--input", "64", "--output", "32:96", "--warmup", "8"]
            load = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            try:
                run = _begun(folder / "results", load)
                turns = [
                    _turn(who, run.path.parent.parent, window_s)
                    for number in range(rounds)
                    for who in sorted(WATCHERS, reverse=number % 2 == 1)
                ]
            finally:
                load.send_signal(2)
                load.communicate(timeout=300)
        return _figures(run, turns, rounds)


def _begun(results: Path, load: subprocess.Popen[str]) -> RunFolder:
    """The run's folder, once its load has gone on for a while."""

    def begun() -> bool:
        if load.poll() is not None:
            raise RuntimeError(f"the load ended: {load.communicate()[1][-2000:]}")
        return any(b'"completed":' in path.read_bytes() for path in results.glob("*/runs/*/progress.jsonl"))

    _wait(begun, "no load")
    time.sleep(5)
    (path,) = results.glob("*/runs/*")
    return RunFolder(path)


def _turn(who: str, folder: Path, window_s: float) -> Turn:
    with WATCHERS[who](folder) as processes:
        time.sleep(SETTLED_S)
        before_s, from_ns = sum(map(_cpu_s, processes)), time.monotonic_ns()
        time.sleep(window_s)
        return Turn(who, from_ns, time.monotonic_ns(), sum(map(_cpu_s, processes)) - before_s)


def _figures(run: RunFolder, turns: list[Turn], rounds: int) -> dict[str, Any]:
    """Of all turns with the same watchers together; ratios are above 1 where they are better than with nobody, and
    beside each stand the lowest and the highest of a round alone: what chance does."""
    table = read_requests(run.requests, ["issued_ns", "first_ns", "last_ns", "output_tokens"])
    table = table.filter(table["last_ns"].is_valid())
    found: dict[str, Any] = {"simulated": True, "goal": GOAL}
    each = [{who: _of(table, [turns_of[who]]) for who in WATCHERS} for turns_of in _rounds(turns, rounds)]
    for who in WATCHERS:
        found[who] = _of(table, [turn for turn in turns if turn.who == who])
    for who in ("terminal", "browsers"):
        for name, figure, power in (("tokens_ratio", "tokens_per_s", 1), ("ttft_p99_ratio", "ttft_p99_ms", -1)):
            ratios = [(one[who][figure] / one["nobody"][figure]) ** power for one in (found, *each)]
            found[f"{who}_{name}"] = round(ratios[0], 4)
            found[f"{who}_{name}_of_rounds"] = [round(min(ratios[1:]), 4), round(max(ratios[1:]), 4)]
    return found


def _rounds(turns: list[Turn], rounds: int) -> Iterator[dict[str, Turn]]:
    for number in range(rounds):
        yield {turn.who: turn for turn in turns[number * len(WATCHERS) : (number + 1) * len(WATCHERS)]}


def _of(table: Any, turns: list[Turn]) -> dict[str, float]:
    """What came in these turns; tokens are spread evenly from an answer's first to its last."""
    issued, first, last, tokens = (table[name].to_numpy().astype(float) for name in table.column_names)
    came, seconds = 0.0, sum(turn.to_ns - turn.from_ns for turn in turns) / 1e9
    ttft_ms: list[float] = []
    for turn in turns:
        inside = np.minimum(last, turn.to_ns) - np.maximum(first, turn.from_ns)
        came += float((tokens * np.clip(inside / np.maximum(last - first, 1.0), 0.0, 1.0)).sum())
        here = (issued >= turn.from_ns) & (issued < turn.to_ns)
        ttft_ms += list((first - issued)[here] / 1e6)
    return {
        "tokens_per_s": round(came / seconds, 2),
        "ttft_p99_ms": round(float(np.percentile(ttft_ms, 99)), 3),
        "requests": len(ttft_ms),
        "watchers_share_of_a_core": round(sum(turn.cpu_s for turn in turns) / seconds, 4),
    }


def memory() -> dict[str, Any]:
    """The page's heap, MB, when it joined in the middle of the run and at the run's end."""
    with tempfile.TemporaryDirectory() as name:
        large = LargeRun(Path(name))
        large.write(500)
        with pages(large.folder.path) as (address, _), chromium() as browser:
            page = browser.new_page()
            page.goto(address)
            page.get_by_text("50,000/100,000 samples").first.wait_for(timeout=READY_S * 1000)
            session = page.context.new_cdp_session(page)

            def heap_mb() -> float:
                session.send("HeapProfiler.collectGarbage")
                return round(float(session.send("Runtime.getHeapUsage")["usedSize"]) / MB, 1)

            joined_mb = heap_mb()
            most_mb = joined_mb
            for lines in range(550, 1001, 50):
                large.write(lines)
                page.get_by_text(f"{lines * 100:,}/100,000 samples").first.wait_for(timeout=READY_S * 1000)
                most_mb = max(most_mb, heap_mb())
    return {
        "generated": True, "endpoints": 64, "samples": 100_000, "joined_mb": joined_mb, "most_mb": most_mb,
        "goal_mb": GOAL_MB,
    }  # fmt: skip


class LargeRun:
    """A run of 64 endpoints that tells of itself every second, a hundred samples each time."""

    def __init__(self, parent: Path) -> None:
        self.folder = campaign(parent / "results" / "20260101T000000Z-large", [entry(0, "run-0")])
        self.run = self.folder.run("run-0")
        begin(self.folder, "run-0")
        self.run.parts.mkdir()
        self._journal = TelemetryJournal(self.run.telemetry_journal)
        self._written = 0

    def write(self, lines: int) -> None:
        """Go on until it has told so often."""
        for number in range(self._written + 1, lines + 1):
            append_event(self.run.progress, self._line(number))
            for node in range(64):
                for gpu in range(8):
                    for metric in (
                        "utilization_percent",
                        "memory_used_bytes",
                        "power_w",
                        "sm_clock_mhz",
                        "temperature_c",
                    ):
                        self._journal.add(f"node-{node:02d}", f"gpu{gpu}_{metric}", number * 10**9, 50.0 + number % 40)
                self._journal.add(f"node-{node:02d}", "cpu_percent", number * 10**9, 20.0 + number % 7)
            self._journal.flush()
        self._written = lines

    @staticmethod
    def _line(number: int) -> ProgressEvent:
        done = 100 * number
        each = EndpointProgress(completed=done // 64, in_flight=8, output_tokens=128 * done // 64)
        latencies = sketch(*(200_000_000 + 1_000_000 * step for step in range(40)))
        return progress(number, done, ttft=latencies).model_copy(
            update={
                "expected": 100_000, "issued": 100_000, "queued": 100_000 - done, "tpot": latencies,
                "endpoints": {f"endpoint-{place:02d}": each for place in range(64)},
            }
        )  # fmt: skip


def _wait(true: Callable[[], bool], otherwise: str) -> None:
    give_up_s = time.monotonic() + READY_S
    while not true():
        if time.monotonic() > give_up_s:
            raise TimeoutError(otherwise)
        time.sleep(0.1)


def _cpu_s(pid: int) -> float:
    """CPU seconds of a process so far, user and kernel."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_S


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON only")
    parser.add_argument("--rounds", type=int, default=6, help="turns of each kind of watcher")
    parser.add_argument("--window-s", type=float, default=20.0, help="of a turn")
    parser.add_argument("--parts", nargs="+", choices=("cost", "memory"), default=["cost", "memory"])
    options = parser.parse_args()
    watch = Watch()
    found: dict[str, Any] = {}
    if "cost" in options.parts:
        found["cost"] = cost(options.rounds, options.window_s)
    if "memory" in options.parts:
        found["memory"] = memory()
    found["machine"] = watch.report()
    if options.json:
        print(json.dumps(found, indent=2))
        return
    for part, figures in found.items():
        print(part, *(f"  {name}: {value}" for name, value in figures.items()), sep="\n")


if __name__ == "__main__":
    main()
