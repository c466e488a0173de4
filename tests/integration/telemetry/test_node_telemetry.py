"""Telemetry of SSH hosts: a run with the real probe, over a stand-in NVML whose devices say that they are fakes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.rig.hosts import Hosts, leftovers

from assay.runs import RunFolder, read_telemetry

pytestmark = pytest.mark.ssh
LIBRARY = Path("/usr/lib/libnvidia-ml.so.1")  # on a host of the rig, whose disk is its own
SOURCE = Path(__file__).parents[2] / "rig" / "fake_nvml.c"
ON_NODE2 = {"gpu0_power_w": 123.456, "gpu0_throttle_reasons": 1, "gpu1_throttle_reasons": 0x41}
ON_NODE3 = {"gpu1_power_w": 123.456, "gpu1_memory_used_bytes": 1 << 30, "gpu1_throttle_reasons": 0x41}


@pytest.fixture
def fake_gpus(hosts: Hosts) -> Iterator[None]:
    """Two fake GPUs on node2 and node3."""
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc for the stand-in NVML")
    made = hosts.shared / LIBRARY.name
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", str(made), str(SOURCE), "-lm"], check=True)
    for number in (2, 3):
        hosts.run(number, "cp", str(made), str(LIBRARY))
    yield
    for number in (2, 3):
        hosts.run(number, "rm", str(LIBRARY))


@pytest.fixture
def run(hosts: Hosts, fake_gpus: None, tmp_path: Path) -> RunFolder:
    """A short run on two nodes."""
    nodes = [{"name": "node2", "accelerators": 2}, {"name": "node3", "accelerators": [1]}]
    cluster = {
        "launcher": "ssh",
        "nodes": nodes,
        "config_file": str(hosts.ssh_config),
        "python": sys.executable,
    }
    file = tmp_path / "assay.yaml"
    file.write_text(
        yaml.safe_dump({
            "benchmark": "smollm2-135m",
            "scenarios": ["Offline"],
            "modes": ["performance"],
            "engine": {"kind": "simulated", "window": 4, "ttft_ms": 50, "itl_ms": 8, "output_tokens": 40},
            "cluster": cluster,
            "load": {"warmup_prompts": 0},
            "queries": {"Offline": 60},
        })
    )  # fmt: skip
    command = [sys.executable, "-m", "assay.commands.main", "run", str(file), "--output", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    (path,) = (tmp_path / "out").glob("*/runs/*")
    return RunFolder(path)


def test_both_nodes_tell_what_they_do_and_nothing_stays_there(hosts: Hosts, run: RunFolder) -> None:
    rows: list[dict[str, Any]] = read_telemetry(run.telemetry).to_pylist()
    for name, gpus in (("node2", ON_NODE2), ("node3", ON_NODE3)):
        seen = {row["metric"]: row["value"] for row in rows if row["node"] == name and row["metric"].startswith("gpu")}
        assert seen.items() >= gpus.items()
        host = {row["metric"] for row in rows if row["node"] == name and "/" not in row["metric"]}
        assert {"cpu_percent", "memory_used_bytes", "load_1m", "clock_offset_ns"} <= host
    assert not any(row["node"] == "node3" and row["metric"].startswith("gpu0") for row in rows)
    own = [row["time_ns"] for row in rows if row["node"] == "controller"]
    remote = [row["time_ns"] for row in rows if row["metric"] == "load_1m" and row["node"] == "node2"]
    assert remote == sorted(set(remote))
    # One clock: a second and a bit is what samplers that begin and end together may differ by.
    assert min(own) - 5e9 < remote[0] <= remote[-1] < max(own) + 5e9
    nodes = yaml.safe_load(run.system.read_text())["nodes"]
    assert [(node["name"], "arrival at the controller" in node["telemetry"]) for node in nodes] == [
        ("node2", True),
        ("node3", True),
    ]
    assert leftovers(hosts, 2) == leftovers(hosts, 3) == []
