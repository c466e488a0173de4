"""How many cores the client has."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.load import cores
from assay.load.cores import cores_here


@pytest.fixture
def group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The control group of a process that may run on 64 cores; no group has a limit yet."""
    (tmp_path / "own").write_text("1:name=systemd:/\n0::/kubepods/pod1\n")
    (tmp_path / "groups" / "kubepods" / "pod1").mkdir(parents=True)
    monkeypatch.setattr(cores, "_OWN_GROUP", tmp_path / "own")
    monkeypatch.setattr(cores, "_GROUPS", tmp_path / "groups")
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(64)))
    return tmp_path / "groups" / "kubepods" / "pod1"


def test_without_a_limit_it_is_those_that_the_process_may_run_on(group: Path) -> None:
    (group / "cpu.max").write_text("max 100000\n")
    assert cores_here() == 64


@pytest.mark.parametrize(("limit", "expected"), [("400000 100000", 4), ("250000 100000", 2), ("50000 100000", 1)])
def test_a_limit_of_its_group_counts(group: Path, limit: str, expected: int) -> None:
    (group / "cpu.max").write_text(f"{limit}\n")
    assert cores_here() == expected


def test_the_least_limit_of_the_groups_above_it_counts(group: Path) -> None:
    (group / "cpu.max").write_text("800000 100000\n")
    (group.parent / "cpu.max").write_text("300000 100000\n")
    assert cores_here() == 3


@pytest.mark.parametrize("text", ["", "garbage", "1 0", "max"])
def test_what_cant_be_read_limits_nothing(group: Path, text: str) -> None:
    (group / "cpu.max").write_text(text)
    assert cores_here() == 64
    cores._OWN_GROUP.unlink()
    assert cores_here() == 64
