"""What it costs this machine to start, watch and stop servers on many nodes over SSH.

    python benchmarks/launchers.py [--json] [--nodes 2,20,100]      (as root: it makes hosts in network namespaces)

The launcher, sshd, agents, guards and probes are the real ones; a server is a few lines of Python. Up to HOSTS hosts
are made; of more nodes several are on one host, each with a home folder of its own. Hosts and launcher share this
machine's cores, so wall-clock times are those of a small machine that is all of the cluster at once; CPU time is the
launcher's own process alone. The baseline is the first number of nodes: `ratio` is CPU time a node over that of the
baseline.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.rig.hosts import TINY, Hosts, why_not

from assay.cluster.options import SshOptions
from assay.cluster.ssh import SshLauncher
from assay.serving.client import ControlClient, ControlError
from assay.serving.connection import EndpointConnection
from assay.serving.servers import PlacedServer, ServerSpec

HOSTS = 40
WATCHED_S = 10


class Meter:
    """Wall-clock and CPU time of each step, ms; the most open files of this process, and how many are sockets."""

    def __init__(self) -> None:
        self.wall_ms: dict[str, float] = {}
        self.cpu_ms: dict[str, float] = {}
        self.files = self.sockets = 0

    async def step(self, name: str, work: Awaitable[Any]) -> None:
        wall_ns, cpu_ns = time.monotonic_ns(), time.process_time_ns()
        await work
        self.wall_ms[name] = (time.monotonic_ns() - wall_ns) / 1e6
        self.cpu_ms[name] = (time.process_time_ns() - cpu_ns) / 1e6
        held = open_files()
        self.files = max(self.files, len(held))
        self.sockets = max(self.sockets, sum(one.startswith("socket:") for one in held))


def open_files() -> list[str]:
    return [str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]


def options_of(hosts: Hosts, count: int) -> SshOptions:
    nodes = []
    for number in range(count):
        python = hosts.shared / f"python-{number}"
        own = f'#!/bin/sh\nHOME="$HOME/home-{number}"\nexport HOME\nmkdir -p "$HOME"\n'
        python.write_text(f'{own}exec {sys.executable} "$@"\n')
        python.chmod(0o755)
        host = hosts.numbers[number % hosts.count]
        nodes.append({"name": f"n{number}", "address": f"node{host}", "python": str(python)})
    return SshOptions.model_validate({"launcher": "ssh", "nodes": nodes, "config_file": str(hosts.ssh_config)})


async def answers(server: PlacedServer) -> str | None:
    """As a deployment asks: health, then the models."""
    client = ControlClient(EndpointConnection(url=server.url))
    try:
        await client.get("/health")
        return None if await client.models() else "no models"
    except ControlError as error:
        return str(error)


async def deploy(hosts: Hosts, count: int, folder: Path) -> dict[str, Any]:
    options, meter, lines = options_of(hosts, count), Meter(), 0

    def heard(_: str, __: bytes) -> None:
        nonlocal lines
        lines += 1

    argv = ("{python}", str(TINY), "--host", "{host}", "--port", "{port}")
    specs = [ServerSpec(node.name, node.name, argv) for node in options.nodes]
    launcher = SshLauncher(options, f"bench-{count}", folder, grace_s=5)
    try:
        await meter.step("connect", launcher.prepare(specs))
        await meter.step("start", launcher.place())
        await meter.step("ready", launcher.wait_ready(answers))
        await meter.step("facts", launcher.facts())
        await meter.step("telemetry_begins", launcher.observe(heard))
        await meter.step(f"watched_{WATCHED_S}_s", asyncio.sleep(WATCHED_S))
        await meter.step("logs", launcher.collect(folder / "logs"))
    finally:
        await meter.step("stop", launcher.stop())
    return {
        "nodes": count,
        "wall_ms": {name: round(value) for name, value in meter.wall_ms.items()},
        "cpu_ms_a_node": {name: round(value / count, 2) for name, value in meter.cpu_ms.items()},
        "cpu_ms_a_node_in_all": round(sum(meter.cpu_ms.values()) / count, 2),
        "watched_percent_of_a_core": round(meter.cpu_ms[f"watched_{WATCHED_S}_s"] / WATCHED_S / 10, 2),
        "telemetry_lines": lines,
        "open_files": meter.files,
        "sockets": meter.sockets,
    }


def measure(counts: list[int]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        hosts = Hosts(folder / "rig", min(HOSTS, max(counts)))
        hosts.folder.mkdir()
        try:
            hosts.up()
            # The first connection of a process loads libraries and reads keys: that is nobody's node.
            asyncio.run(deploy(hosts, 1, folder / "first"))
            found = [asyncio.run(deploy(hosts, count, folder / str(count))) for count in counts]
        finally:
            hosts.down()
    base = found[0]["cpu_ms_a_node_in_all"]
    for one in found:
        one["ratio"] = round(one["cpu_ms_a_node_in_all"] / base, 2)
    return {"cores": os.cpu_count(), "load_1m": os.getloadavg()[0], "launches": found}


def as_text(found: dict[str, Any]) -> str:
    lines = []
    for one in found["launches"]:
        lines.append(
            f"{one['nodes']:>4} nodes: {one['cpu_ms_a_node_in_all']:.1f} ms of CPU a node (ratio {one['ratio']}), "
            f"{one['open_files']} open files, {one['sockets']} sockets, "
            f"{one['watched_percent_of_a_core']} % of a core while they serve"
        )
        lines += [
            f"       {step:<16} {one['cpu_ms_a_node'][step]:8.2f} ms of CPU a node, {wall_ms:>7,} ms in all"
            for step, wall_ms in one["wall_ms"].items()
        ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON only")
    parser.add_argument("--nodes", default="2,20,100", help="numbers of nodes; the first is the baseline")
    options = parser.parse_args()
    if reason := why_not():
        sys.exit(f"no hosts can be made here: {reason}")
    found = measure([int(count) for count in options.nodes.split(",")])
    print(json.dumps(found, indent=2) if options.json else as_text(found))


if __name__ == "__main__":
    main()
