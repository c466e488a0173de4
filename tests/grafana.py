"""What the dashboard asks a Prometheus for, and whether there is such a thing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from assay.metrics.dashboard import dashboard

_SELECTOR = re.compile(r"\b(assay_\w+)(?:\{([^}]*)\})?")
_GROUPED = re.compile(r"\bby \(([^)]*)\)")
_LABEL_VALUES = re.compile(r"label_values\((.+), (\w+)\)")


@dataclass(frozen=True)
class Query:
    """One query, where it stands, and the labels that its panel shows or its variable takes."""

    place: str
    expression: str
    shown: frozenset[str]

    @property
    def metrics(self) -> dict[str, set[str]]:
        """Metric: labels that it is chosen by."""
        found: dict[str, set[str]] = {}
        for name, matchers in _SELECTOR.findall(self.expression):
            found.setdefault(name, set()).update(re.findall(r"(\w+)=", matchers))
        return found

    @property
    def grouped(self) -> frozenset[str] | None:
        """What its result is grouped by; None: it has all labels of its metric."""
        found = _GROUPED.search(self.expression)
        return None if found is None else frozenset(found[1].split(", "))

    def lacks(self, labels_of: Mapping[str, frozenset[str]]) -> list[str]:
        """What it asks for in vain where these metrics have these labels."""
        found = [f"{self.place}: no {name}" for name in self.metrics if name not in labels_of]
        for name in self.metrics.keys() & labels_of.keys():
            asked = self.metrics[name] | (self.grouped or self.shown)
            found += [f"{self.place}: {name} has no {label}" for label in sorted(asked - labels_of[name])]
        if self.grouped is not None:
            found += [f"{self.place}: {label} is grouped away" for label in sorted(self.shown - self.grouped)]
        return found

    def of(self, **values: str) -> str:
        """The expression with its variables' values, over a minute."""
        text = self.expression.replace("$__rate_interval", "1m")
        for name, value in values.items():
            text = text.replace(f"${name}", value)
        return text


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(dashboard())["panels"]
    return found


def queries() -> list[Query]:
    return [*_variables(), *_targets()]


def _variables() -> Iterator[Query]:
    for variable in json.loads(dashboard())["templating"]["list"]:
        if variable["type"] == "query":
            asked = _LABEL_VALUES.fullmatch(variable["query"]["query"])
            assert asked is not None
            yield Query(f"variable {variable['name']}", asked[1], frozenset({asked[2]}))


def _targets() -> Iterator[Query]:
    for panel in panels():
        shown = {name for step in panel.get("transformations", ()) for name in step["options"]["includeByName"]}
        for target in panel.get("targets", ()):
            legend = re.findall(r"{{(\w+)}}", target["legendFormat"])
            yield Query(f"panel {panel['title']!r}", target["expr"], frozenset({*legend, *shown}))
