"""Bundles for tests, with wheels made of what is installed here: no index, no network."""

from __future__ import annotations

import base64
import hashlib
import sysconfig
import zipfile
from dataclasses import replace
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from assay.install import lock
from assay.install.own_wheel import OwnWheel, own_wheel

_OF_AN_INSTALLATION = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")
PLATFORM = sysconfig.get_platform().replace("-", "_").replace(".", "_")


def write_wheel(path: Path, files: dict[str, bytes], info: str) -> None:
    """A wheel of `files`, with a RECORD of them in the folder `info`."""
    lines = []
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            lines.append(f"{name},sha256={digest},{len(data)}")
            archive.writestr(zipfile.ZipInfo(name), data)
        archive.writestr(zipfile.ZipInfo(f"{info}/RECORD"), "\n".join([*lines, f"{info}/RECORD,,\n"]))


def small_wheel(folder: Path, name: str, version: str, module: str = "", programs: str = "", file: str = "") -> Path:
    """A package of one file, which is a module unless it is named."""
    info = f"{name}-{version}.dist-info"
    files = {
        file or f"{name}.py": module.encode(),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    if programs:
        files[f"{info}/entry_points.txt"] = f"[console_scripts]\n{programs}\n".encode()
    path = folder / f"{name}-{version}-py3-none-any.whl"
    write_wheel(path, files, info)
    return path


def repacked(folder: Path, name: str) -> Path:
    """A wheel of what is installed under that name; scripts are left to its entry points."""
    found = distribution(name)
    files, info, pure = {}, "", True
    for path in found.files or ():
        if path.parts[0] == ".." or "__pycache__" in path.parts or path.name in _OF_AN_INSTALLATION:
            continue
        files[str(path)] = path.read_binary()
        info = path.parts[0] if path.parts[0].endswith(".dist-info") else info
        pure = pure and path.suffix != ".so"
    tag = "py3-none-any" if pure else f"{_python()}-{_python()}-{PLATFORM}"
    files[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n".encode()
    path = folder / f"{canonicalize_name(name).replace('-', '_')}-{found.version}-{tag}.whl"
    write_wheel(path, files, info)
    return path


def _python() -> str:
    return f"cp{sysconfig.get_config_var('py_version_nodot')}"


def locked(path: Path) -> str:
    """A wheel's lines in a lock."""
    name, version = path.name.split("-")[:2]
    return (
        f"{name.replace('_', '-')}=={version} \\\n    --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"
    )


def lock_of(folder: Path, texts: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Make these lines the lock, and the pip that is installed here the one that comes along."""
    path = folder / "dev.lock"
    path.write_text("".join(texts))
    pip = repacked(folder, "pip")
    digest = hashlib.sha256(pip.read_bytes()).hexdigest()
    package = lock.Locked(Requirement(f"pip=={distribution('pip').version}"), [digest])
    monkeypatch.setattr("assay.install.bundle.lock_file", lambda: path)
    monkeypatch.setattr("assay.install.bundle.PIP", package)


def small_assay(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels for an `assay` of one module that needs `below`, and `beside` with the extra `more`."""
    folder.mkdir()
    program = "import below\ndef main() -> None:\n    print('small', below.__name__)\n"
    wheel = small_wheel(folder, "assay", "1.0", program, programs="assay = assay:main")
    below, beside = small_wheel(folder, "below", "2.0"), small_wheel(folder, "beside", "3.0")
    lock_of(folder, [locked(below), locked(beside)], monkeypatch)
    own = OwnWheel(
        wheel.name, wheel.read_bytes(), "assay", "1.0", ">=3.11", ("below>=1", "beside; extra == 'more'"), ("more",)
    )
    wheel.unlink()
    monkeypatch.setattr("assay.install.bundle.own_wheel", lambda: own)
    return folder


def assay_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels for Assay itself, whose packages are those that are installed here: `beneath` finds them."""
    folder.mkdir()
    packages = sysconfig.get_path("purelib")
    beneath = small_wheel(folder, "beneath", "1.0", f"{packages}\n", file="beneath.pth")
    lock_of(folder, [locked(beneath)], monkeypatch)
    own = replace(own_wheel(), requirements=("beneath",))
    monkeypatch.setattr("assay.install.bundle.own_wheel", lambda: own)
    return folder
