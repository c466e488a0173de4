"""The one way in for YAML: plain data, within bounds, and no key twice.

A few hundred bytes of anchors can stand for gigabytes, and a document can hold itself. So size, depth and the number of
values once aliases are followed are bounded before anything is built.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from assay.errors import UserError
from assay.plain_files import plain

MOST_BYTES = 8 << 20
MOST_DEPTH = 64
MOST_VALUES = 200_000

# libyaml's reader is some ten times as fast; where PyYAML was built without it, its own does the same.
_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TextLoader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


@dataclass(frozen=True)
class Document:
    """What a text says, and where: `root` is None where it says nothing."""

    data: Any
    root: yaml.Node | None


def read_yaml(path: Path, *, as_text: bool = False) -> Document:
    """Read a file. With `as_text` every scalar stays the text that it is written as.

    Raises UserError that names file, line and mistake.
    """
    try:
        with plain(path).open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise UserError(f"{path}: larger than {MOST_BYTES >> 20} MB, the most that is read of a YAML file")
        text = content.decode()
    except OSError as error:
        raise UserError(f"{path}: can't be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8: {error.reason} at byte {error.start}") from None
    return parse_yaml(text, str(path), as_text=as_text)


def parse_yaml(text: str, name: str, *, as_text: bool = False) -> Document:
    """Read a text that is called `name` in messages. Raises UserError."""
    loader_type = _TextLoader if as_text else _SafeLoader
    try:
        _check_depth(text, name, loader_type)
        loader = loader_type(text)
        try:
            root = loader.get_single_node()
            if root is None:
                return Document(None, None)
            _check(root, name)
            return Document(loader.construct_document(root), root)
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
        raise UserError(f"{name}{where}: not YAML: {problem}") from None
    except (ValueError, OverflowError) as error:  # a date such as 2026-13-45, which YAML takes for one
        raise UserError(f"{name}: not YAML: {error}") from None


def _check_depth(text: str, name: str, loader_type: Any) -> None:
    """Composing recurses; the stream of events doesn't."""
    depth = 0
    for event in yaml.parse(text, loader_type):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MOST_DEPTH:
                line = event.start_mark.line + 1 if event.start_mark else "?"
                raise UserError(f"{name}:{line}: nested more than {MOST_DEPTH} deep")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _check(root: yaml.Node, name: str) -> None:
    values, depth = _measure(root, name, {}, set())
    if values > MOST_VALUES:
        raise UserError(f"{name}: more than {MOST_VALUES} values once its aliases are followed")
    if depth > MOST_DEPTH:
        raise UserError(f"{name}: nested more than {MOST_DEPTH} deep once its aliases are followed")


def _measure(node: yaml.Node, name: str, known: dict[int, tuple[int, int]], around: set[int]) -> tuple[int, int]:
    """How many values `node` stands for and how deep they are nested; each node is looked at once."""
    if id(node) in around:
        raise UserError(f"{name}:{node.start_mark.line + 1}: holds itself through an alias")
    if id(node) in known:
        return known[id(node)]
    inner: list[yaml.Node] = []
    if isinstance(node, yaml.MappingNode):
        _check_keys(node, name)
        inner = [part for pair in node.value for part in pair]
    elif isinstance(node, yaml.SequenceNode):
        inner = node.value
    around.add(id(node))
    parts = [_measure(part, name, known, around) for part in inner]
    around.discard(id(node))
    known[id(node)] = 1 + sum(values for values, _ in parts), 1 + max((depth for _, depth in parts), default=0)
    return known[id(node)]


def _check_keys(node: yaml.MappingNode, name: str) -> None:
    lines: dict[tuple[str, str], int] = {}
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            continue
        own, line = (key.tag, key.value), key.start_mark.line + 1
        if own in lines:
            raise UserError(f"{name}:{line}: {key.value!r} stands twice, first in line {lines[own]}; keep one of them")
        lines[own] = line
