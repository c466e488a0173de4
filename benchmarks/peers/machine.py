"""Whether the machine was quiet enough for a measurement."""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path

MAX_OTHER_SHARE = 0.05
MAX_STEAL_SHARE = 0.01


class Watch:
    """From its making to `report`: the CPU that others used, and the hypervisor's steal, as shares of one core."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._load = os.getloadavg()[0]
        self._busy_s, self._steal_s = _machine_cpu_s()
        self._own_s = _own_cpu_s()

    def report(self) -> dict[str, object]:
        """The shares, the load average before, and a warning where they are too high. Children must have ended."""
        elapsed_s = time.monotonic() - self._started
        busy_s, steal_s = _machine_cpu_s()
        other = (busy_s - self._busy_s - (_own_cpu_s() - self._own_s)) / elapsed_s
        steal = (steal_s - self._steal_s) / elapsed_s
        busy = other > MAX_OTHER_SHARE or steal > MAX_STEAL_SHARE
        warning = (
            f"busy machine: others used {other:.0%} of a core and {steal:.0%} was stolen: "
            "repeat on a quiet machine before comparing"
        )
        return {
            "load_average_before": round(self._load, 2),
            "other_cpu_cores": round(other, 3),
            "steal_cores": round(steal, 3),
            "cores": os.cpu_count(),
            "warning": warning if busy else None,
        }


def _machine_cpu_s() -> tuple[float, float]:
    """CPU seconds of all cores since boot: busy ones, and those that the hypervisor took."""
    fields = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    user, nice, system, _, _, irq, softirq, steal = fields[:8]
    ticks = os.sysconf("SC_CLK_TCK")
    return (user + nice + system + irq + softirq) / ticks, steal / ticks


def _own_cpu_s() -> float:
    total = 0.0
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        usage = resource.getrusage(who)
        total += usage.ru_utime + usage.ru_stime
    return total
