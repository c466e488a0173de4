"""From a validation error to a message that names file, line, field, fault and mend."""

from __future__ import annotations

import datetime
import difflib
import math
import re
from collections.abc import Iterator, Sequence
from typing import Any, Self, get_args

import yaml
from pydantic import BaseModel, ValidationError

Path = tuple[str | int, ...]
_SHOWN = 100
"""How many characters of a value a message shows."""
_MOST_PLACES = 2
"""A key of more places, such as `name`, says nothing about where it was meant."""
_SECTION, _LIST = "must be a section with keys of its own", "must be a list, such as [a, b]"
_SHAPES = {"model_type": _SECTION, "dict_type": _SECTION, "list_type": _LIST, "tuple_type": _LIST}
"""What must stand there, by Pydantic's kind of a mistake: users don't know its types."""
_TEXTS = ("string_type", "path_type")
_KEY = "[key]"
"""Where Pydantic puts a mistake in a key itself."""


class SourceMap:
    """Where each key of a YAML document stands, and how each value is written."""

    def __init__(self, name: str, lines: dict[Path, int], written: dict[Path, str]) -> None:
        self._name = name
        self._lines = lines
        self._written = written
        self._overrides: dict[Path, str] = {}

    @classmethod
    def none(cls, name: str) -> Self:
        return cls(name, {}, {})

    @classmethod
    def of(cls, root: yaml.Node | None, name: str) -> Self:
        lines: dict[Path, int] = {}
        written: dict[Path, str] = {}
        if root is not None:
            _walk(root, (), lines, written)
        return cls(name, lines, written)

    def override(self, path: Path, words: str, root: yaml.Node | None) -> None:
        """`root` stands in place of what the document says of `path`; `words` say where."""
        self._overrides[path] = words
        for known in (self._lines, self._written):
            for place in [place for place in known if place[: len(path)] == path]:
                del known[place]
        if root is not None:
            _walk(root, path, {}, self._written)

    def where(self, path: Path) -> str:
        """`file:line` of the key, or of the closest key around it."""
        for length in range(len(path), 0, -1):
            if words := self._overrides.get(path[:length]):
                return words
            if line := self._lines.get(path[:length]):
                return f"{self._name}:{line}"
        return self._name

    def written(self, path: Path) -> str:
        """A value before YAML made a number or something else of it; empty where that isn't known."""
        return self._written.get(path, "")

    def overridden(self, path: Path) -> bool:
        """Whether this very value stands in place of the document's."""
        return path in self._overrides

    def known(self, path: Path) -> bool:
        return any(path == key[: len(path)] for key in [*self._lines, *self._overrides])


def _walk(node: yaml.Node, path: Path, lines: dict[Path, int], written: dict[Path, str]) -> None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*path, key.value)
            lines[here] = key.start_mark.line + 1
            _walk(value, here, lines, written)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            here = (*path, index)
            lines[here] = value.start_mark.line + 1
            _walk(value, here, lines, written)
    else:
        written[path] = str(node.value)


def mistake(source: SourceMap, path: Path, words: str) -> str:
    """One line: where, which field, what is wrong."""
    field = _dotted(path)
    return f"{source.where(path)}: {f'{field}: ' if field else ''}{words}"


def unstorable(data: Any, source: SourceMap) -> list[str]:
    """What no section may hold, one line each: what JSON, a command line or a path can't carry."""

    def told(value: Any, path: Path) -> Iterator[str]:
        if isinstance(value, dict):
            for key, inner in value.items():
                yield from told(key, path)
                yield from told(inner, (*path, key if isinstance(key, int) else str(key)))
        elif isinstance(value, list):
            for place, inner in enumerate(value):
                yield from told(inner, (*path, place))
        elif problem := _unstorable(value):
            yield mistake(source, path, problem)

    return list(told(data, ()))


def _unstorable(value: Any) -> str:
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return "a whole number beyond 64 bits"
    if isinstance(value, float) and not math.isfinite(value):
        return f"must be a finite number (found {value})"
    if isinstance(value, str) and "\0" in value:
        return "holds a null byte"
    if isinstance(value, str) and any(0xD800 <= ord(character) <= 0xDFFF for character in value):
        return "holds bytes that aren't UTF-8"
    return ""


def explain(error: ValidationError, source: SourceMap, model: type[BaseModel]) -> str:
    """One line a mistake. Pydantic's union tags (engine.vllm.model) are left out of the field's name."""
    messages = []
    items = error.errors()
    for item in items:
        if item["type"] == "too_short" and _is_around(item["loc"], items):
            continue  # what was refused inside it isn't counted
        path = _without_tags(item["loc"], source)
        if item["type"] == "union_tag_invalid":
            path = (*path, item["ctx"]["discriminator"].strip("'"))
        words = _no_text(item, path, source) if item["type"] in _TEXTS else _words(item, path, model)
        message = mistake(source, path[:-1] if path[-1:] == (_KEY,) else path, words)
        if message not in messages:
            messages.append(message)
    return "\n".join(messages)


def _is_around(location: Path, items: Sequence[Any]) -> bool:
    """Whether some mistake lies within the section at `location`."""
    return any(len(item["loc"]) > len(location) and item["loc"][: len(location)] == location for item in items)


def _dotted(path: Path) -> str:
    """The field's name on one line; a key of the user's own may be any text."""
    name = ".".join(str(part) for part in path)
    return name if name.isprintable() else name.encode("unicode_escape").decode()


def _without_tags(location: Path, source: SourceMap) -> Path:
    path: Path = ()
    for position, part in enumerate(location):
        last = position == len(location) - 1
        if last or source.known((*path, part)) or not isinstance(part, str) or not _is_tag(location, position):
            path = (*path, part)
    return path


def _is_tag(location: Path, position: int) -> bool:
    return position > 0 and location[position - 1] in ("engine", "cluster")


def _words(item: Any, path: Path, model: type[BaseModel]) -> str:
    kind, given = item["type"], item.get("input")
    if kind == "extra_forbidden":
        names = _siblings(item["loc"], model)
        close = difflib.get_close_matches(str(path[-1]), names, n=1)
        if close:
            return f"unknown key; did you mean {close[0]!r}?"
        if 0 < len(places := _places(path, model)) <= _MOST_PLACES:
            return f"unknown key here; it is {' or '.join(places)}"
        return "unknown key" + (f"; known ones are {', '.join(names)}" if names else "")
    message: str = item["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    if kind == "missing":
        return "is missing"
    if kind in _SHAPES:
        message = _SHAPES[kind]
    if kind == "union_tag_invalid":
        return _unknown_tag(str(item["ctx"]["tag"]), re.findall(r"'([^']*)'", item["ctx"]["expected_tags"]))
    if kind in ("value_error", "union_tag_not_found"):
        return message
    # What is wrong inside a section is told for itself; the whole of it could hold what no message should show.
    return f"{message} (found {_shown(given)})" if not isinstance(given, dict | list | tuple) else message


def _no_text(item: Any, path: Path, source: SourceMap) -> str:
    """YAML has rules of its own for what isn't text: `3.10`, `010`, `on`, `12:30` and `2026-01-01` aren't."""
    given, written = item["input"], source.written(path)
    must = f"{'the key ' if path[-1:] == (_KEY,) else ''}must be text"
    if isinstance(given, dict | list | tuple):
        return must
    if given is None and not written:
        return f"{must}; nothing stands there"
    if not written or len(written) > _SHOWN:
        return f"{must}, and YAML reads it as {_read(given)}: write it in quotes"
    quoted = repr(written)
    if source.overridden(path):  # the shell takes quotes of its own away
        quoted = f'--set "{_dotted(path)}={quoted}"'
    return f"{must}, and YAML reads {written} as {_read(given)}: write {quoted}"


def _read(given: Any) -> str:
    """What YAML has made of a text."""
    if isinstance(given, bool):
        return str(given).lower()
    if isinstance(given, int | float):
        return f"the number {given}"
    if isinstance(given, datetime.date):
        return "a date"
    return "nothing" if given is None else "something else"


def _unknown_tag(given: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(given, known, n=1)
    meant = f"; did you mean {close[0]!r}?" if close else ""
    return f"{_shown(given)} is none of {', '.join(known)}{meant}"


def _shown(given: Any) -> str:
    """What was found, cut; of a URL not what stands before its @."""
    text = repr(given)
    if "//" in text and "@" in text:
        text = f"'{text.partition('//')[0].lstrip(chr(39))}//(hidden)@{text.rpartition('@')[2]}"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _siblings(location: Path, model: type[BaseModel]) -> list[str]:
    """The keys that the section around `location` knows."""
    types: list[Any] = [model]
    for part in location[:-1]:
        if isinstance(part, int):
            continue
        found = [t.model_fields[part].annotation for t in types if part in t.model_fields]
        types = [m for annotation in found for m in _models(annotation)] or [
            t for t in types if _tag_of(t) in (None, part)
        ]
    return sorted({name for t in types for name in t.model_fields})


def _places(path: Path, model: type[BaseModel]) -> list[str]:
    """Where else the key at the end of `path` is one: at the top level, or in another section."""
    *around, key = path
    found = [f"{key!r} at the top level, in no section"] if key in model.model_fields else []
    for section, field in model.model_fields.items():
        if [section] != around and any(key in inner.model_fields for inner in _models(field.annotation)):
            found.append(f"'{section}.{key}'")
    return found


def _tag_of(model: type[BaseModel]) -> str | None:
    for name in ("kind", "launcher"):
        if field := model.model_fields.get(name):
            return str(get_args(field.annotation)[0]) if get_args(field.annotation) else None
    return None


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models(inner)]
