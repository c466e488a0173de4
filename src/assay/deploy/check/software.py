"""Interpreter, engine and model on a node."""

from __future__ import annotations

import json
from typing import Any

from assay.extras import bundle_bringing
from assay.serving.health import CheckRow, judged
from assay.serving.needs import Needs

# Runs on the node: looks, imports nothing heavy, writes nothing. Files of up to 64 MiB are hashed; of larger ones,
# unless all are asked for, the size must do.
PROGRAM = """
import hashlib, importlib.util, json, os, sys
module, folder, deep = sys.argv[1], sys.argv[2], sys.argv[3] == "deep"
def digest(path):
    sha = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            sha.update(block)
    return sha.hexdigest()
files = {}
if folder:
    for root, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(root, name)
            size = os.path.getsize(path)
            files[os.path.relpath(path, folder)] = [size, digest(path) if deep or size <= 64 << 20 else ""]
print(json.dumps({
    "python": sys.version.split()[0],
    "module": importlib.util.find_spec(module) is not None,
    "folder": os.path.isdir(folder) if folder else None,
    "files": files,
}))
"""


def software_rows(node: str, seen: dict[str, Any], needs: Needs, *, over_ssh: bool) -> list[CheckRow]:
    """Rows from what PROGRAM printed on a node; `over_ssh`: whether `assay node` can put there what is missing."""
    module, folder = needs.package, needs.model_folder
    getting = _installing(module, over_ssh=over_ssh)
    rows = [
        judged(
            node,
            "engine",
            bool(seen["module"]),
            8,
            f"{module} {'is' if seen['module'] else 'is not'} installed for Python {seen['python']}",
            f"{getting}, or name the interpreter that has {module} (engine.python, cluster.python)",
            required=True,
        )
    ]
    if not folder:
        return rows
    files = seen["files"]
    size = sum(entry[0] for entry in files.values())
    found = bool(seen["folder"]) and "config.json" in files
    detail = f"{folder}: {len(files)} files, {size / 1e9:.1f} GB" if seen["folder"] else f"{folder} is not there"
    copying = "run `assay node install --model DIR` here" if over_ssh else "copy the model there"
    mend = f"{copying} (a folder with config.json), or correct engine.model"
    return [*rows, judged(node, "model", found, 8, detail, mend, required=True)]


def _installing(module: str, *, over_ssh: bool) -> str:
    command = bundle_bringing(module)
    if command is None:
        return "install it there"
    return "run `assay node install` here" if over_ssh else f"install a bundle there (`{command}` makes one)"


def alike_row(seen: dict[str, dict[str, Any]], expected: dict[str, str] | None) -> CheckRow | None:
    """Whether all nodes have the same model, and the one whose SHA-256 sums are expected. None without a model."""
    having = {node: entry["files"] for node, entry in sorted(seen.items()) if entry["files"]}
    if not having:
        return None
    first_node, first = next(iter(having.items()))
    wrong = []
    for node, files in having.items():
        wrong += [f"{node} and {first_node} differ in {name}" for name in _differing(files, first)]
        for name, digest in (expected or {}).items():
            if files.get(name, [0, ""])[1] not in (digest, ""):
                wrong.append(f"{node}: {name} has another SHA-256 than expected")
            if name not in files:
                wrong.append(f"{node}: {name} is missing")
    unread = sum(1 for entry in first.values() if not entry[1])
    detail = "; ".join(wrong[:3]) or f"the same on {len(having)} nodes"
    if unread and not wrong:
        detail += f" ({unread} large files by size only)"
    return judged("all", "model alike", not wrong, 5, detail, "copy the model again from one source")


def _differing(files: dict[str, Any], other: dict[str, Any]) -> list[str]:
    return sorted(name for name in files.keys() | other.keys() if files.get(name) != other.get(name))


def parse(output: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(output)
    return answer
