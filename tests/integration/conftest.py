"""Fixtures: hosts of the rig, shared by all tests of a session."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from tests.rig import dockerd
from tests.rig import hosts as rig

from assay.cluster.options import SshOptions


@pytest.fixture(scope="session")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rig.Hosts]:
    """Three hosts, node1 to node3."""
    with rig.running(tmp_path_factory.mktemp("rig")) as made:
        yield made


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
