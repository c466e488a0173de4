"""Whether this machine has room for a load's connections: open files, local ports, tracked connections.

Each of these limits fails late and in words that don't name it: a connection isn't made, or is made a second later.
"""

from __future__ import annotations

import resource
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from assay.load.demand import Demand
from assay.load.shares import Shares

_OTHER_FILES = 100  # of a worker: its own files, its socket to LoadGen's process, probes
_PORTS = Path("/proc/sys/net/ipv4/ip_local_port_range")
_TRACKED = Path("/proc/sys/net/netfilter/nf_conntrack_count")
_TRACKED_MOST = Path("/proc/sys/net/netfilter/nf_conntrack_max")


@dataclass(frozen=True)
class Room:
    """What there is. None: there is no such limit, or it can't be read."""

    open_files: int | None
    """Of one process, with its limit raised as far as this user may."""
    ports: int | None = None
    """For connections to one address and port."""
    tracked: int | None = None
    """Connections that the kernel's tracking (netfilter) still takes."""

    @classmethod
    def here(cls) -> Room:
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        ports, tracked, most = _numbers(_PORTS), _numbers(_TRACKED), _numbers(_TRACKED_MOST)
        return cls(
            open_files=None if files == resource.RLIM_INFINITY else files,
            ports=ports[1] - ports[0] + 1 if len(ports) == 2 else None,
            tracked=most[0] - tracked[0] if most and tracked else None,
        )


@dataclass(frozen=True)
class Lack:
    """One limit that a load would pass: what it is, and what to do."""

    detail: str
    mend: str
    sure: bool
    """False: the load's number of connections is a guess."""


def lacks(demand: Demand, addresses: Sequence[str], workers: int, room: Room) -> list[Lack]:
    """The limits that the load's connections pass; `addresses` are those that the endpoints are reached at."""
    if demand.streams is None:
        return []
    found, sure = [], not demand.guessed
    files = _most_at_one_worker(demand, workers) + _OTHER_FILES
    if room.open_files is not None and files > room.open_files:
        found.append(
            Lack(
                f"{demand.streams} connections over {_processes(workers)} need {files} open files in one, and this "
                f"user may open {room.open_files}",
                f"raise the limit before the start (`ulimit -Hn {files}` as root, or nofile in "
                "/etc/security/limits.conf), or set load.workers higher",
                sure,
            )
        )
    at_address = Counter[str]()
    for address, streams in zip(addresses, demand.in_flight, strict=True):
        at_address[address] += streams
    for address, streams in at_address.most_common(1):
        if room.ports is not None and streams > room.ports // 2:
            beyond = f"{streams} connections to {address} need as many local ports, and there are {room.ports}"
            slow = "; those beyond half of them cost a millisecond each, while Linux looks for a free one"
            found.append(
                Lack(
                    beyond if streams > room.ports else beyond + slow,
                    'widen the range (`sysctl -w net.ipv4.ip_local_port_range="1024 65535"`), or reach the server at '
                    "more than one address",
                    sure and streams > room.ports,
                )
            )
    if room.tracked is not None and demand.streams > room.tracked:
        found.append(
            Lack(
                f"{demand.streams} connections, and the kernel's tracking of connections takes {room.tracked} more",
                f"raise net.netfilter.nf_conntrack_max by at least {demand.streams - room.tracked} (`sysctl -w`)",
                sure,
            )
        )
    return found


def _most_at_one_worker(demand: Demand, workers: int) -> int:
    shares, carried = Shares(demand.loads, workers), [0] * workers
    for endpoint, streams in enumerate(demand.in_flight):
        if shares.sharers(endpoint) == 1:
            carried[shares.first(endpoint)] += streams
        else:
            carried = [own + -(-streams // workers) for own in carried]
    return max(carried)


def _processes(workers: int) -> str:
    return f"{workers} worker{'' if workers == 1 else 's'}"


def _numbers(path: Path) -> list[int]:
    try:
        return [int(word) for word in path.read_text().split()]
    except (OSError, ValueError):
        return []
