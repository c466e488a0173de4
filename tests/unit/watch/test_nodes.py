"""The hardware of nodes while a run lasts: newest readings, a short history, what is old, and what is whose."""

from __future__ import annotations

import math
from pathlib import Path

from tests.following import begin, campaign, entry, progress, sample

from assay.runs import RunStatus, SystemRecord, write_json
from assay.runs.telemetry import write_telemetry
from assay.watch import Follower, Node
from assay.watch.nodes import _POINTS

GIB = 1 << 30


def nodes_of(tmp_path: Path, *rows: tuple[str, str, float, float], system: SystemRecord | None = None) -> list[Node]:
    folder = campaign(tmp_path / "c", [entry(0, "run-0")])
    begin(folder, "run-0", progress(1, 40))
    sample(folder, "run-0", *rows)
    if system is not None:
        write_json(folder.run("run-0").system, system)
    return list(Follower(folder).poll().nodes)


def test_each_node_tells_its_newest_readings_with_their_unit_and_history(tmp_path: Path) -> None:
    (controller, node) = nodes_of(
        tmp_path,
        ("node-a", "gpu0_power_w", 1, 300.0),
        ("controller", "cpu_percent", 1, 12.0),
        ("node-a", "gpu0_power_w", 2, 310.5),
        ("node-a", "gpu10_power_w", 2, 90.0),
        ("node-a", "gpu0_power_w", 3, math.nan),
        ("node-a", "node-a-0/vllm:kv_cache_usage_perc", 2, 0.5),
    )
    assert (controller.name, node.name) == ("controller", "node-a")
    assert controller.value("cpu_percent") == 12
    assert node.gpus == [0, 10]
    power = node.series("power_w", 0)
    assert power is not None
    assert power.unit == "W"
    assert [(reading.time_ns, reading.value) for reading in power.readings] == [(10**9, 300.0), (2 * 10**9, 310.5)]
    assert sorted(node.metrics) == ["gpu0_power_w", "gpu10_power_w"]
    assert node.value("cpu_percent") is None


def test_counters_have_the_unit_of_what_they_count(tmp_path: Path) -> None:
    rows = [("node-a", metric, 1.0, 1.0) for metric in ("gpu0_nvlink_tx_bytes_total", "gpu0_energy_j", "load_1m")]
    (node,) = nodes_of(tmp_path, *rows)
    assert [series.unit for series in node.metrics.values()] == ["B", "J", ""]


def test_the_history_is_bounded(tmp_path: Path) -> None:
    (node,) = nodes_of(tmp_path, *(("node-a", "cpu_percent", at_s, float(at_s)) for at_s in range(3 * _POINTS)))
    readings = node.metrics["cpu_percent"].readings
    assert len(readings) == _POINTS
    assert readings[-1].value == 3 * _POINTS - 1


def test_a_gpu_that_its_driver_slows_down_says_why(tmp_path: Path) -> None:
    (node,) = nodes_of(
        tmp_path,
        ("node-a", "gpu0_throttle_reasons", 1, float(0x40)),
        ("node-a", "gpu1_throttle_reasons", 1, float(0x4)),  # the power cap, the usual state under load
    )
    assert node.slowed_by(0) == ["hardware thermal slowdown"]
    assert node.slowed_by(1) == []
    assert node.slowed_by(2) == []


def test_a_node_that_others_outlast_is_silent(tmp_path: Path) -> None:
    beats = [("node-a", "cpu_percent", at_s, 1.0) for at_s in range(30)]
    rows = [*beats, ("node-b", "cpu_percent", 18, 1.0), ("node-c", "cpu_percent", 20, 1.0)]
    assert {node.name: node.silent for node in nodes_of(tmp_path, *rows)} == {
        "node-a": False, "node-b": True, "node-c": False,
    }  # fmt: skip


def test_memory_is_told_with_all_that_there_is(tmp_path: Path) -> None:
    device = {"index": 1, "name": "GPU", "memory_total_bytes": 80 * GIB}
    facts = {"name": "node-a", "memory_total_bytes": 256 * GIB, "accelerators": [device, "another"]}
    system = SystemRecord(
        controller={"name": "controller", "memory_total_bytes": 16 * GIB},
        nodes=[facts, {"name": "node-c"}],
        versions={},
    )
    rows = [(name, "memory_used_bytes", 1.0, 1.0) for name in ("controller", "node-a", "node-b")]
    controller, node, other = nodes_of(tmp_path, *rows, system=system)
    assert (controller.memory_bytes, node.memory_bytes, other.memory_bytes) == (16 * GIB, 256 * GIB, None)
    assert node.gpu_memory_bytes == {1: 80 * GIB}
    assert other.gpu_memory_bytes == {}


def test_the_next_run_begins_without_the_readings_of_the_last(tmp_path: Path) -> None:
    folder = campaign(tmp_path / "c", [entry(0, "run-0"), entry(1)])
    begin(folder, "run-0", progress(1, 40))
    sample(folder, "run-0", ("node-a", "cpu_percent", 1, 5.0))
    follower = Follower(folder)
    assert [node.name for node in follower.poll().nodes] == ["node-a"]
    run = folder.run("run-0")
    write_telemetry(run.telemetry_journal, run.telemetry)
    run.telemetry_journal.unlink()
    assert [node.name for node in Follower(folder).poll().nodes] == ["node-a"]
    campaign(tmp_path / "c", [entry(0, "run-0", RunStatus.COMPLETED), entry(1, "run-1")])
    begin(folder, "run-1", progress(1, 7))
    assert follower.poll().nodes == []
