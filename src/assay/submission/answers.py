"""`system.yaml`: the user's answers to what can't be measured of a system, one `field: text` a line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml

from assay.benchmarks.mlperf.system_fields import PARTS, Field, asked_in, fields_of
from assay.errors import UserError
from assay.safe_yaml import read_yaml

Answers = Mapping[str, str]

_COUNTED = ("number_of_nodes", "accelerators_per_node")
"""What was counted is so; texts may be said in better words than a driver's."""
_CHOICES = {
    "status": ("available", "preview", "rdi"),
    "system_type": ("datacenter", "edge", "datacenter,edge", "edge,datacenter"),
}


def read_answers(path: Path) -> dict[str, str]:
    """The answers of a file, as text. Raises UserError that names every mistake in it."""
    data = read_yaml(path, as_text=True).data
    if data is None or data == "":
        return {}
    if not isinstance(data, dict):
        raise UserError(f"{path}: expected `field: text` lines")
    known = {field.name for part in PARTS for field in fields_of(part)}
    mistakes = []
    for name, value in data.items():
        if name not in known:
            mistakes.append(f"{path}: {name} is no field of a system's description")
        elif not isinstance(value, str) or "\n" in value.strip():
            mistakes.append(f"{path}: {name} must be text on one line, not a list or a section")
        elif name in _COUNTED and not value.isdecimal():
            mistakes.append(f"{path}: {name} must be a whole number; found {value!r}")
        elif name in _CHOICES and value not in _CHOICES[name]:
            mistakes.append(f"{path}: {name} must be one of {'; '.join(_CHOICES[name])}; found {value!r}")
    if mistakes:
        raise UserError("\n".join(mistakes))
    return {name: value.strip() for name, value in data.items()}


def filled(division: str, measured: Answers, answers: Answers, place: str) -> dict[str, str]:
    """Every field that `division` asks for, as answered or else as measured; `place` is the answers' file.

    Raises UserError that lists all that is missing, or says otherwise than was counted.
    """
    for name in _COUNTED:
        if name in measured and answers.get(name, measured[name]) != measured[name]:
            raise UserError(f"{place}: {name} is {answers[name]}, and the runs had {measured[name]}; leave it out")
    found: dict[str, str] = {}
    missing: list[Field] = []
    for field in asked_in(division):
        value = answers.get(field.name) or measured.get(field.name)
        if value:
            found[field.name] = value
        elif field.may_be_empty:
            found[field.name] = ""
        else:
            missing.append(field)
    if missing:
        raise UserError(_missing(missing, place))
    return found


def _missing(fields: Iterable[Field], place: str) -> str:
    lines = [_example(field) for field in fields]
    return (
        f"{len(lines)} things can't be measured and aren't in {place}. Add these lines, with your answers in place of "
        f"the examples:\n\n" + "\n".join(lines)
    )


def _example(field: Field) -> str:
    line = yaml.safe_dump({field.name: field.example}, width=10_000, allow_unicode=True).strip()
    return f"{line}  # {field.what}"
