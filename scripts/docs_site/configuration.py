"""The reference of the configuration, from the JSON schema that editors use."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from assay.commands.schema import config_schema

INTRODUCTION = """\
# Configuration

Every key of `assay.yaml`, in the order of its sections. `--set a.b=c` overrides one on the command line. The same is in
[assay.schema.json](../assay.schema.json), which `assay schema` prints and `assay init` writes for editors.
"""
UNITS = {
    "_s": "s", "_ms": "ms", "_gb": "GiB", "_mb": "MB", "tokens": "tokens", "per_hour": "`currency` an hour",
    "target_qps": "queries a second", "rates": "queries a second", "max_model_len": "tokens",
}  # fmt: skip
"""How a key ends: its unit."""
_TAGS = ("kind", "launcher")
_BAR = r"\|"
"""Within a cell of a table."""


@dataclass
class Section:
    title: str
    definition: Mapping[str, Any]


class _Reference:
    """Sections in the order in which a reader comes to them, each once: where its key is seen first."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._definitions = schema["$defs"]
        self._sections: dict[str, Section] = {"": Section("Top level", schema)}
        self._name("", schema)

    def _name(self, path: str, definition: Mapping[str, Any], tag: str = "") -> None:
        for key, value in definition["properties"].items():
            for name in _references(value):
                if name in self._sections:
                    continue
                inner = _with_keys(self._definitions[name])
                place = f"{path}.{key}".lstrip(".")
                own = _tag(inner) or tag
                self._sections[name] = Section(f"{place}, {own}" if own else place, inner)
                self._name(place, inner, own)

    def pages(self) -> Iterator[str]:
        for section in self._sections.values():
            yield f"## {section.title}\n"
            if words := section.definition.get("description", ""):
                yield f"{_prose(words)}\n"
            keys, required = section.definition["properties"], section.definition.get("required", ())
            yield "\n".join(
                [
                    "| key | takes | default | meaning |",
                    "|---|---|---|---|",
                    *(self._row(key, value, key in required) for key, value in keys.items()),
                    "",
                ]
            )

    def _row(self, key: str, value: Mapping[str, Any], required: bool) -> str:
        takes = self._takes(value)
        if unit := next((unit for end, unit in UNITS.items() if key.endswith(end)), ""):
            takes += f"; {unit}"
        default = "**required**" if required else _default(value)
        cells = (f"`{key}`", takes, default, _prose(value.get("description") or self._words(value)))
        return f"| {' | '.join(cell.replace('|', _BAR) for cell in cells)} |"

    def _words(self, value: Mapping[str, Any]) -> str:
        """What a section says of itself, for a key that is one."""
        sections = [self._sections[name].definition for name in _references(value)]
        return str(sections[0].get("description", "")) if len(sections) == 1 else ""

    def _takes(self, value: Mapping[str, Any]) -> str:
        """What may stand there, in words."""
        if "$ref" in value:
            title = self._sections[_last(value["$ref"])].title
            return f"[{title}](#{anchor(title)})"
        if choices := value.get("anyOf") or value.get("oneOf"):
            words = [self._takes(each) for each in choices if each.get("type") != "null"]
            return " or ".join(dict.fromkeys(words))
        if "const" in value:
            return f"`{value['const']}`"
        if "enum" in value:
            return ", ".join(f"`{json.dumps(each).strip(chr(34))}`" for each in value["enum"])
        kind = value.get("type", "anything")
        if kind == "array":
            return f"list of: {self._takes(value['items'])}"
        if kind == "object":
            of = value.get("additionalProperties")
            keys = (
                self._takes(value["propertyNames"]) if "enum" in value.get("propertyNames", {}) else "keys of your own"
            )
            return f"{keys}, each with: {self._takes(of) if isinstance(of, dict) else 'anything'}"
        words = {"integer": "whole number", "number": "number", "string": "text", "boolean": "`true`, `false`"}
        return f"{words.get(kind, kind)}{_bounds(value)}"


def configuration_page() -> str:
    return "\n".join([INTRODUCTION, *_Reference(config_schema()).pages()])


def anchor(title: str) -> str:
    """As Python-Markdown makes it of a heading."""
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", title).strip().lower())


def _with_keys(definition: Mapping[str, Any]) -> Mapping[str, Any]:
    """The section itself, of one that also has a short form."""
    return next((each for each in definition.get("anyOf", ()) if "properties" in each), definition)


def _tag(definition: Mapping[str, Any]) -> str:
    """`kind: vllm`: by what a section says of which kind it is."""
    chosen = {tag: definition["properties"].get(tag, {}).get("const") for tag in _TAGS}
    return next((f"{tag}: {value}" for tag, value in chosen.items() if value), "")


def _references(value: Any) -> Iterator[str]:
    """The definitions that a key's value may be of."""
    if isinstance(value, Mapping):
        if "$ref" in value:
            yield _last(value["$ref"])
        for key, inner in value.items():
            if key not in ("default", "discriminator"):
                yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def _last(reference: str) -> str:
    return reference.rpartition("/")[2]


def _bounds(value: Mapping[str, Any]) -> str:
    words = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}
    told = [f"{word} {value[name]:,.12g}" for name, word in words.items() if name in value]
    return f", {', '.join(told)}" if told else ""


def _default(value: Mapping[str, Any]) -> str:
    default = value.get("default")
    if default is None or default == "" or isinstance(default, dict):
        return ""
    return f"`{json.dumps(default, ensure_ascii=False)}`"


def _prose(text: str) -> str:
    return re.sub(r"([<*])", r"\\\1", " ".join(text.split()))
