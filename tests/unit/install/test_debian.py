"""A bundle's Debian packages: added by apt and dpkg to a root of their own, and nothing but those taken away."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.bundles import small_assay

from assay.commands.main import main
from assay.errors import UserError
from assay.install import BundleContents, Target, write_bundle

real = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("apt-get") or not shutil.which("dpkg-deb"),
    reason="packages are installed by apt and dpkg, as root",
)


class Machine:
    """A root folder with dpkg's database of nothing, apart from this machine's."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        dpkg = self.root / "var/lib/dpkg"
        for path in (dpkg / "info", dpkg / "updates", dpkg / "triggers"):
            path.mkdir(parents=True)
        (dpkg / "status").touch()
        for name in ("lists/partial", "cache/archives/partial"):
            (folder / "apt" / name).mkdir(parents=True)
        lines = [f'Dir::State "{folder}/apt/";', f'Dir::State::status "{dpkg}/status";']
        lines += [f'Dir::Cache "{folder}/apt/cache/";', 'APT::Sandbox::User "root";']
        lines += [f'Dir::Etc::sourcelist "{folder}/sources.list";', 'Dir::Etc::sourceparts "-";']
        (folder / "apt.conf").write_text("\n".join(lines))
        self._sources = folder / "sources.list"
        self._settings = {"APT_CONFIG": str(folder / "apt.conf"), "DPKG_ROOT": str(self.root)}

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PYTHON": sys.executable, **self._settings}
        return subprocess.run(command, env=environment, capture_output=True, text=True)

    def offer(self, package: Path) -> None:
        """From a repository that apt knows."""
        data = package.read_bytes()
        control = subprocess.run(["dpkg-deb", "--field", package], check=True, capture_output=True, text=True).stdout
        sums = f"Filename: ./{package.name}\nSize: {len(data)}\nSHA256: {hashlib.sha256(data).hexdigest()}\n"
        (package.parent / "Packages").write_text(control + sums)
        self._sources.write_text(f"deb [trusted=yes] file:{package.parent} ./\n")
        done = self.run("apt-get", "update")
        assert done.returncode == 0, done.stderr

    @property
    def packages(self) -> list[str]:
        return self.run("dpkg-query", "--show", "--showformat", "${Package} ").stdout.split()

    @property
    def note(self) -> Path:
        return self.root / "var/lib/assay/debian.json"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "machine")


def package(folder: Path, name: str, needs: str = "") -> Path:
    """A real package of one file."""
    tree = folder / name
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "usr/share" / name).mkdir(parents=True)
    (tree / "usr/share" / name / "file").write_text(name)
    lines = [f"Package: {name}", "Version: 1.0", "Architecture: all", "Maintainer: tests <tests@localhost>"]
    lines += [f"Depends: {needs}"] if needs else []
    (tree / "DEBIAN/control").write_text("\n".join([*lines, "Description: of a test", ""]))
    path = folder / f"{name}_1.0_all.deb"
    subprocess.run(["dpkg-deb", "--build", tree, path], check=True, capture_output=True)
    return path


def installer(folder: Path, packages: list[Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The unpacked bundle's install.sh."""
    contents = BundleContents(
        Target.here(), debian=tuple(packages), find_links=small_assay(folder / "links", monkeypatch)
    )
    bundle = write_bundle(contents, folder / "b.tar")
    with tarfile.open(bundle.path) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    (found,) = (folder / "unpacked").iterdir()
    return found / "install.sh"


@real
def test_added_then_left_alone_then_only_those_taken_away(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs, below = package(tmp_path, "assay-test-theirs"), package(tmp_path, "assay-test-below")
    above = package(tmp_path, "assay-test-above", needs="assay-test-below, assay-test-theirs")
    assert machine.run("dpkg", "--install", theirs).returncode == 0
    script = installer(tmp_path, [theirs, below, above], monkeypatch)

    planned = machine.run("sh", script, "--debian", "--plan")
    assert planned.stdout == "would install assay-test-above assay-test-below\n", planned.stderr
    assert (machine.packages, machine.note.exists()) == (["assay-test-theirs"], False)

    added = machine.run("sh", script, "--debian")
    assert added.stdout == "installed assay-test-above assay-test-below\n", added.stderr
    assert (machine.root / "usr/share/assay-test-above/file").read_text() == "assay-test-above"
    again = machine.run("sh", script, "--debian")
    assert "nothing was changed" in again.stdout

    looked = machine.run("sh", script, "--debian", "--remove", "--plan")
    assert looked.stdout == "would remove assay-test-above assay-test-below\n"
    removed = machine.run("sh", script, "--debian", "--remove")
    assert removed.stdout == "removed assay-test-above assay-test-below\n", removed.stderr
    assert machine.packages == ["assay-test-theirs"]
    assert not machine.note.parent.exists()
    assert "none was added" in machine.run("sh", script, "--debian", "--remove").stdout


@real
def test_a_package_that_others_have_come_to_need_stays(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = installer(tmp_path, [package(tmp_path, "assay-test-below")], monkeypatch)
    assert machine.run("sh", script, "--debian").returncode == 0
    later = package(tmp_path, "assay-test-later", needs="assay-test-below")
    assert machine.run("dpkg", "--install", later).returncode == 0
    refused = machine.run("sh", script, "--debian", "--remove")
    assert refused.returncode == 1
    assert "assay-test-later depends on assay-test-below" in refused.stderr
    assert sorted(machine.packages) == ["assay-test-below", "assay-test-later"]
    assert json.loads(machine.note.read_text()) == ["assay-test-below"]


@real
def test_what_an_earlier_package_left_is_not_taken_away_with_ours(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = installer(tmp_path, [package(tmp_path, "assay-test-below")], monkeypatch)
    words = ["Package: assay-test-below", "Status: deinstall ok config-files", "Architecture: all", "Version: 0.9"]
    status = machine.root / "var/lib/dpkg/status"
    status.write_text(
        "\n".join([*words, "Config-Version: 0.9", "Maintainer: t <t@localhost>", "Description: t", "", ""])
    )
    refused = machine.run("sh", script, "--debian")
    assert "remains of an earlier assay-test-below" in refused.stderr
    assert not machine.note.exists()


@real
def test_a_package_that_needs_another_is_refused_before_anything_is_changed(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = installer(tmp_path, [package(tmp_path, "assay-test-above", needs="assay-test-below")], monkeypatch)
    refused = machine.run("sh", script, "--debian")
    assert refused.returncode == 1
    assert "assay-test-below" in refused.stderr
    assert (machine.packages, machine.note.exists()) == ([], False)


@real
def test_what_a_repository_would_bring_along_is_named_and_not_taken(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.offer(package(tmp_path / "repository", "assay-test-below"))
    script = installer(tmp_path, [package(tmp_path, "assay-test-above", needs="assay-test-below")], monkeypatch)
    refused = machine.run("sh", script, "--debian")
    assert refused.returncode == 1
    assert "assay-test-below would be changed too" in refused.stderr
    assert (machine.packages, machine.note.exists()) == ([], False)


@real
def test_a_package_that_changed_on_the_way_is_refused(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = installer(tmp_path, [package(tmp_path, "assay-test-below")], monkeypatch)
    other = package(tmp_path / "other", "assay-test-below", needs="assay-test-theirs")
    shutil.copyfile(other, script.parent / "debian" / "assay-test-below_1.0_all.deb")
    refused = machine.run("sh", script, "--debian", "--plan")
    assert "isn't the file that the manifest names" in refused.stderr
    assert machine.packages == []


def test_another_user_than_root_is_refused(machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "p.deb").write_bytes(b"!<arch>\ndebian-binary   ")
    (tmp_path / "apt-get").touch(0o755)
    script = installer(tmp_path, [tmp_path / "p.deb"], monkeypatch).with_name("debian.py")
    as_user = f"import os, runpy; os.geteuid = lambda: 1000; runpy.run_path({str(script)!r}, run_name='__main__')"
    for words in ([], ["--remove"]):
        refused = machine.run("env", f"PATH={tmp_path}", sys.executable, "-I", "-c", as_user, *words)
        assert (refused.returncode, "run it as root" in refused.stderr) == (1, True), refused.stderr


def test_without_apt_it_is_one_message(machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "p.deb").write_bytes(b"!<arch>\ndebian-binary   ")
    script = installer(tmp_path, [tmp_path / "p.deb"], monkeypatch)
    refused = machine.run("env", "PATH=/nowhere", sys.executable, "-I", script.with_name("debian.py"))
    assert (refused.returncode, refused.stderr) == (
        1,
        "install: there is no apt-get here: Debian packages are for Debian and what is made from it\n",
    )


def test_a_bundle_has_them_only_where_they_were_given(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = installer(tmp_path, [], monkeypatch)
    refused = machine.run("sh", script, "--debian")
    assert (refused.returncode, "assay bundle --debian" in refused.stderr) == (1, True)
    assert not script.with_name("debian.py").exists()


def test_another_file_is_no_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "chrony.deb").write_text("<html>")
    contents = BundleContents(
        Target.here(), debian=(tmp_path / "chrony.deb",), find_links=small_assay(tmp_path / "l", monkeypatch)
    )
    with pytest.raises(UserError, match=r"chrony\.deb: is no Debian package"):
        write_bundle(contents, tmp_path / "b.tar")


def test_the_command_tells_how_they_are_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    links = small_assay(tmp_path / "links", monkeypatch)
    (tmp_path / "p.deb").write_bytes(b"!<arch>\ndebian-binary   ")
    words = ["bundle", "--find-links", str(links), "--debian", str(tmp_path / "p.deb"), "--output"]
    shown = CliRunner().invoke(main, [*words, str(tmp_path / "b.tar")])
    assert shown.exit_code == 0, shown.output
    assert f"sh assay-1.0-{Target.here()}/install.sh --debian" in shown.stdout.splitlines()[-1]
