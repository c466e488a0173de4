"""A scaling campaign over SSH hosts: killed and resumed, with one host switched off; nothing is left on any of them."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.campaigns import FAST, Controller, latest, settings, write_settings
from tests.rig import hosts as rig

from assay.runs import RunStatus, read_ledger

pytestmark = [pytest.mark.resume, pytest.mark.ssh, pytest.mark.slow]


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[rig.Hosts]:
    with rig.running(tmp_path / "rig") as made:
        yield made


def servers_on(hosts: rig.Hosts, number: int) -> list[str]:
    return [line for line in hosts.processes(number) if "assay.simulator" in line or "guard" in line]


def test_scaling_over_ssh_with_a_kill_and_a_host_that_is_off(hosts: rig.Hosts, tmp_path: Path) -> None:
    nodes = [f"node{number}" for number in hosts.numbers]
    cluster: dict[str, Any] = {
        "launcher": "ssh", "nodes": [{"name": name} for name in nodes], "config_file": str(hosts.ssh_config),
        "python": sys.executable, "connect_timeout_s": 5,
    }  # fmt: skip
    campaign = {"kind": "scaling", "repeats": 1, "queries_per_node": 8}
    engine = {**FAST, "speeds": {"node2": 2.0}}
    values = settings(tmp_path / "results", cluster=cluster, campaign=campaign, engine=engine)
    file = write_settings(tmp_path / "assay.yaml", values)
    hosts.kill(3)

    controller = Controller(file)
    while not list(tmp_path.glob("results/*/runs/*/progress.jsonl")):
        assert not controller.ended, controller.log.read_text()
        time.sleep(0.05)
    controller.kill()
    assert controller.gone()
    assert servers_on(hosts, 1), "a killed controller can't stop servers on other hosts"

    resumed = Controller(file, "--resume")
    assert resumed.wait() == 1, "a campaign with a node left out isn't sound"
    assert resumed.gone()
    assert "servers of an earlier process are down: node1, node2" in resumed.log.read_text()
    folder, state = latest(tmp_path / "results")
    assert list(state.left_out) == ["node3"]
    done = {tuple(entry.nodes): entry for entry in state.runs if entry.status is RunStatus.COMPLETED}
    assert set(done) == {("node1",), ("node2",), ("node1", "node2")}
    for entry in done.values():
        assert entry.run is not None
        ledger = read_ledger(folder.run(entry.run))
        assert ledger.balanced
        assert ledger.completed == 8 * len(entry.nodes)
    assert {entry.status for entry in state.runs if "node3" in entry.nodes} == {RunStatus.SKIPPED}
    assert all((folder.path / "endpoints" / f"{name}.log").exists() for name in nodes[:2])
    for number in (1, 2):
        assert servers_on(hosts, number) == []
