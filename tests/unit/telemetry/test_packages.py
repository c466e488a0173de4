"""CPU packages' energy counters, in folders laid out as Linux's powercap lays them out."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.telemetry.packages import Packages

RANGE_UJ = 262_143_328_850


def zone(folder: Path, directory: str, name: str, energy_uj: int) -> Path:
    path = folder / directory
    path.mkdir(parents=True, exist_ok=True)
    (path / "name").write_text(f"{name}\n")
    (path / "max_energy_range_uj").write_text(f"{RANGE_UJ}\n")
    (path / "energy_uj").write_text(f"{energy_uj}\n")
    return path / "energy_uj"


def test_packages_alone_are_told_and_each_once(tmp_path: Path) -> None:
    zone(tmp_path, "intel-rapl:0", "package-0", 5_000_000)
    zone(tmp_path, "intel-rapl:0:0", "core", 1)
    zone(tmp_path, "intel-rapl:0:1", "dram", 2)
    zone(tmp_path, "intel-rapl:1", "package-1", 7_000_000)
    zone(tmp_path, "intel-rapl:2", "psys", 3)
    zone(tmp_path, "intel-rapl-mmio:0", "package-0", 5_000_000)
    packages = Packages(tmp_path)
    assert packages.read() == {"cpu0_energy_j": 5.0, "cpu1_energy_j": 7.0}
    assert packages.words == "counters of 2 packages"


@given(st.lists(st.integers(0, RANGE_UJ), max_size=30))
def test_a_counter_that_wraps_round_goes_on_growing(steps: list[int]) -> None:
    """Each step is less than the whole range, as one of a second always is."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        counter = zone(Path(folder), "intel-rapl:0", "package-0", 11)
        packages, true = Packages(Path(folder)), 11
        for step in steps:
            true += min(step, RANGE_UJ - 1)
            counter.write_text(str(true % RANGE_UJ))
            assert packages.read()["cpu0_energy_j"] == pytest.approx(true / 1e6)


def test_what_cant_be_read_for_a_while_is_a_gap(tmp_path: Path) -> None:
    counter = zone(tmp_path, "intel-rapl:0", "package-0", 1_000_000)
    packages = Packages(tmp_path)
    counter.rename(tmp_path / "away")
    assert packages.read() == {}
    (tmp_path / "away").rename(counter)
    counter.write_text("3000000")
    assert packages.read() == {"cpu0_energy_j": 3.0}


def test_why_there_are_none_is_said(tmp_path: Path) -> None:
    assert Packages(tmp_path).words == f"not metered: {tmp_path} has no package"
    counter = zone(tmp_path, "intel-rapl:0", "package-0", 1)
    counter.unlink()
    counter.mkdir()  # which root can't read either
    packages = Packages(tmp_path)
    assert packages.words == f"not metered: {counter}: Is a directory"
    assert packages.read() == {}
