"""What a submission must say of a system, field by field: `system_fields.yaml` as data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from assay.safe_yaml import read_yaml

Part = Literal["system", "network", "measurements", "source"]
PARTS: tuple[Part, ...] = ("system", "network", "measurements", "source")


@dataclass(frozen=True)
class Field:
    """One thing that is told of a system."""

    name: str
    what: str
    example: str
    may_be_empty: bool = False
    without_accelerators: str | None = None
    """What it is where nodes have none; None: they don't matter to it."""


def fields_of(part: Part) -> tuple[Field, ...]:
    """The fields of one part, in their order."""
    return _table()[part]


def asked_in(division: str) -> tuple[Field, ...]:
    """Every field that a submission in `division` has to fill."""
    return tuple(field for part in PARTS if part != "network" or division == "network" for field in fields_of(part))


@cache
def _table() -> dict[Part, tuple[Field, ...]]:
    data = read_yaml(Path(__file__).with_name("system_fields.yaml")).data
    return {
        part: tuple(
            Field(name, entry["what"], entry["example"], entry.get("empty", False), entry.get("without"))
            for name, entry in data[part].items()
        )
        for part in PARTS
    }
