"""A container image of this machine's own files: the running interpreter, assay's simulator, the tiny server."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from tests.rig.hosts import REPOSITORY

NAME = "assay-rig:1"
PYTHON = Path(sys.executable).resolve()
TINY = "/opt/tiny_server.py"
TOOLS = ("sh", "cat", "sleep", "tar", "dirname")
# Imported by the simulator under its own name, and listed by file.
LIST_MODULES = """
import sys
import assay.simulator.main, assay.simulator.server, uvloop
for module in list(sys.modules.values()):
    if getattr(module, "__file__", None):
        print(module.__file__)
"""


def build(target: Path) -> Path:
    """A root file system as a tar archive, made once."""
    if target.exists():
        return target
    root = target.with_suffix(".d")
    for folder in ("tmp", "proc", "sys", "dev", "run", "etc", "root", "opt"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "tmp").chmod(0o1777)
    for name in ("bin", "sbin", "lib", "lib64"):
        if Path(f"/{name}").is_symlink():
            (root / name).symlink_to(Path(f"/{name}").readlink())
    standard = Path(sys.base_prefix) / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    ignored = shutil.ignore_patterns(
        "test", "tests", "idlelib", "config-*", "site-packages", "__pycache__", "ensurepip"
    )
    shutil.copytree(standard, root / str(standard)[1:], ignore=ignored, symlinks=True)
    programs = [PYTHON, *(Path(found) for tool in TOOLS if (found := shutil.which(tool)))]
    copied = [_copy(path, root) for path in programs]
    for link in (PYTHON.with_name("python3"), Path("/usr/bin/python3")):
        if link != PYTHON:
            (root / str(link)[1:]).symlink_to(PYTHON)
    copied += _modules(root)
    shutil.copy(REPOSITORY / "tests/rig/tiny_server.py", root / TINY[1:])
    for library in _libraries([*copied, *standard.rglob("*.so")]):
        _copy(library, root)
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    with tarfile.open(target, "w") as archive:
        archive.add(root, arcname=".")
    shutil.rmtree(root)
    return target


def _modules(root: Path) -> list[Path]:
    """What the simulator imports from outside the standard library, below /opt/site."""
    command = [sys.executable, "-c", LIST_MODULES]
    listed = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=REPOSITORY, timeout=60
    ).stdout.splitlines()
    packages = set()
    for line in listed:
        path = Path(line)
        base = next((p for p in path.parents if p.name == "site-packages" or p == REPOSITORY / "src"), None)
        if base is not None:
            packages.add(base / path.relative_to(base).parts[0])
            packages |= set(base.glob(f"{path.relative_to(base).parts[0].partition('.')[0]}.libs"))
    copied = []
    for package in packages:
        target = root / "opt/site" / package.name
        if package.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "tests", "bundled")
            shutil.copytree(package, target, dirs_exist_ok=True, ignore=ignored)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(package, target)
        copied += list(package.rglob("*.so*") if package.is_dir() else [package])
    return copied


def _copy(path: Path, root: Path) -> Path:
    """Copy a file to its own path below `root`, through links in its folders; a link becomes what it points to."""
    folder = path.parent.resolve()
    target = root / str(folder)[1:] / path.name
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(path.resolve(), target)
    return path


def _libraries(files: list[Path]) -> set[Path]:
    done = subprocess.run(["ldd", *map(str, files)], capture_output=True, text=True)
    words = done.stdout.replace("=>", " ").split()
    return {Path(word) for word in words if word.startswith("/") and not word.endswith(":") and Path(word).is_file()}
