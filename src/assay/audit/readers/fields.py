"""Reading typed values from a claims file, where every scalar is still the text that somebody wrote."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, TypeVar

from assay.audit.evidence import Moment
from assay.audit.spans import Span
from assay.errors import UserError

T = TypeVar("T")

UNITS_NS = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9, "min": 60e9, "h": 3600e9, "d": 86400e9}
_BYTES = {"B": 1.0, "MB": 1e6, "MiB": 2.0**20, "GB": 1e9, "GiB": 2.0**30, "": 1.0}
_THOUSANDS = {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6}
_POWERS = {"W": 1.0, "kW": 1e3, "MW": 1e6}
_ENERGIES = {"J": 1.0, "mJ": 1e-3, "kJ": 1e3, "MJ": 1e6, "Wh": 3.6e3, "kWh": 3.6e6, "MWh": 3.6e9}
_WITH_UNIT = re.compile(r"^([-+]?[\d.,_]+(?:[eE][-+]?\d+)?)\s*([a-zA-Z%]*)$")
_DATE = re.compile(r"^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}|$)")
_CURRENCY = re.compile(r"^(?:[$€£]|USD|EUR|GBP)\s*|\s*(?:[$€£]|USD|EUR|GBP)$")
_RESIDUE = re.compile(r"\$[({]|\{\{|\bnan\b|\btodo\b|\btbd\b|\bn/a\b|\binf\b|\bundefined\b|\bnull\b|^$", re.IGNORECASE)


class Fields:
    """One mapping of the file, with its place for messages.

    A value that is no number because a template left something else there isn't a mistake but not stated; the rule
    template-residue judges the text.
    """

    def __init__(self, data: dict[str, Any], where: str) -> None:
        self.data = data
        self.where = where

    def child(self, data: object, name: str) -> Fields:
        if not isinstance(data, dict):
            raise UserError(f"{self.where}: {name}: expected fields such as 'name:'")
        return Fields(data, f"{self.where}: {name}")

    def section(self, name: str) -> Fields:
        return self.child(self.data.get(name) or {}, name)

    def only(self, known: set[str]) -> None:
        """Raises UserError for a key that isn't known: a misspelt claim would go unchecked."""
        for key in self.data:
            if key not in known:
                raise UserError(f"{self.where}: {key!r} is not known; known are {', '.join(sorted(known))}")

    def items(self, name: str) -> list[Any]:
        value = self.data.get(name) or []
        return value if isinstance(value, list) else [value]

    def names(self, name: str) -> list[str]:
        return [str(item) for item in self.items(name)]

    def text(self, name: str) -> str | None:
        value = self.data.get(name)
        return str(value) if value not in (None, "") else None

    def flag(self, name: str) -> bool | None:
        value = self.text(name)
        if value is None:
            return None
        if value.lower() not in ("true", "false", "yes", "no"):
            raise UserError(f"{self.where}: {name}: give true or false, not {value!r}")
        return value.lower() in ("true", "yes")

    def integer(self, name: str) -> int | None:
        """A count: a whole number, every digit of it."""
        return self._number(name, _whole)

    def span(self, name: str) -> Span | None:
        """A number, in thousands (58.3k) or millions if it says so."""
        return self._number(name, lambda text: _scaled(text, _THOUSANDS))

    def watts(self, name: str) -> Span | None:
        return self._number(name, lambda text: _scaled(text, _POWERS))

    def joules(self, name: str) -> Span | None:
        return self._number(name, lambda text: _scaled(text, _ENERGIES))

    def price(self, name: str) -> Span | None:
        """An amount in whatever currency the file's other prices are in."""
        return self._number(name, lambda text: Span.typed(_CURRENCY.sub("", text.strip())))

    def share(self, name: str) -> Span | None:
        """A ratio: "105.5 %" or 1.055."""
        return self._number(name, read_share)

    def seconds(self, name: str) -> Span | None:
        units = {unit: scale / 1e9 for unit, scale in UNITS_NS.items()} | {"": 1.0}
        return self._number(name, lambda text: _scaled(text, units))

    def moment(self, name: str) -> Moment | None:
        """A date, or a date and a time of day. Raises UserError for anything else."""
        text = self.text(name)
        if text is None or _RESIDUE.search(text):
            return None
        if not _DATE.match(text):
            raise UserError(f"{self.where}: {name}: give a date such as 2026-01-31 or 2026-01-31 14:05, not {text!r}")
        try:
            return Moment(text, datetime.fromisoformat(text))
        except ValueError:
            return Moment(text, None)

    def bytes(self, name: str) -> Span | None:
        return self._number(name, lambda text: _scaled(text, _BYTES))

    def nanoseconds(self, name: str, unit_ns: float | None) -> Span | None:
        units = dict(UNITS_NS) if unit_ns is None else {**UNITS_NS, "": unit_ns}
        return self._number(name, lambda text: _scaled(text, units))

    def _number(self, name: str, parse: Callable[[str], T]) -> T | None:
        text = self.data.get(name)
        if text is None:
            return None
        try:
            return parse(str(text).replace("\u00d7", "x"))
        except ValueError as error:
            if _RESIDUE.search(str(text)):
                return None
            raise UserError(f"{self.where}: {name}: {error}") from None


def read_share(text: str) -> Span:
    """A ratio: "105.5 %", 1.055 or 1.055x. Raises ValueError."""
    return _scaled(text, {"%": 0.01, "x": 1.0, "": 1.0})


def _whole(text: str) -> int:
    number = Span.typed(text).value
    if number != int(number):
        raise ValueError(f"{text!r}: give a whole number")
    return int(number)


def _scaled(text: str, units: dict[str, float]) -> Span:
    match = _WITH_UNIT.match(text.strip())
    if not match:
        raise ValueError(f"{text!r} is not a number with a unit")
    if match[2] not in units:
        raise ValueError(f"{text!r}: give a unit of {', '.join(unit for unit in units if unit)}")
    return Span.typed(match[1], units[match[2]], rounded=match[2] not in ("%", "x"))


def texts(data: object, where: str) -> Iterator[tuple[str, str]]:
    """Every scalar of the file with its place."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield from texts(value, f"{where}: {key}")
    elif isinstance(data, list):
        for number, value in enumerate(data):
            yield from texts(value, f"{where}[{number}]")
    else:
        yield where, str(data)
