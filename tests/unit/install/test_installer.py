"""A bundle's own installer: installs whole, again without a change, refuses what isn't its own, leaves nothing."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from tests.bundles import locked, small_assay, small_wheel

from assay.install import Bundle, BundleContents, Target, write_bundle


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bundle:
    links = small_assay(tmp_path / "links", monkeypatch)
    (tmp_path / "samples").write_text("{}\n")
    engine = small_wheel(links, "engine", "5.0", "name = 'engine'\n")
    (tmp_path / "engine.lock").write_text(locked(engine))
    contents = BundleContents(
        Target.here(), datasets=(tmp_path / "samples",), engine_lock=tmp_path / "engine.lock", find_links=links
    )
    return write_bundle(contents, tmp_path / "b.tar")


@pytest.fixture
def folder(bundle: Bundle, tmp_path: Path) -> Path:
    """The bundle, unpacked."""
    with tarfile.open(bundle.path) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    (found,) = (tmp_path / "unpacked").iterdir()
    return found


def install(script: Path, *words: str, python: str = sys.executable) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "PYTHON": python}
    command = ["sh", str(script), "--as-root", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)


def tree(folder: Path) -> dict[str, float]:
    return {str(path): path.lstat().st_mtime for path in folder.rglob("*")}


def test_installed_then_left_alone_then_gone(folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "site" / "deep" / "assay"
    first = install(folder / "install.sh", "--folder", str(place))
    assert first.returncode == 0, first.stderr
    program = [place / "bin" / "python", "-I", place / "bin" / "assay"]
    said = subprocess.run(program, capture_output=True, text=True, check=True).stdout
    assert said == "small below\n"
    assert f"engine.python: {place}/engine/bin/python" in first.stdout
    command = [place / "engine" / "bin" / "python", "-I", "-c", "import engine; print(engine.name)"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "engine\n"
    assert (place / "datasets" / "samples").read_text() == "{}\n"

    before = tree(place)
    again = install(folder / "install.sh", "--folder", str(place))
    assert "nothing was changed" in again.stdout
    assert tree(place) == before

    removed = install(place / "bundle" / "install.sh", "--remove")
    assert removed.returncode == 0, removed.stderr
    assert not (tmp_path / "site").exists()
    assert "nothing was changed" in install(folder / "install.sh", "--remove", "--folder", str(place)).stdout


def test_what_was_left_half_done_is_made_anew(folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "assay"
    (place / "lib" / "left").mkdir(parents=True)
    mark = {"bundle": "", "complete": False, "parents": []}
    (place / "assay-install.json").write_text(json.dumps(mark))
    assert install(folder / "install.sh", "--folder", str(place)).returncode == 0
    assert not (place / "lib" / "left").exists()
    assert json.loads((place / "assay-install.json").read_text())["complete"]


def test_a_folder_of_others_is_neither_written_to_nor_removed(folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "others"
    place.mkdir()
    (place / "file").touch()
    for words in ([], ["--remove"]):
        refused = install(folder / "install.sh", *words, "--folder", str(place))
        assert refused.returncode == 1
        assert "isn't an installation of assay" in refused.stderr
    assert [path.name for path in place.iterdir()] == ["file"]


def test_a_file_that_changed_on_the_way_is_named_and_nothing_installed(folder: Path, tmp_path: Path) -> None:
    assert "all as the manifest has them" in install(folder / "install.sh", "--check").stdout
    (folder / "datasets" / "samples").write_text("{ }\n")
    for words in (["--check"], ["--folder", str(tmp_path / "assay")]):
        refused = install(folder / "install.sh", *words)
        assert refused.returncode == 1
        assert "samples isn't the file that the manifest names" in refused.stderr
    assert not (tmp_path / "assay").exists()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"version": 1, "files": {"install.sh": 1}}'])
def test_a_damaged_manifest_is_told_in_words(text: str, folder: Path) -> None:
    (folder / "manifest.json").write_text(text)
    refused = install(folder / "install.sh", "--check")
    assert refused.returncode == 1
    assert refused.stderr.startswith("install: ")
    assert "is damaged" in refused.stderr


def test_a_bundle_that_lacks_a_file_is_told_in_words(folder: Path) -> None:
    (folder / "datasets" / "samples").unlink()
    assert "unpack all of it" in install(folder / "install.sh", "--check").stderr


def test_another_python_than_the_bundles_is_refused(folder: Path, tmp_path: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["target"] = "cp39-manylinux_2_5_x86_64"
    (folder / "manifest.json").write_text(json.dumps(manifest))
    refused = install(folder / "install.sh", "--folder", str(tmp_path / "assay"))
    assert refused.returncode == 1
    assert "the bundle is for CPython 3.9" in refused.stderr
    assert "there is no nowhere/python3 here" in install(folder / "install.sh", python="nowhere/python3").stderr
