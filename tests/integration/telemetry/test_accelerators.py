"""Telemetry of GPUs: the real probe and sampler over a stand-in NVML whose devices say that they are fakes."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from assay.runs import RunFolder, read_telemetry, write_telemetry
from assay.telemetry import Sampler
from assay.telemetry.accelerators import AcceleratorWatch

RIG = Path(__file__).parents[2] / "rig"
Row = tuple[str, str, int, float]


@pytest.fixture
def fake_nvml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc for the stand-in NVML")
    folder = tmp_path / "nvml"
    folder.mkdir()
    library = folder / "libnvidia-ml.so.1"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", str(library), str(RIG / "fake_nvml.c")], check=True)
    monkeypatch.setenv("LD_LIBRARY_PATH", str(folder))


def watched(nodes: dict[int, str], enough: int) -> list[Row]:
    """What a watch hands over until there are `enough` values, or twenty seconds are over."""
    rows: list[Row] = []
    watch = AcceleratorWatch(nodes, lambda *row: rows.append(row), every_s=0.01)
    watch.start()
    deadline = time.monotonic() + 20
    while len(rows) < enough and time.monotonic() < deadline:
        time.sleep(0.01)
    watch.stop()
    return rows


@pytest.mark.usefixtures("fake_nvml")
def test_values_of_the_accelerators_asked_for() -> None:
    rows = watched({1: "a"}, enough=20)
    assert {(node, metric): value for node, metric, _, value in rows} == {
        ("a", "gpu1_memory_used_bytes"): 1 << 30,
        ("a", "gpu1_power_w"): 123.456,
        ("a", "gpu1_utilization_percent"): 7,
        ("a", "gpu1_throttle_reasons"): 0x41,
    }
    times = [time_ns for _, metric, time_ns, _ in rows if metric == "gpu1_power_w"]
    assert times == sorted(set(times))
    assert len(times) >= 5


@pytest.mark.usefixtures("fake_nvml")
def test_the_sampler_writes_them_beside_its_own(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.parts.mkdir()
    sampler = Sampler([], {}, accelerators={0: "a", 1: "b"}, journal=folder.telemetry_journal)
    sampler.start()
    time.sleep(2.5)
    sampler.stop()
    write_telemetry(folder.telemetry_journal, folder.telemetry)
    rows = read_telemetry(folder.telemetry).to_pylist()
    found = {(row["node"], row["metric"]) for row in rows}
    assert {("a", "gpu0_power_w"), ("b", "gpu1_power_w"), ("controller", "cpu_percent")} <= found
    assert ("a", "gpu1_power_w") not in found


def test_without_accelerators_nothing_is_started() -> None:
    assert watched({}, enough=0) == []
