"""Processes of a benchmark as the kernel sees them: on which cores they run, what CPU they use, the most they held."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

_EVERY_S = 0.5
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Seen:
    """One process: its program, its CPU seconds by the time of looking, its peak memory."""

    name: str
    cpu_s: list[tuple[int, float]] = field(default_factory=list)
    peak_bytes: int = 0

    def share(self, begin_ns: int, end_ns: int) -> float | None:
        """CPU seconds a second between two times of CLOCK_MONOTONIC; None where it wasn't seen twice between them."""
        inside = [look for look in self.cpu_s if begin_ns <= look[0] <= end_ns]
        if len(inside) < 2:
            return None
        (first_ns, before_s), (last_ns, after_s) = inside[0], inside[-1]
        return (after_s - before_s) / ((last_ns - first_ns) / 1e9)


class Watcher(threading.Thread):
    """Looks at some processes and all that come from them, twice a second, until `end`."""

    def __init__(self, roots: Collection[int]) -> None:
        super().__init__(daemon=True)
        self.seen: dict[int, Seen] = {}
        self._roots = set(roots)
        self._over = threading.Event()

    def run(self) -> None:
        while True:
            self._look()
            if self._over.wait(_EVERY_S):
                return

    def end(self) -> None:
        self._over.set()
        self.join()

    def _look(self) -> None:
        parents = {}
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit() and (stat := _read(folder / "stat")):
                parents[int(folder.name)] = stat.rpartition(") ")[2].split()
        ours = set(self._roots)
        for pid in sorted(parents):  # children mostly have greater numbers; one that doesn't is seen the next time
            if int(parents[pid][1]) in ours:
                ours.add(pid)
        for pid in ours & parents.keys():
            words, name = parents[pid], _name(pid)
            if not name:  # it has ended, and its parent hasn't noticed
                continue
            seen = self.seen.setdefault(pid, Seen(name))
            seen.name = name  # at first that of the process that it was forked from
            seen.cpu_s.append((time.monotonic_ns(), (int(words[11]) + int(words[12])) / _TICKS))
            seen.peak_bytes = max(seen.peak_bytes, _peak_bytes(pid))


def _name(pid: int) -> str:
    """The module that a Python runs, with a worker's number; else the program."""
    words = _read(Path(f"/proc/{pid}/cmdline")).split("\0")
    if "-m" not in words:
        return Path(words[0]).name
    module = words[words.index("-m") + 1]
    return f"{module} {words[-3]}" if module == "assay.load.worker" else module


def _peak_bytes(pid: int) -> int:
    """The most that it has held; where the kernel keeps no such mark, what it holds now."""
    sizes = dict.fromkeys(("VmHWM", "VmRSS"), 0)
    for line in _read(Path(f"/proc/{pid}/status")).splitlines():
        name, _, value = line.partition(":")
        if name in sizes:
            sizes[name] = int(value.split()[0]) * 1024
    return sizes["VmHWM"] or sizes["VmRSS"]


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:  # it has ended
        return ""
