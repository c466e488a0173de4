"""How many connections the client holds open, and what one costs.

    python benchmarks/connections.py [--connections 100000] [--json]

Simulated endpoints on loopback ports; client processes with a pool for each endpoint, as a worker has, at the workers'
pace. First all connections are opened, then each carries a request. There are as many clients as open files allow
(`ulimit -Hn`; 20,000 connections each at most), and as many servers with two endpoints each. CPU time is the clients'
own. Of the kernel's memory one half is the client's, the other the servers', for both ends are here. The baseline are
connections that asyncio's streams open, one after another, under the same event loop.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvloop

from assay.load.encoders import completion_body
from assay.load.processes import cpu_ns, raise_file_limit
from assay.load.transport import EndpointPool, EndpointSettings, Exchange, Opening, Outcome, endpoint_pace, process_gate
from assay.serving.connection import CONNECT_TIMEOUT_S, EndpointConnection
from peers.machine import Watch

OTHER_FILES = 200
MOST_A_CLIENT = 20_000
PLAIN = 5000
ENDPOINTS_A_SERVER = 2
"""So that no address needs half of the local ports: from there on each takes a millisecond to be found."""
LIMIT_S = 600.0


def main() -> int:
    if sys.argv[1:2] == ["--child"]:
        return uvloop.run(child(json.loads(sys.argv[2])))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON only")
    parser.add_argument("--connections", type=int, default=100_000)
    parser.add_argument("--connect-timeout-s", type=float, default=CONNECT_TIMEOUT_S, help="as a run's")
    options = parser.parse_args()
    raise_file_limit()
    found = measure(options)
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        print("\n".join(f"{figure}: {value}" for figure, value in found.items()))
    return 0 if found["open"] == found["answered"] == options.connections else 1


def measure(options: argparse.Namespace) -> dict[str, Any]:
    machine = Watch()
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    a_process = min(files, MOST_A_CLIENT) - OTHER_FILES
    processes = -(-options.connections // a_process)
    with tempfile.TemporaryDirectory() as folder, servers(Path(folder), processes) as urls:
        before = kernel_bytes()
        parts = [options.connections * (i + 1) // processes - options.connections * i // processes
                 for i in range(processes)]  # fmt: skip
        children = [
            started({"urls": urls, "connections": part, "sharers": processes, "timeout_s": options.connect_timeout_s})
            for part in parts
        ]
        opened = [heard(one) for one in children]
        at_peak, sockets = kernel_bytes(), established()
        for one in children:
            tell(one)
        answered = [heard(one) for one in children]
        for one in children:
            one.wait(30)
        plain = started({"urls": urls[:1], "connections": min(options.connections, PLAIN), "plain": True})
        baseline = heard(plain)
        plain.wait(30)
    total = sum(one["open"] for one in opened)
    cpu_us = sum(one["cpu_s"] for one in opened) / max(1, total) * 1e6
    plain_us = baseline["cpu_s"] / max(1, baseline["open"]) * 1e6
    return {
        "simulated": True,
        "open": total,
        "answered": sum(one["answered"] for one in answered),
        "opened_again_for_answers": sum(one["opened"] for one in answered) - total,
        "tcp_sockets_in_use": sockets,
        "client_bytes_a_connection": round(sum(one["bytes"] for one in opened) / max(1, total)),
        "kernel_bytes_a_connection_both_ends": round((at_peak - before) / max(1, total)),
        "open_cpu_us_a_connection": round(cpu_us),
        "opened_a_second": round(total / max(one["wall_s"] for one in opened)),
        "plain_bytes_a_connection": round(baseline["bytes"] / max(1, baseline["open"])),
        "plain_open_cpu_us_a_connection": round(plain_us),
        "ratios": {"open_cpu": round(plain_us / max(1e-9, cpu_us), 2)},
        "client_processes": processes,
        "endpoints": len(urls),
        "open_files_a_process": files,
        "machine": machine.report(),
    }


@contextmanager
def servers(folder: Path, number: int) -> Iterator[list[str]]:
    """So many processes; their endpoints' URLs."""
    port_file = folder / "ports"
    command = [sys.executable, "-m", "assay.simulator", "--port", "0", "--port-file", str(port_file)]
    command += ["--processes", str(number), "--endpoints-per-process", str(ENDPOINTS_A_SERVER)]
    command += ["--max-num-seqs", "1000000"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        while not port_file.exists():
            if process.poll() is not None:
                raise RuntimeError("the simulator ended")
            time.sleep(0.01)
        yield [f"http://127.0.0.1:{port}" for port in port_file.read_text().split()]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def started(work: dict[str, Any]) -> subprocess.Popen[bytes]:
    command = [sys.executable, __file__, "--child", json.dumps(work)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def heard(child: subprocess.Popen[bytes]) -> dict[str, Any]:
    assert child.stdout is not None
    told: dict[str, Any] = json.loads(child.stdout.readline())
    return told


def tell(child: subprocess.Popen[bytes]) -> None:
    assert child.stdin is not None
    child.stdin.write(b"\n")
    child.stdin.flush()


async def child(work: dict[str, Any]) -> int:
    """One client process: opens, says so, waits for its parent, sends on every connection, says so."""
    raise_file_limit()
    if work.get("plain"):
        await child_plain(work)
        return 0
    loop, ended, gate = asyncio.get_running_loop(), asyncio.Queue[Exchange](), process_gate()
    settings = [
        EndpointSettings(EndpointConnection(url=url, connect_timeout_s=work["timeout_s"])) for url in work["urls"]
    ]
    opening = [Opening(endpoint_pace(work["sharers"]), gate) for _ in settings]
    pools = [
        EndpointPool(one, lambda exchange: None, ended.put_nowait, loop, own)
        for one, own in zip(settings, opening, strict=True)
    ]
    number, endpoints = work["connections"], len(pools)
    parts = [number * (i + 1) // endpoints - number * i // endpoints for i in range(endpoints)]
    for pool in pools:
        await pool.warm(1)  # what a first connection loads isn't a connection's
    cost = Cost()
    opened = sum(await asyncio.gather(*(pool.warm(part) for pool, part in zip(pools, parts, strict=True))))
    say({"open": opened, **cost.so_far()})
    await loop.run_in_executor(None, sys.stdin.readline)
    tag = 0
    for pool, part in zip(pools, parts, strict=True):
        for _ in range(part):
            pool.submit(tag, completion_body("simulated", [1, 2, 3], 2))
            tag += 1
    outcomes = [(await asyncio.wait_for(ended.get(), LIMIT_S)).outcome for _ in range(number)]
    say({"answered": outcomes.count(Outcome.OK), "opened": sum(pool.stats.opened for pool in pools)})
    for pool in pools:
        await pool.close()
    return 0


async def child_plain(work: dict[str, Any]) -> None:
    """Connections as asyncio's streams open them."""
    address = urlsplit(work["urls"][0])
    await asyncio.open_connection(address.hostname, address.port)
    cost = Cost()
    held = [await asyncio.open_connection(address.hostname, address.port) for _ in range(work["connections"])]
    say({"open": len(held), **cost.so_far()})
    for _, writer in held:
        writer.close()


class Cost:
    """CPU, time and memory of this process from now on."""

    def __init__(self) -> None:
        self._cpu_ns, self._begun_ns, self._bytes = cpu_ns(), time.monotonic_ns(), rss_bytes()

    def so_far(self) -> dict[str, float]:
        return {
            "cpu_s": (cpu_ns() - self._cpu_ns) / 1e9,
            "wall_s": (time.monotonic_ns() - self._begun_ns) / 1e9,
            "bytes": rss_bytes() - self._bytes,
        }


def rss_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def kernel_bytes() -> int:
    """The kernel's own memory: its objects, and what sockets hold."""
    fields = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    sockets = next(line for line in Path("/proc/net/sockstat").read_text().splitlines() if line.startswith("TCP:"))
    pages = int(sockets.split()[sockets.split().index("mem") + 1])
    return int(fields["Slab"].split()[0]) * 1024 + pages * resource.getpagesize()


def established() -> int:
    """TCP sockets of this machine in use: both ends of each connection, and what else there is."""
    sockets = next(line for line in Path("/proc/net/sockstat").read_text().splitlines() if line.startswith("TCP:"))
    return int(sockets.split()[sockets.split().index("inuse") + 1])


def say(told: dict[str, Any]) -> None:
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    sys.exit(main())
