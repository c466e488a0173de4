"""How many cores the client has: those that it may run on, and no more than its control group is given."""

from __future__ import annotations

import os
from pathlib import Path

_OWN_GROUP = Path("/proc/self/cgroup")
_GROUPS = Path("/sys/fs/cgroup")


def cores_here() -> int:
    """At least 1. A limit of 2.5 CPUs is two cores: a third worker would wait for the others' time."""
    given = [len(os.sched_getaffinity(0)), *(int(cpus) for cpus in _limits())]
    return max(1, min(given))


def _limits() -> list[float]:
    """CPUs that each control group (version 2) above this process is limited to.

    cpu.max holds a quota and a period in us, or `max` for none (Linux, admin-guide/cgroup-v2).
    """
    try:
        own = next(line for line in _OWN_GROUP.read_text().splitlines() if line.startswith("0::/"))
    except (OSError, StopIteration):
        return []
    group, found = _GROUPS / own.removeprefix("0::/"), []
    for folder in (group, *group.parents):
        if folder.is_relative_to(_GROUPS):
            found += _limit(folder / "cpu.max")
    return found


def _limit(path: Path) -> list[float]:
    try:
        quota, period = path.read_text().split()
        return [] if quota == "max" else [int(quota) / int(period)]
    except (OSError, ValueError, ZeroDivisionError):
        return []
