"""What a page shows, as plain data: the page's script knows how a part is drawn, and nothing of what it says."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Link:
    """A cell's text that leads somewhere; `href` is relative to the page."""

    text: str
    href: str


@dataclass(frozen=True)
class Bar:
    """A cell's text beside a bar of this share of its column."""

    text: str
    share: float


Cell = str | Link | Bar


@dataclass(frozen=True)
class Row:
    """One row of a table. `key` is the same as long as it is about the same; `mark` is `bad` where it tells of harm."""

    key: str
    cells: Sequence[Cell]
    mark: str = ""


@dataclass(frozen=True)
class Progress:
    """How much of a whole is done."""

    done: int
    of: int
    text: str


@dataclass(frozen=True)
class Line:
    """One line of a chart; `series` and `column` say where its values are, `band` where those of its lower and upper
    edge are."""

    name: str
    series: str
    column: str
    color: str
    dashed: bool = False
    band: tuple[str, str] | None = None


@dataclass(frozen=True)
class Panel:
    """One of the charts that share the axis of time. `limit` is drawn across, in the values' unit."""

    title: str
    unit: str
    lines: Sequence[Line]
    limit: float | None = None
    limit_name: str = ""


@dataclass(frozen=True)
class Span:
    """A time that is marked in all charts, ms since 1970; None: it lasts."""

    name: str
    begin_ms: int
    end_ms: int | None


Part = str | Link | None | Progress | Sequence[Row] | Sequence[str] | Sequence[Panel] | Sequence[Span]


@dataclass(frozen=True)
class Columns:
    """Values by name at the same times: UTC, ms since 1970. It only grows, or begins anew."""

    t_ms: Sequence[float]
    columns: Mapping[str, Sequence[float | None]]

    def after(self, before: Columns) -> Columns | None:
        """What it has more than `before`; None where it is another one."""
        if self.columns.keys() != before.columns.keys():
            return None
        if not before.t_ms:
            return self
        if not self.t_ms or self.t_ms[0] != before.t_ms[0] or self.t_ms[-1] < before.t_ms[-1]:
            return None
        begin = bisect_right(self.t_ms, before.t_ms[-1])
        return Columns(self.t_ms[begin:], {name: values[begin:] for name, values in self.columns.items()})


@dataclass(frozen=True)
class View:
    """All that there is to see. A page has one place for each part, and hides a place whose part is empty."""

    parts: Mapping[str, Part]
    series: Mapping[str, Columns] = field(default_factory=dict)
    age_s: float | None = None
    """Since what is shown was last told of, s; None: nothing tells."""
