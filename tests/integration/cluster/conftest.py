"""Fixtures: hosts of the rig, shared by all tests of a session."""

from __future__ import annotations

import asyncio
import inspect
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.rig import dockerd
from tests.rig import hosts as rig

from assay.cluster.options import SshOptions

TINY = Path(__file__).parents[2] / "rig" / "tiny_server.py"


@pytest.fixture(scope="session")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rig.Hosts]:
    """Three hosts, node1 to node3."""
    if reason := rig.why_not():
        pytest.skip(reason)
    made = rig.Hosts(tmp_path_factory.mktemp("rig"), 3)
    try:
        made.up()
        yield made
    finally:
        made.down()


def leftovers(hosts: rig.Hosts, number: int) -> list[str]:
    """What assay started on a host and runs there now: servers and their guards, agents, probes."""
    words = ("guard.py", "tiny_server", "assay.engines", "assay.simulator", "--every", "exec(program)")
    return [line for line in hosts.processes(number) if any(word in line for word in words)]


def gone(hosts: rig.Hosts, number: int) -> bool:
    """Whether nothing of that is left, once what has lost its reader has had time to find out."""
    deadline = time.monotonic() + 20
    while leftovers(hosts, number) and time.monotonic() < deadline:
        time.sleep(0.1)
    return not leftovers(hosts, number)


@pytest.fixture
def ssh_options(hosts: rig.Hosts) -> SshOptions:
    """node2 and node3 over SSH, node1 being left to schedulers."""
    nodes = [{"name": f"node{number}"} for number in (2, 3)]
    return SshOptions.model_validate(
        {"launcher": "ssh", "nodes": nodes, "config_file": str(hosts.ssh_config), "python": sys.executable}
    )


@pytest.fixture(scope="module")
def docker_host(hosts: rig.Hosts) -> Iterator[int]:
    """The number of a host with a dockerd that has the rig's image; gone before Kubernetes brings its own there."""
    if reason := dockerd.why_not():
        pytest.skip(reason)
    try:
        dockerd.up(hosts, 3)
        yield 3
    finally:
        dockerd.down(hosts, 3)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run coroutine tests, each in an event loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True
