"""`check` on this machine and on real SSH hosts: what it sees, and that it changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.rig.hosts import Hosts

from assay.cluster.options import LocalOptions, SshOptions
from assay.deploy.check import CheckOutcome, CheckReport, check_cluster
from assay.engines import SimulatedOptions, VllmOptions

SIMULATED = SimulatedOptions(kind="simulated")


def outcomes(report: CheckReport, node: str) -> dict[str, CheckOutcome]:
    return {row.check: row.outcome for row in report.rows if row.node == node}


async def test_this_machine() -> None:
    report = await check_cluster(SIMULATED, LocalOptions())
    seen = outcomes(report, "local")
    assert seen["engine"] is CheckOutcome.PASSED
    assert seen["accelerators"] is CheckOutcome.SKIPPED
    assert report.possible >= report.earned > 0


async def test_an_interpreter_that_is_not_there(tmp_path: Path) -> None:
    engine = VllmOptions(kind="vllm", model="served", python=str(tmp_path / "python"))
    (row,) = [row for row in (await check_cluster(engine, LocalOptions())).failed if row.check == "engine"]
    assert row.required
    assert str(tmp_path / "python") in row.detail
    assert row.mend.startswith("correct engine.python")


def files_of(hosts: Hosts, number: int) -> str:
    """What lies in the host's own folders. The rest is this machine's, where other tests write meanwhile."""
    return hosts.run(number, "sh", "-c", "cd / && find root/.cache/assay tmp/assay* run -xdev 2>/dev/null", check=False)


@pytest.mark.ssh
async def test_hosts(hosts: Hosts, ssh_options: SshOptions) -> None:
    before = files_of(hosts, 2)
    report = await check_cluster(SIMULATED, ssh_options)
    after = files_of(hosts, 2)
    assert [node.hostname for node in report.nodes] == ["node2", "node3"]
    for name in ("node2", "node3"):
        seen = outcomes(report, name)
        assert {seen[check] for check in ("reachable", "engine", "clock", "direct path", "bandwidth")} == {
            CheckOutcome.PASSED
        }
    assert after == before
    assert not any("python" in line for line in hosts.processes(2))


@pytest.mark.ssh
async def test_each_failure_says_what_to_do(hosts: Hosts, ssh_options: SshOptions, tmp_path: Path) -> None:
    nodes = [{"name": "node2", "accelerators": 4}, {"name": "gone", "address": hosts.address(9)}]
    options = SshOptions.model_validate({**ssh_options.model_dump(), "nodes": nodes, "connect_timeout_s": 2})
    try:
        hosts.run(2, "iptables", "-A", "INPUT", "-p", "tcp", "!", "--dport", "22", "--syn", "-j", "REJECT")
        report = await check_cluster(VllmOptions(kind="vllm", model="/models/none"), options)
    finally:
        hosts.run(2, "iptables", "-F", "INPUT")
    failed = {(row.node, row.check): row for row in report.failed}
    assert {("node2", "accelerators"), ("node2", "model"), ("node2", "direct path"), ("gone", "reachable")} <= set(
        failed
    )
    assert not report.ready
    assert all(row.mend for row in failed.values())
    assert "/models/none is not there" in failed["node2", "model"].detail
    assert "open the node's ports" in failed["node2", "direct path"].mend


@pytest.mark.ssh
async def test_models_that_differ_between_nodes_are_found(hosts: Hosts, ssh_options: SshOptions) -> None:
    for number, text in ((2, "one"), (3, "two")):
        hosts.run(
            number, "sh", "-c", f"mkdir -p /models/m; echo {{}} > /models/m/config.json; echo {text} > /models/m/w"
        )
    report = await check_cluster(VllmOptions(kind="vllm", model="/models/m"), ssh_options)
    (row,) = [row for row in report.rows if row.check == "model alike"]
    assert row.outcome is CheckOutcome.FAILED
    assert row.detail == "node3 and node2 differ in w"
