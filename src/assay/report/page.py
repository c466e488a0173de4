"""What a report page holds, before it is HTML or Markdown: both are made from this, so they can't disagree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from assay.report.chart import Chart

VerdictKind = Literal["valid", "short", "invalid", "none"]
Severity = Literal["error", "warning", "note"]
Rows = list[Sequence[str]]


@dataclass(frozen=True)
class Table:
    """A table with its caption; the first column heads each row.

    `numeric` names the right-aligned columns; `links` gives the address, relative to the page, that a cell's text
    leads to.
    """

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    numeric: frozenset[int] = frozenset()
    source: str = ""
    links: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Quote:
    """Text that a model or a log wrote, shown as it is under a label that says so."""

    label: str
    text: str


Block = Table | Text | Quote | Chart


@dataclass(frozen=True)
class Section:
    id: str
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Headline:
    """One of the first screen's numbers, with its interval in words and where it comes from."""

    name: str
    value: str
    interval: str
    source: str


@dataclass(frozen=True)
class Problem:
    """Something that is wrong with the result, or that a reader must know."""

    severity: Severity
    title: str
    text: str = ""


@dataclass(frozen=True)
class Page:
    """One page. `banner` is repeated on every printed page; `what` says what was measured in one sentence.

    `pictures` are charts that are written beside the page and not shown on it.
    """

    title: str
    what: str
    verdict: str
    kind: VerdictKind
    verdict_reasons: Sequence[str]
    headlines: Sequence[Headline]
    problems: Sequence[Problem]
    sections: Sequence[Section]
    banner: str = ""
    problems_title: str = "What is wrong with this result"
    pictures: Sequence[Chart] = ()
    charts: Sequence[Chart] = field(init=False)

    def __post_init__(self) -> None:
        found = [block for section in self.sections for block in section.blocks if isinstance(block, Chart)]
        object.__setattr__(self, "charts", tuple(found))
