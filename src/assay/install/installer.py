"""Installs a bundle into one folder, or takes that away again. Runs alone: standard library, Python 3.8 or later.

A folder that it made carries MARK, from before anything else is in it: another folder is neither written to nor
removed. What is installed completely is left as it is; what isn't is made anew.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MARK = "assay-install.json"
SENT = "assay-sent.json"
"""What was sent into other folders beside the bundle: files, and folders that were made for them."""
KEPT = (MARK, SENT, "models", "datasets")
"""What stays where another bundle is installed over one: data is compared, not copied again."""
HERE = Path(globals().get("__file__", "-")).resolve().parent
MOST_WORDS = 1500


class RefusedError(Exception):
    """Nothing can be done; the message says why."""


def sha256_of(path: Path) -> str:
    sha = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            sha.update(block)
    return sha.hexdigest()


def checked(bundle: Path) -> tuple[dict[str, Any], str]:
    """The manifest and its SHA-256, once every file is known to be the one that it names."""
    try:
        data = (bundle / "manifest.json").read_bytes()
        manifest: dict[str, Any] = json.loads(data)
        if manifest["version"] != 1:
            raise RefusedError(f"{bundle}: its manifest has version {manifest['version']}, which this can't read")
        for name, facts in manifest["files"].items():
            if sha256_of(bundle / name) != facts["sha256"]:
                raise RefusedError(f"{bundle / name} isn't the file that the manifest names: copy the bundle again")
    except OSError as error:
        raise RefusedError(f"{error.filename}: {error.strerror}: copy the bundle again, and unpack all of it") from None
    except (ValueError, LookupError, TypeError, AttributeError):
        raise RefusedError(f"{bundle}/manifest.json is damaged: copy the bundle again") from None
    return manifest, hashlib.sha256(data).hexdigest()


def require_target(target: str) -> None:
    """CPython's version and the processor alike, glibc at least as new."""
    version, system = target.split("-", 1)
    glibc, machine = system.replace("manylinux_2_", "", 1).split("_", 1)
    mine = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    library, found = platform.libc_ver()
    if mine != version or sys.implementation.name != "cpython":
        wanted = f"CPython {version[2]}.{version[3:]}"
        raise RefusedError(
            f"the bundle is for {wanted}, and {sys.executable} is {sys.implementation.name} "
            f"{platform.python_version()}: name another interpreter, or make a bundle for this one"
        )
    if platform.machine() != machine or library != "glibc" or int(found.split(".")[1]) < int(glibc):
        raise RefusedError(
            f"the bundle is for {machine} with glibc 2.{glibc} or later, and this is {platform.machine()} with "
            f"{library or 'another C library'} {found}: make a bundle for it"
        )


def read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


def write_mark(folder: Path, mark: dict[str, Any]) -> None:
    new = folder / f".{MARK}"
    new.write_text(json.dumps(mark, indent=2) + "\n")
    new.replace(folder / MARK)


def make_folder(folder: Path) -> list[str]:
    """Make it; the folders above it that had to be made too, the deepest first."""
    made = []
    for parent in folder.parents:
        if parent.exists():
            break
        made.append(str(parent))
    folder.mkdir(parents=True, exist_ok=True)
    return made


def install(bundle: Path, folder: Path) -> str:
    """What was done, in words."""
    manifest, identity = checked(bundle)
    require_target(manifest["target"])
    held = read_json(folder / MARK)
    what = f"assay {manifest['assay']} ({manifest['target']})"
    if held and held["complete"] and held["bundle"] == identity:
        return f"{what} is installed in {folder} already: nothing was changed"
    if folder.is_symlink() or (held is None and folder.exists() and any(folder.iterdir())):
        raise RefusedError(f"{folder} is there and isn't an installation of assay: name another folder")
    mark = {"bundle": identity, "assay": manifest["assay"], "extras": manifest["extras"], "complete": False}
    mark["parents"] = held["parents"] if held else [*make_folder(folder), *sent_of(incoming(folder))["folders"]]
    with alone(folder):
        write_mark(folder, mark)
        fill(bundle, folder, manifest)
        write_mark(folder, {**mark, "complete": True})
    engine = f"; engine.python: {folder}/engine/bin/python" if manifest["engine"] else ""
    return f"installed {what}: {folder}/bin/assay{engine}"


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Nobody else installs into it or removes it meanwhile: a lost link doesn't end what it began."""
    handle = os.open(str(folder), os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise RefusedError(f"{folder} is being installed or removed by another process: try again later") from None
    finally:
        os.close(handle)


def fill(bundle: Path, folder: Path, manifest: dict[str, Any]) -> None:
    """Make the folder hold what the bundle brings, and of packages nothing else."""
    for path in folder.iterdir():
        if path.name not in KEPT:
            remove_path(path)
    make_environment(folder, bundle / "wheels", bundle, index=manifest["index"])
    if manifest["engine"]:
        make_environment(folder / "engine", bundle / "engine", bundle, index=manifest["index"])
    for name, facts in manifest["files"].items():
        if name.startswith(("models/", "datasets/")):
            place(bundle / name, folder / name, facts)
    take_pinned(bundle, folder, manifest["pinned"])
    (folder / "bundle").mkdir()
    for name in ("manifest.json", "install.sh", "installer.py"):
        shutil.copyfile(str(bundle / name), str(folder / "bundle" / name))


def make_environment(folder: Path, packages: Path, bundle: Path, index: bool) -> None:
    """An interpreter with the packages of a folder of the bundle, put there by the pip that comes along."""
    run([sys.executable, "-I", "-m", "venv", "--without-pip", str(folder)], dict(os.environ))
    environment = dict(os.environ)
    if not index:  # the user's settings of pip are for its indexes, which have no part in this
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
        environment["PIP_CONFIG_FILE"] = os.devnull
    (pip,) = (bundle / "wheels").glob("pip-*.whl")
    command = [str(folder / "bin/python"), "-I", str(pip / "pip"), "install", "--quiet", "--no-input", "--no-compile"]
    command += ["--disable-pip-version-check", "--no-cache-dir", "--no-deps", "--only-binary=:all:", "--require-hashes"]
    command += ["--find-links", str(packages), "-r", str(packages / "requirements.txt")]
    run([*command, *([] if index else ["--no-index"])], environment)


def take_pinned(bundle: Path, folder: Path, pinned: dict[str, str]) -> None:
    """What `assay fetch embedded` keeps, in the installation's own cache, where `assay.assets` looks."""
    if pinned:
        cache = {"ASSAY_CACHE": str(folder / "assay-cache")}
        wheels = {variable: str(bundle / path) for variable, path in pinned.items()}
        run([str(folder / "bin/assay"), "fetch", "embedded"], {**os.environ, **cache, **wheels})


def place(source: Path, dest: Path, facts: dict[str, Any]) -> None:
    """Copy one file, unless it is there already."""
    if dest.is_file() and dest.stat().st_size == facts["bytes"] and sha256_of(dest) == facts["sha256"]:
        return
    dest.parent.mkdir(parents=True, exist_ok=True)
    new = dest.with_name(f".{dest.name}.new")
    shutil.copyfile(str(source), str(new))
    new.replace(dest)


def incoming(folder: Path) -> Path:
    """Where bundles lie that are on their way."""
    return folder.with_name(f"{folder.name}.incoming")


def sent_of(folder: Path) -> dict[str, list[str]]:
    """What was sent, and the folders that were made for it, as it is noted in `folder`."""
    found: dict[str, list[str]] = read_json(folder / SENT) or {"files": [], "folders": []}
    return found


def remove(folder: Path) -> str:
    """Take away an installation, what was sent beside it, and the folders that were made for both and are empty."""
    held = read_json(folder / MARK)
    if folder.is_symlink() or (held is None and folder.exists()):
        raise RefusedError(f"{folder} isn't an installation of assay: it is left alone")
    sent, coming = sent_of(folder), sent_of(incoming(folder))
    if held is None and not coming["files"]:
        return f"{folder} is not there: nothing was changed"
    with alone(folder) if folder.exists() else contextlib.nullcontext():
        for file in sent["files"]:
            if Path(file).is_file():
                Path(file).unlink()
        for path in (folder, incoming(folder)):
            if path.exists():
                remove_path(path)
    made = {*sent["folders"], *coming["folders"], *(held["parents"] if held else [])}
    for path in sorted(map(Path, made), key=lambda each: len(each.parts), reverse=True):
        with contextlib.suppress(OSError):  # others use it by now
            path.rmdir()
    return f"removed {folder}"


def remove_path(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(str(path))
    else:
        path.unlink()


def run(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise RefusedError(f"{' '.join(command[:5])} … failed:\n{(done.stderr or done.stdout)[-MOST_WORDS:].strip()}")


def unpacked(archive: Path, into: Path) -> Path:
    """The bundle's folder. Its names are known to be plain ones: each is compared before it is written."""
    with tarfile.open(str(archive), "r:") as tar:
        tar.extraction_filter = getattr(tarfile, "data_filter", lambda entry, path: entry)  # from 3.11.4 on
        for entry in tar:
            parts = Path(entry.name).parts
            if not entry.isreg() or ".." in parts or Path(entry.name).is_absolute():
                raise RefusedError(f"{archive}: {entry.name} has no place in a bundle")
            tar.extract(entry, str(into))
    (folder,) = into.iterdir()
    return folder


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="install", description="Install assay from a bundle, or take it away again.")
    mine = HERE.parent if (HERE.parent / MARK).is_file() else Path.home() / ".local/share/assay"
    parser.add_argument("--folder", type=Path, default=mine, help="default: %(default)s")
    parser.add_argument("--archive", type=Path, help="the bundle as one file; default: what this program lies in")
    parser.add_argument("--as-root", action="store_true", help="root may do this")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="compare the bundle's files with its manifest")
    what.add_argument("--remove", action="store_true", help="take away what was installed")
    return parser.parse_args()


def carry_out(chosen: argparse.Namespace) -> str:
    folder = Path.home() / chosen.folder.expanduser()
    if os.geteuid() == 0 and not chosen.as_root and not chosen.check:
        raise RefusedError("this is root: run it as the user that benchmarks, or give --as-root")
    if chosen.remove:
        return remove(folder)
    if chosen.archive is not None:
        archive = Path.home() / chosen.archive
        with tempfile.TemporaryDirectory(dir=str(archive.parent)) as scratch:
            said = install(unpacked(archive, Path(scratch)), folder)
        if archive.parent == incoming(folder):
            remove_path(incoming(folder))
        return said
    if chosen.check:
        return f"{HERE}: {len(checked(HERE)[0]['files'])} files, all as the manifest has them"
    return install(HERE, folder)


def main() -> None:
    try:
        print(carry_out(arguments()))
    except (RefusedError, OSError) as error:
        sys.exit(f"install: {error}")


if __name__ == "__main__":
    main()
