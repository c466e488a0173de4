"""A bundle: what is in it, that it is the same each time, and what can be wrong with it."""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.bundles import small_assay, small_wheel

from assay.commands.main import main
from assay.errors import UserError
from assay.install import BundleContents, Target, read_bundle, write_bundle


@pytest.fixture
def links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return small_assay(tmp_path / "links", monkeypatch)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "m1"
    (folder / ".git").mkdir(parents=True)
    (folder / ".git" / "config").touch()
    (folder / "config.json").write_text("{}")
    (tmp_path / "weights").write_bytes(b"w" * 1000)
    (folder / "weights").symlink_to(tmp_path / "weights")
    return folder


def test_everything_in_it_is_in_its_manifest(links: Path, model: Path, tmp_path: Path) -> None:
    (tmp_path / "samples.jsonl").write_text("{}\n")
    contents = BundleContents(Target.here(), ("more",), (model,), (tmp_path / "samples.jsonl",), find_links=links)
    bundle = write_bundle(contents, tmp_path / "b.tar")
    with tarfile.open(bundle.path) as archive:
        files = {entry.name.split("/", 1)[1]: archive.extractfile(entry).read() for entry in archive}  # type: ignore[union-attr]
    manifest = files.pop("manifest.json")
    assert hashlib.sha256(manifest).hexdigest() == bundle.identity
    assert {name: hashlib.sha256(data).hexdigest() for name, data in files.items()} == {
        name: facts["sha256"] for name, facts in json.loads(manifest)["files"].items()
    }
    assert [name for name in files if name.startswith(("models", "datasets"))] == [
        *("datasets/samples.jsonl", "models/m1/config.json", "models/m1/weights")
    ]
    assert {name.split("/")[1].split("-")[0] for name in files if name.startswith("wheels/") and "whl" in name} == {
        *("assay", "below", "beside", "pip")
    }
    assert bundle.manifest.extras == ("more",)


def test_its_dockerfile_takes_the_targets_python(links: Path, tmp_path: Path) -> None:
    bundle = write_bundle(BundleContents(Target(12, 28, "x86_64"), find_links=links, index=True), tmp_path / "b.tar")
    with tarfile.open(bundle.path) as archive:
        (entry,) = [entry for entry in archive if entry.name.endswith("/Dockerfile")]
        lines = archive.extractfile(entry).read().decode().splitlines()  # type: ignore[union-attr]
    assert "ARG BASE=docker.io/library/python:3.12-slim-bookworm" in lines
    assert not [line for line in lines if "@" in line]


def test_the_same_input_gives_the_same_bytes(links: Path, model: Path, tmp_path: Path) -> None:
    contents = BundleContents(Target.here(), models=(model,), find_links=links)
    first = write_bundle(contents, tmp_path / "1.tar")
    os.utime(model / "config.json", (1, 1))
    (model / "config.json").chmod(0o600)
    second = write_bundle(contents, tmp_path / "2.tar")
    assert first.path.read_bytes() == second.path.read_bytes()
    assert first.identity == second.identity


def test_a_wheel_that_the_lock_does_not_know_is_refused(links: Path, tmp_path: Path) -> None:
    small_wheel(links, "below", "2.0", module="stolen = True\n")
    with pytest.raises(UserError, match="couldn't all be had"):
        write_bundle(BundleContents(Target.here(), find_links=links), tmp_path / "b.tar")
    assert not (tmp_path / "b.tar").exists()


def test_with_an_index_the_locks_hashes_go_along_and_the_wheels_do_not(links: Path, tmp_path: Path) -> None:
    bundle = write_bundle(BundleContents(Target.here(), find_links=links, index=True), tmp_path / "b.tar")
    wheels = sorted(name.split("-")[0] for name in bundle.manifest.files if name.endswith(".whl"))
    assert wheels == ["wheels/assay", "wheels/pip"]
    with tarfile.open(bundle.path) as archive:
        (entry,) = [entry for entry in archive if entry.name.endswith("/requirements.txt")]
        text = archive.extractfile(entry).read().decode()  # type: ignore[union-attr]
    assert (
        f"below==2.0 --hash=sha256:{hashlib.sha256((links / 'below-2.0-py3-none-any.whl').read_bytes()).hexdigest()}"
        in text
    )


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"extras": ("mroe",)}, "mroe: no extra of Assay, which are more"),
        ({"target": Target(9, 28, "x86_64")}, "Assay needs Python >=3.11"),
        ({"models": (Path("nowhere"),)}, "nowhere: is no folder of a model"),
        ({"datasets": (Path("nowhere"),)}, "nowhere: there is no such file"),
        ({"find_links": Path("nowhere")}, "nowhere: there is no such folder of wheels"),
        ({"engine_lock": Path("nowhere")}, "nowhere: the locked packages can't be read"),
    ],
)
def test_what_is_wrong_is_named(fields: dict[str, object], words: str, links: Path, tmp_path: Path) -> None:
    given: dict[str, object] = {"target": Target.here(), "find_links": links, **fields}
    with pytest.raises(UserError, match=words):
        write_bundle(BundleContents(**given), tmp_path / "b.tar")  # type: ignore[arg-type]


def test_two_models_of_one_name_are_refused(links: Path, model: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="m1: given twice"):
        write_bundle(BundleContents(Target.here(), models=(model, model), find_links=links), tmp_path / "b.tar")


def test_another_file_is_no_bundle(tmp_path: Path) -> None:
    (tmp_path / "b.tar").write_bytes(b"x" * 2000)
    with pytest.raises(UserError, match="is no bundle"):
        read_bundle(tmp_path / "b.tar")
    with pytest.raises(UserError, match="No such file"):
        read_bundle(tmp_path / "none.tar")


def test_the_command_says_what_it_wrote(links: Path, tmp_path: Path) -> None:
    words = ["bundle", "--find-links", str(links), "--with", "more", "--output", str(tmp_path / "b.tar"), "--json"]
    shown = CliRunner().invoke(main, words)
    assert shown.exit_code == 0, shown.output
    told = json.loads(shown.stdout)
    assert told["sha256"] == hashlib.sha256((tmp_path / "b.tar").read_bytes()).hexdigest()
    assert (told["assay"], told["extras"], told["target"]) == ("1.0", ["more"], str(Target.here()))
