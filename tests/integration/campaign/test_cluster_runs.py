"""`assay run` on real nodes, to its result: two SSH hosts, one of them lost half-way."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.rig.hosts import REPOSITORY, Hosts, gone, leftovers

from assay.cluster.options import SshOptions
from assay.cluster.ssh.connection import KEEPALIVES
from assay.deploy.deployment import WATCH_S

LOST_AFTER = 30  # answers
FOUND_WITHIN_S = 10


def assay(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "assay.commands.main", *arguments]


def overrides(hosts: Hosts, output: Path, *settings: str) -> list[str]:
    given = [f"cluster.config_file={hosts.ssh_config}", f"cluster.python={sys.executable}", *settings]
    return ["--output", str(output), *(word for setting in given for word in ("--set", setting))]


def only_run(output: Path) -> Path:
    (run,) = output.glob("*/runs/*")
    return run


def read(path: Path) -> Any:
    return json.loads(path.read_bytes())


@pytest.mark.ssh
@pytest.mark.engine
@pytest.mark.slow
def test_the_example_gives_one_result_for_two_nodes(hosts: Hosts, tmp_path: Path) -> None:
    command = assay("run", str(REPOSITORY / "src/assay/examples/ssh-two-nodes.yaml"))
    command += overrides(hosts, tmp_path, "dataset.samples=4", "load.warmup_prompts=1")
    done = subprocess.run(command, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    run = only_run(tmp_path)
    endpoints = read(run / "run.json")["endpoints"]
    ledger = read(run / "ledger.json")
    assert [(one["node"], one["path"], one["engine"]) for one in endpoints] == [
        ("node2", "direct", "embedded"),
        ("node3", "direct", "embedded"),
    ]
    assert [one["url"].split(":")[1] for one in endpoints] == [f"//{hosts.address(2)}", f"//{hosts.address(3)}"]
    assert (ledger["issued"], ledger["completed"], ledger["problems"]) == (4, 4, [])
    assert all(one["ok"] for one in ledger["endpoints"])
    assert read(run / "result.json")["run"] == run.name
    assert leftovers(hosts, 2) == leftovers(hosts, 3) == []


@pytest.mark.ssh
@pytest.mark.slow
def test_a_node_lost_during_a_run_costs_no_sample(hosts: Hosts, tmp_path: Path) -> None:
    """Its samples are sent again, the ledger balances, nothing runs on; `assay stop` ends what was cut off."""
    config = tmp_path / "assay.yaml"
    config.write_text(
        yaml.safe_dump({
            "benchmark": "smollm2-135m",
            "scenarios": ["Offline"],
            "modes": ["performance"],
            "engine": {"kind": "simulated", "window": 4, "ttft_ms": 50, "itl_ms": 8, "output_tokens": 40},
            "cluster": {"launcher": "ssh", "connect_timeout_s": 3, "nodes": [{"name": "node2"}, {"name": "node3"}]},
            "load": {"stall_timeout_s": 5, "warmup_prompts": 0},
            "queries": {"Offline": 200},
        })
    )  # fmt: skip
    command = assay("run", str(config), *overrides(hosts, tmp_path / "out"))
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as running:
        try:
            answered_on(tmp_path / "out", LOST_AFTER)
            hosts.cut(3)
            output = running.communicate(timeout=200)[0]
        finally:
            hosts.heal(3)
            if running.poll() is None:
                running.send_signal(signal.SIGINT)
    (campaign,) = (tmp_path / "out").glob("*")
    ledger = read(only_run(tmp_path / "out") / "ledger.json")
    by_name = {one["endpoint"]: one for one in ledger["endpoints"]}
    assert (ledger["issued"], ledger["completed"], ledger["problems"]) == (200, 200, []), output
    assert ledger["resent"] > 0
    assert by_name["node3"]["failed"] + by_name["node3"]["lost"] > 0
    assert by_name["node2"]["ok"] + by_name["node3"]["ok"] == 200
    assert "server node3 is lost: node node3: the SSH link is lost" in output
    deployed = read(campaign / "deployment.json")
    cluster = SshOptions.model_validate(deployed["cluster"])
    assert cluster.keepalive_s * (KEEPALIVES + 1) + WATCH_S <= FOUND_WITHIN_S
    found = {one["name"]: (one["lost"] != "", one["silent_ns"] is not None) for one in deployed["servers"]}
    assert found == {"node2": (False, False), "node3": (True, True)}
    assert leftovers(hosts, 2) == []
    subprocess.run(assay("stop", str(campaign)), check=True, capture_output=True, timeout=60)
    assert gone(hosts, 3)


def answered_on(output: Path, count: int) -> None:
    """Return once a run's progress tells of `count` answers."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        for path in output.glob("*/runs/*/progress.jsonl"):
            for line in path.read_text().splitlines():
                seen = json.loads(line) if line.endswith("}") else {}
                if int(seen.get("completed") or 0) >= count:
                    return
        time.sleep(0.1)
    raise AssertionError("no progress was told")
