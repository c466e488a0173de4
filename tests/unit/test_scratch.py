"""Temporary folders: those of killed processes go with the next start, and no others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from assay.scratch import scratch_folder

_PROGRAM = """
import sys
from assay.scratch import scratch_folder

with scratch_folder() as folder:
    (folder / "bodies.bin").write_text("much")
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)


def test_what_a_killed_process_left_goes_and_what_a_living_one_has_stays(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _PROGRAM]
    foreign = tmp_path / "assay-of-somebody"
    foreign.mkdir()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        place = Path(process.stdout.readline().decode().strip())
        assert place.parent == tmp_path
        with scratch_folder() as own:
            assert (place / "bodies.bin").exists()
            assert own.is_dir()
        assert not own.exists()
        process.kill()
        process.wait()
        assert place.exists()
    with scratch_folder():
        assert not place.exists()
    assert list(tmp_path.iterdir()) == [foreign]


def test_a_link_to_a_folder_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / ".assay-scratch").touch()
    (tmp_path / "assay-link").symlink_to(victim)
    with scratch_folder():
        pass
    assert victim.exists()
