"""Telemetry of GPUs: the real probe and sampler over a stand-in NVML whose devices say that they are fakes."""

from __future__ import annotations

import math
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from tests.closed_loop import samples
from tests.metered import SECOND, write_meters
from tests.synthetic import Plan, write_run

from assay.analysis.energy import run_energy
from assay.runs import RunFolder, read_record, read_telemetry, write_telemetry
from assay.telemetry import Sampler, accelerators
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
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", str(library), str(RIG / "fake_nvml.c"), "-lm"], check=True)
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
    rows = watched({1: "a"}, enough=60)
    assert {(node, metric): value for node, metric, _, value in rows} == {
        ("a", "gpu1_memory_used_bytes"): 1 << 30,
        ("a", "gpu1_power_w"): 123.456,
        ("a", "gpu1_utilization_percent"): 7,
        ("a", "gpu1_throttle_reasons"): 0x41,
        ("a", "gpu1_energy_j"): 5000,
        ("a", "gpu1_memory_utilization_percent"): 3,
        ("a", "gpu1_ecc_corrected_total"): 3,
        ("a", "gpu1_ecc_uncorrected_total"): 3,
        ("a", "gpu1_nvlink_tx_bytes_total"): 1380 * 1024,
        ("a", "gpu1_nvlink_rx_bytes_total"): 1390 * 1024,
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
    assert ("controller", "output_disk_free_bytes") in found
    assert ("a", "gpu1_power_w") not in found


@pytest.mark.usefixtures("fake_nvml")
def test_a_reading_has_the_time_at_which_the_device_was_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """And not that of its arrival, which a busy machine puts off: energy between two readings is over their times."""
    late_ns = 3_600 * SECOND
    arrival = time.monotonic_ns
    monkeypatch.setattr(accelerators.time, "monotonic_ns", lambda: arrival() + late_ns)
    before = arrival()
    rows = watched({0: "a"}, enough=30)
    assert all(before <= time_ns <= arrival() for _, _, time_ns, _ in rows)


@pytest.mark.usefixtures("fake_nvml")
def test_energy_of_a_run_on_devices_with_a_known_power_curve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From NVML's call to the figure in joules, within 1 %."""
    monkeypatch.setenv("FAKE_NVML_CURVE", "1")
    rows = watched({0: "node-a", 1: "node-b"}, enough=500)
    folder = write_run(tmp_path, Plan(samples=20, telemetry=False))
    energy = [row for row in rows if row[1] == "gpu0_energy_j"]
    begin_ns = energy[0][2]
    write_meters(folder.telemetry, [(node, metric, at - begin_ns, value) for node, metric, at, value in rows])
    seconds = (energy[-1][2] - begin_ns) / SECOND
    run = run_energy(folder, read_record(folder), samples(np.zeros(20), np.linspace(0.05, 1, 20) * seconds))
    assert run is not None
    assert run.spent is not None
    counted = {row[2] for row in energy}
    ms, us = (
        [row[3] for row in rows if row[1] == f"gpu0_{name}_clock_mhz" and row[2] in counted]
        for name in ("memory", "sm")
    )
    asked_s = [whole / 1e3 + part / 1e6 for whole, part in zip(ms, us, strict=True)]
    assert [meter.basis for meter in run.energy.meters] == ["counter", "counter"]
    true = 400 * (asked_s[-1] - asked_s[0]) - 150 * 7 * (math.cos(asked_s[-1] / 7) - math.cos(asked_s[0] / 7))
    assert run.energy.meters[0].mean_power_w * seconds == pytest.approx(true, rel=0.01)


@pytest.mark.usefixtures("fake_nvml")
def test_counters_are_read_of_one_device_a_line_in_turn() -> None:
    """A driver takes milliseconds for an energy counter, and a node may have sixteen devices."""
    rows = watched({0: "a", 1: "b"}, enough=200)
    looks = sorted({time_ns for _, metric, time_ns, _ in rows if metric == "gpu0_power_w"})[:8]
    counted = [[node for node, metric, at, _ in rows if metric.endswith("energy_j") and at == look] for look in looks]
    assert counted in ([["a"], ["b"]] * 4, [["b"], ["a"]] * 4)


def test_without_accelerators_nothing_is_started() -> None:
    assert watched({}, enough=0) == []
