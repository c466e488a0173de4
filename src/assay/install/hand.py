"""Looks at a node, and settles what was sent there. Runs there: standard library, Python 3.8 or later.

The one argument is JSON: what to do, and with what; the answer is a line of JSON. Only `ready` and `settle` write.
Files on their way lie beside their place as `.<name>.<sum>.part`. What is sent, and the folders made for it, is noted
in SENT: of bundles beside them, of what goes elsewhere in the installation's folder. Removing takes all of it away.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import sys
from pathlib import Path
from typing import Any

MARK = "assay-install.json"
SENT = "assay-sent.json"


def whole(path: str) -> Path:
    """Relative paths are relative to the home folder."""
    return Path.home() / Path(path).expanduser()


def target() -> str:
    """What wheels must be for, as far as it is known; empty where none are made for it."""
    library, version = platform.libc_ver()
    if sys.implementation.name != "cpython" or library != "glibc":
        return ""
    glibc = version.split(".")[1]
    return f"cp{sys.version_info[0]}{sys.version_info[1]}-manylinux_2_{glibc}_{platform.machine()}"


def status(folder: Path) -> dict[str, Any]:
    there = folder
    while not there.exists():
        there = there.parent
    mark = read(folder / MARK)
    return {
        "python": platform.python_version(),
        "target": target(),
        "uid": os.geteuid(),
        "folder": str(folder),
        "mark": mark,
        "occupied": mark is None and folder.exists() and any(folder.iterdir()),
        "incoming": sum(path.stat().st_size for path in incoming(folder).glob("*")),
        "free_bytes": shutil.disk_usage(str(there)).free,
    }


def incoming(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.incoming")


def read(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


def missing(files: list[dict[str, Any]]) -> dict[str, int]:
    """Of those of `files` (path, bytes, sha256) that aren't there as they shall be: how much has come already."""
    found = {}
    for file in files:
        path = whole(file["path"])
        if not path.is_file() or path.stat().st_size != file["bytes"] or sha256_of(path) != file["sha256"]:
            part = part_of(path, file["sha256"])
            come = part.stat().st_size if part.is_file() else 0
            found[file["path"]] = come if come <= file["bytes"] else 0
    return found


def sha256_of(path: Path) -> str:
    sha = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            sha.update(block)
    return sha.hexdigest()


def part_of(path: Path, sha256: str) -> Path:
    return path.with_name(f".{path.name}.{sha256[:16]}.part")


def ready(folder: Path, path: Path, sha256: str) -> dict[str, Any]:
    """Where a file's part is to be written, and how much of it is there."""
    part = part_of(path, sha256)
    made = [str(parent) for parent in path.parents if not parent.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    note = (path.parent if path.parent == incoming(folder) else folder) / SENT
    sent = read(note) or {"files": [], "folders": []}
    sent["files"] = sorted({*sent["files"], str(path), str(part)})
    sent["folders"] = sorted({*sent["folders"], *made})
    new = note.with_name(f".{SENT}")
    new.write_text(json.dumps(sent))
    new.replace(note)
    part.touch()
    return {"part": str(part), "bytes": part.stat().st_size}


def settle(path: Path, sha256: str) -> dict[str, Any]:
    """Put a file that has come whole into its place; a damaged one is taken away."""
    part = part_of(path, sha256)
    if sha256_of(part) != sha256:
        part.unlink()
        return {"error": f"{path} didn't arrive as it was sent: send it again"}
    part.replace(path)
    return {"path": str(path)}


def answer(asked: dict[str, Any]) -> Any:
    folder = whole(asked["folder"])
    if asked["do"] == "status":
        return status(folder)
    if asked["do"] == "missing":
        return missing(asked["files"])
    path = whole(asked["path"])
    if asked["do"] == "ready":
        return ready(folder, path, asked["sha256"])
    return settle(path, asked["sha256"])


def main() -> None:
    try:
        told = answer(json.loads(sys.argv[1]))
    except OSError as error:
        told = {"error": f"{error.filename}: {error.strerror}"}
    print("assay: " + json.dumps(told))


main()
