"""A run on one server over two SSH hosts, by a stand-in that needs both: what it has, and what a part's end does."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.campaigns import Controller, latest, settings, write_settings
from tests.rig import hosts as rig

from assay.runs import RunFolder, RunStatus, read_ledger, read_record, read_telemetry

pytestmark = [pytest.mark.ssh, pytest.mark.slow]


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rig.Hosts]:
    with rig.running(tmp_path_factory.mktemp("rig")) as made:
        yield made


def begun(hosts: rig.Hosts, folder: Path, simulate: str, **changes: Any) -> Controller:
    python = hosts.shared / "paired_python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} {rig.PAIRED} "$@"\n')
    python.chmod(0o755)
    nodes = [{"name": f"node{number}", "accelerators": 2, "cost_per_hour": number} for number in (2, 3)]
    cluster = {
        "launcher": "ssh", "nodes": nodes, "nodes_per_server": 2, "config_file": str(hosts.ssh_config),
        "python": sys.executable,
    }  # fmt: skip
    engine = {
        "kind": "vllm", "model": "m", "tensor_parallel": 4, "python": str(python), "max_num_seqs": 4,
        "ready_timeout_s": 120, "extra_args": ["--simulate", simulate],
    }  # fmt: skip
    values = settings(folder / "results", cluster=cluster, engine=engine, currency="EUR", **changes)
    return Controller(write_settings(folder / "assay.yaml", values))


def only_run(folder: Path) -> RunFolder:
    campaign, state = latest(folder / "results")
    (entry,) = state.runs
    assert entry.run is not None
    return campaign.run(entry.run)


def test_one_endpoint_has_all_that_its_nodes_have(hosts: rig.Hosts, tmp_path: Path) -> None:
    controller = begun(hosts, tmp_path, "--ttft-ms 5 --itl-ms 200 --output-tokens 8")
    controller.wait()
    assert controller.gone()
    run = only_run(tmp_path)
    record, ledger = read_record(run), read_ledger(run)
    assert record.status is RunStatus.COMPLETED, controller.log.read_text()
    assert (ledger.balanced, ledger.completed) == (True, 8)
    (endpoint,) = record.endpoints
    assert (endpoint.name, endpoint.node, endpoint.followers, endpoint.simulated) == ("node2", "node2", ["node3"], True)
    assert len(endpoint.accelerators) == 4
    assert record.cost is not None
    assert (record.cost.per_hour, record.cost.unpriced) == ({"node2": 2, "node3": 3}, [])
    system = json.loads(run.system.read_text())
    assert [node["name"] for node in system["nodes"]] == ["node2", "node3"]
    assert {"node2", "node3"} <= set(read_telemetry(run.telemetry)["node"].to_pylist())
    assert "on 2 nodes (node2, node3), 4 accelerators" in run.report.read_text()
    assert rig.gone(hosts, 2)
    assert rig.gone(hosts, 3)


def test_the_end_of_a_follower_fails_the_run_and_the_ledger_balances(hosts: rig.Hosts, tmp_path: Path) -> None:
    """No answer comes before the follower is killed, and its leader, a stand-in, would not end by itself."""
    controller = begun(hosts, tmp_path, "--ttft-ms 5 --itl-ms 600000 --output-tokens 8", load={"warmup_prompts": 0})
    while not list(tmp_path.glob("results/*/runs/*/progress.jsonl")):
        assert not controller.ended, controller.log.read_text()
        time.sleep(0.1)
    log = hosts.run(3, "sh", "-c", "cat .cache/assay/servers/*/node2_1.log")
    follower = json.loads(next(line for line in log.splitlines() if line.startswith("{")))
    hosts.run(3, "kill", "-9", str(follower["pid"]))
    assert controller.wait() == 1
    assert controller.gone()
    run = only_run(tmp_path)
    record, ledger = read_record(run), read_ledger(run)
    assert record.status is RunStatus.FAILED
    assert "its part on node3: killed by SIGKILL" in record.reason
    assert ledger.problems == []
    assert (ledger.completed, ledger.failed + ledger.lost) == (0, ledger.issued)
    assert rig.gone(hosts, 2)
    assert rig.gone(hosts, 3)
