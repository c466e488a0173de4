"""A bundle's own installer: installs whole, again without a change, refuses what isn't its own, leaves nothing."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.bundles import locked, small_assay, small_wheel

from assay.install import Bundle, BundleContents, Target, write_bundle


@pytest.fixture(scope="module")
def links(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Wheels of a small Assay, which is what bundles are made of here."""
    with pytest.MonkeyPatch.context() as patch:
        yield small_assay(tmp_path_factory.mktemp("small") / "links", patch)


@pytest.fixture(scope="module")
def bundle(links: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = tmp_path_factory.mktemp("bundle")
    engine = small_wheel(links, "engine", "5.0", "name = 'engine'\n")
    (folder / "engine.lock").write_text(locked(engine))
    (folder / "samples").write_text("{}\n")
    contents = BundleContents(
        Target.here(), datasets=(folder / "samples",), engine_lock=folder / "engine.lock", find_links=links
    )
    return write_bundle(contents, folder / "b.tar")


def unpacked(bundle: Bundle, into: Path) -> Path:
    with tarfile.open(bundle.path) as archive:
        archive.extractall(into, filter="data")
    (found,) = into.iterdir()
    return found


@pytest.fixture
def folder(bundle: Bundle, tmp_path: Path) -> Path:
    """The bundle, unpacked."""
    return unpacked(bundle, tmp_path / "unpacked")


def install(
    script: Path, *words: str, python: str = sys.executable, **settings: str
) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "PYTHON": python, **settings}
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


def test_with_an_index_packages_come_by_the_machines_own_settings(links: Path, tmp_path: Path) -> None:
    light = write_bundle(BundleContents(Target.here(), find_links=links, index=True), tmp_path / "b.tar")
    script, place = unpacked(light, tmp_path / "unpacked") / "install.sh", tmp_path / "assay"
    settings = {"PIP_CONFIG_FILE": "/dev/null", "PIP_NO_INDEX": "1"}
    refused = install(script, "--folder", str(place), **settings)
    assert refused.returncode == 1
    assert "below==2.0" in refused.stderr
    done = install(script, "--folder", str(place), **settings, PIP_FIND_LINKS=str(links))
    assert done.returncode == 0, done.stderr
    assert list(place.glob("lib/python3*/site-packages/below.py"))


def test_two_at_a_time_are_refused(folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "assay"
    place.mkdir()
    (place / "assay-install.json").write_text('{"bundle": "", "complete": false, "parents": []}')
    handle = os.open(place, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        for words in ([], ["--remove"]):
            refused = install(folder / "install.sh", *words, "--folder", str(place))
            assert refused.returncode == 1
            assert "by another process" in refused.stderr
    finally:
        os.close(handle)
    assert [path.name for path in place.iterdir()] == ["assay-install.json"]


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


@pytest.mark.parametrize(
    ("name", "kind"), [("../outside", tarfile.REGTYPE), ("/outside", tarfile.REGTYPE), ("b/link", tarfile.SYMTYPE)]
)
def test_an_archive_that_leads_elsewhere_is_refused(name: str, kind: bytes, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    with tarfile.open(tmp_path / "deep" / "b.tar", "w") as archive:
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname = kind, "/etc/passwd"
        archive.addfile(entry)
    place = tmp_path / "assay"
    words = ["--archive", str(tmp_path / "deep" / "b.tar"), "--folder", str(place)]
    refused = install(folder / "install.sh", *words)
    assert refused.returncode == 1
    assert "has no place in a bundle" in refused.stderr
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["b.tar"]
    assert not place.exists()


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
