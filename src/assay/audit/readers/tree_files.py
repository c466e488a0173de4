"""The files of a tree that may hold anything in any place. Nothing here ever fails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from assay.audit.submitters import JsonFile
from assay.errors import UserError
from assay.plain_files import plain
from assay.safe_yaml import read_yaml

_MOST_BYTES = 64 << 20  # of a file that is read whole: a submission's own are a few KiB


def problem_of(path: Path) -> str:
    """Why a file isn't one that says anything; empty where it is."""
    try:
        return "" if plain(path).stat().st_size else "is empty"
    except FileNotFoundError:
        return "isn't there"
    except OSError as error:
        return f"can't be read: {error.strerror or error}"


def bytes_of(path: Path) -> bytes | None:
    """A file's content; None where it can't be read, or is too large to be what it is called."""
    try:
        return plain(path).read_bytes() if path.stat().st_size <= _MOST_BYTES else None
    except OSError:
        return None


def json_of(path: Path, beside: str) -> JsonFile:
    """A file of JSON, called so below `beside`."""
    name = f"{beside}/{path.name}"
    content = bytes_of(path)
    if content is None:
        return JsonFile(name, str(path), problem=problem_of(path) or f"has more than {_MOST_BYTES >> 20} MiB")
    try:
        data = json.loads(content.decode("utf-8-sig"))  # some begin with its mark
    except (ValueError, RecursionError) as error:
        return JsonFile(name, str(path), problem=f"isn't JSON: {error}")
    if not isinstance(data, dict):
        return JsonFile(name, str(path), problem="holds no object")
    return JsonFile(name, str(path), data)


def yaml_of(path: Path, beside: str) -> JsonFile:
    """A file of YAML, likewise."""
    name = f"{beside}/{path.name}"
    problem = problem_of(path)
    if problem:
        return JsonFile(name, str(path), problem=problem)
    try:
        data = read_yaml(path).data
    except UserError as error:
        return JsonFile(name, str(path), problem=str(error).splitlines()[0].replace(f"{path}", path.name))
    if not isinstance(data, dict):
        return JsonFile(name, str(path), problem="holds no fields")
    return JsonFile(name, str(path), data)


def entries(folder: Path) -> Iterator[Path]:
    """What lies in a folder by its name, sorted, hidden things apart; nothing where it can't be read."""
    try:
        yield from sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError:
        return


def folders(folder: Path) -> Iterator[Path]:
    """The folders in a folder."""
    return (path for path in entries(folder) if path.is_dir())
