"""What a report page holds, before it is HTML or Markdown: both are made from this, so they can't disagree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from assay.report.chart import Chart

VerdictKind = Literal["valid", "short", "invalid", "none"]
Severity = Literal["error", "warning", "note"]
Rows = list[Sequence[str]]


@dataclass(frozen=True)
class Table:
    """A table with its caption; the first column heads each row.

    `numeric` names the right-aligned columns; `links` gives the address, relative to the page, that a cell's text
    leads to; a `folded` table, for those who check, shows its caption alone until it is opened.
    """

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    numeric: frozenset[int] = frozenset()
    source: str = ""
    links: Mapping[str, str] = field(default_factory=dict)
    folded: bool = False


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


def _shown(block: Block) -> list[Block]:
    if not isinstance(block, Chart) or block.panels:
        return [block]
    return [Text(" ".join(block.said))] if block.said else []


@dataclass(frozen=True)
class Section:
    id: str
    title: str
    blocks: Sequence[Block]

    def __post_init__(self) -> None:
        """A chart without panels is left out; what it says instead stays."""
        object.__setattr__(self, "blocks", [shown for block in self.blocks for shown in _shown(block)])


@dataclass(frozen=True)
class Headline:
    """One of the first screen's numbers, with its interval in words; file and formula are a click away."""

    name: str
    value: str
    interval: str
    source: str
    unit: str = ""


@dataclass(frozen=True)
class Problem:
    """Something that is wrong with the result, or that a reader must know; `mend` says what to try.

    What a reader must merely know has no title: a page of bold lines has none that stands out.
    """

    severity: Severity
    title: str
    text: str = ""
    mend: str = ""


@dataclass(frozen=True)
class Page:
    """One page. `banner` is repeated on every printed page; `what` says what was measured in one sentence.

    `answer` are the sentences that answer what was asked, the first in large type; `next_step` says what to do next, by
    a command; `lead` is the chart that shows the answer.
    `pictures` are charts that are written beside the page and not shown on it; `subject` names run, model and system on
    every picture.
    """

    title: str
    what: str
    answer: Sequence[str]
    verdict: str
    kind: VerdictKind
    verdict_reasons: Sequence[str]
    headlines: Sequence[Headline]
    problems: Sequence[Problem]
    sections: Sequence[Section]
    next_step: str = ""
    lead: Chart | None = None
    banner: str = ""
    problems_title: str = "What limits belief"
    pictures: Sequence[Chart] = ()
    subject: str = ""
    charts: Sequence[Chart] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pictures", [chart for chart in self.pictures if chart.panels])
        found = [block for section in self.sections for block in section.blocks if isinstance(block, Chart)]
        object.__setattr__(self, "charts", (*([self.lead] if self.lead else []), *found))


def lifted(sections: Sequence[Section], names: Sequence[str]) -> tuple[Chart | None, list[Section]]:
    """The chart that shows the answer, by the first of `names` that is there, and the sections without it.

    Sections that are empty then are left out.
    """
    charts = {block.name: block for section in sections for block in section.blocks if isinstance(block, Chart)}
    lead = next((charts[name] for name in names if name in charts), None)
    kept = [replace(section, blocks=[b for b in section.blocks if b is not lead]) for section in sections]
    return lead, [section for section in kept if section.blocks]
