"""What a chart shows, without saying how it is drawn: the one description that PNG and HTML are made from."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from assay.report import format as fmt

Kind = Literal["line", "steps", "points", "bars"]
Axis = Literal["x", "y"]
Side = Literal["above", "below", "left", "right"]
Edge = Literal["left", "right", "above"]

# Okabe and Ito's colours, which people with any common colour blindness can tell apart, without black and yellow
# (one of which vanishes on a dark page, the other on a light one).
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
NEUTRAL = "#7F7F7F"
SHORTEST_S = 5
"""Of less time than this nothing is drawn over time: it is mostly start and end."""
_MOST_TOLD = 2
"""Values of one place that a sentence holds."""
_ERROR_BARS = "Error bars are 95 % intervals."
_OPEN_ENDED = "An error bar that ends in an arrow has no bound there: the samples are too few for one."
_CUT = "An error bar that ends in an arrow reaches further than it is drawn: its end is in the table."
_FARTHEST = 4.0
"""Times the highest value, to where an error bar is drawn at most: beyond it, it would lay the values flat."""
MOST_LABELLED = 20
"""More bars than this have no labels: they would touch."""
_ROOM, _ROOM_WITH_NAME = 1.12, 1.25
"""As high as an axis from 0 is, against what it shows; also where a span has its name at the top."""
_ARROW = 0.08
"""Of the height of a panel, as long as the arrow that stands for a side without a bound."""
_LEAST_SHARE = 0.5
"""Of an axis, what the data take at least: a limit that would leave them less is told at the edge."""
_PAD = 0.05
"""Of an axis of numbers, left free at either end."""
CHARACTER = 0.027
"""Of the level axis of a small panel, as wide as one of a number on it."""
# The palette's first colours are nodes; these two are a distribution's middle and its tail.
MEDIAN, TAIL = "#AA4499", "#999933"


@dataclass(frozen=True)
class Series:
    """One set of marks. `low` and `high` are error bars (points, bars) or a band (lines, steps).

    `bounds` says what they are bounds of, in the hover's words.
    `x` are numbers or categories; a line's None in `y` is a gap.
    """

    name: str
    kind: Kind
    x: Sequence[float | str]
    y: Sequence[float | None]
    color: str
    low: Sequence[float | None] | None = None
    high: Sequence[float | None] | None = None
    dashed: bool = False
    labels: Sequence[str] | None = None  # written at the marks
    colors: Sequence[str] | None = None  # of each mark, where they differ
    bounds: str = "95 %"
    names: Sequence[str] | None = None  # of the marks, for who points at them
    label_side: Side | None = "above"  # where labels of points are written; None: at whichever side there is room
    hollow: bool = False  # points that are rings

    @property
    def known(self) -> bool:
        """Whether anything is to be seen."""
        return any(value is not None and math.isfinite(value) for value in self.y)

    @property
    def band(self) -> list[tuple[float | None, float | None]]:
        """Both bounds of a band at each place; a gap where one isn't known."""
        bounds = zip(self.low or (), self.high or (), strict=True)
        return [(None, None) if low is None or high is None else (low, high) for low, high in bounds]

    @property
    def drawn_high(self) -> Sequence[float | None] | None:
        """`high`, without the ends of error bars that are too far for the picture."""
        if self.high is None or self.kind not in ("bars", "points"):
            return self.high
        farthest = _FARTHEST * max((y for y in self.y if y is not None and math.isfinite(y)), default=0.0)
        return [None if high is not None and high > farthest > 0 else high for high in self.high]

    @property
    def cut(self) -> bool:
        """Whether an error bar is."""
        return self.drawn_high != self.high

    @property
    def tops(self) -> list[float]:
        """How high each mark and its error bar stand."""
        return [max(y or 0.0, high or 0.0) for y, high in zip(self.y, self.drawn_high or self.y, strict=True)]

    @property
    def reaches(self) -> list[tuple[float, float] | None]:
        """How far each error bar reaches below and above, 0 at an open side; None where there is none."""
        if self.low is None or self.high is None:
            return [None] * len(self.y)
        return [
            None
            if y is None or (low is None and high is None)
            else (0.0 if low is None else max(0.0, y - low), 0.0 if high is None else max(0.0, high - y))
            for y, low, high in zip(self.y, self.low, self.drawn_high or (), strict=True)
        ]

    @property
    def unbounded(self) -> bool:
        """Whether an interval is open at one side."""
        bounds = zip(self.y, self.low or (), self.high or (), strict=False)
        return any(y is not None and (low is None) != (high is None) for y, low, high in bounds)

    @property
    def open_sides(self) -> list[tuple[int, bool]]:
        """The places of marks whose interval is open at one side, or too far to be drawn, and whether upwards."""
        bounds = enumerate(zip(self.y, self.low or (), self.drawn_high or (), strict=False))
        return [
            (place, high is None)
            for place, (y, low, high) in bounds
            if y is not None and (low is None) != (high is None)
        ]


@dataclass(frozen=True)
class Mark:
    """A line across the panel at `at`, or, with `until`, the span between the two, with its label.

    `meaning` says below the chart what it is. A `limit` that lies far from the data is told at the picture's edge: in
    the picture it would squeeze them into a corner. `row` lifts the names of neighbours above each other.
    """

    axis: Axis
    at: float
    label: str
    until: float | None = None
    meaning: str = ""
    limit: bool = False
    row: int = 0

    @property
    def sentence(self) -> str:
        return f"The {'dotted line' if self.until is None else 'shaded span'} is {self.meaning}."


@dataclass(frozen=True)
class Panel:
    """One pair of axes. `y_zero` makes the vertical axis start at 0; bars always do.

    `over_time`: the horizontal axis is a time of the run, in seconds. `x_ticks`: where something was measured, which
    stands on the horizontal axis instead of round numbers.
    """

    title: str
    x_label: str
    y_label: str
    series: Sequence[Series]
    marks: Sequence[Mark] = ()
    x_log: bool = False
    y_zero: bool = True
    sideways: bool = False  # points only: the categories, which have long names, stand one below the other
    y_share: bool = False  # the vertical axis is 0 to 1 and shown in per cent
    over_time: bool = False
    x_ticks: Sequence[float] = ()

    @property
    def top(self) -> float:
        """The upper end of an axis from 0: room for the highest value, its error bar, its label; 1 where all is 0."""
        values = [self._highest, *(m.at for m in self.marks if m.axis == "y" and self.edge(m) is None)]
        named = any(mark.axis == "x" and mark.until is not None and mark.label for mark in self.marks)
        return max(values) * (_ROOM_WITH_NAME if named else _ROOM) if max(values) > 0 else 1.0

    @property
    def _highest(self) -> float:
        """Of the values and their error bars."""
        values = [v for s in self.series for v in (*s.y, *(s.drawn_high or ())) if v is not None and math.isfinite(v)]
        return max(values, default=0.0)

    @property
    def arrow(self) -> float:
        """The length of an arrow that stands for a side without a bound."""
        return _ARROW * self.top

    @property
    def from_zero(self) -> bool:
        """Whether the vertical axis starts at 0."""
        return self.y_zero or self.open_ended or any(s.kind == "bars" for s in self.series)

    @property
    def open_ended(self) -> bool:
        """Whether an error bar has no bound at a side."""
        return any(s.open_sides for s in self.with_error_bars)

    @property
    def error_bars(self) -> bool:
        """Whether any is drawn."""
        return any(reach is not None for s in self.with_error_bars for reach in s.reaches)

    @property
    def with_error_bars(self) -> list[Series]:
        return [s for s in self.series if s.kind in ("bars", "points")]

    @property
    def _numbers(self) -> list[float]:
        """Where on the horizontal axis something stands, in its own measure; nothing where it has names."""
        return [self.measure(x) for s in self.series for x in s.x if not isinstance(x, str)]

    def measure(self, x: float) -> float:
        """A place on the horizontal axis as its scale measures: on a log axis the logarithm to 10."""
        return math.log10(x) if self.x_log else x

    def edge(self, mark: Mark) -> Edge | None:
        """The edge beyond which a limit lies that is too far from the data to be drawn; None: it is in the picture."""
        if not mark.limit:
            return None
        if mark.axis == "y":
            return "above" if self.from_zero and 0 < self._highest < _LEAST_SHARE * mark.at else None
        numbers = self._numbers
        if not numbers or (self.x_log and mark.at <= 0):
            return None
        low, high, at = min(numbers), max(numbers), self.measure(mark.at)
        if high - low >= _LEAST_SHARE * (max(high, at) - min(low, at)):
            return None
        return "right" if at > high else "left"

    def label(self, mark: Mark) -> str:
        """What is written for a mark; of one beyond the picture also that."""
        edge = self.edge(mark)
        where = {"left": "before", "right": "beyond", "above": "above"}
        return mark.label if edge is None else f"{mark.label}, {where[edge]} this axis"

    @property
    def x_range(self) -> tuple[float, float] | None:
        """The ends of a horizontal axis of numbers, in its own measure: its data, lines, spans in the picture."""
        found = self._numbers
        if not found:
            return None
        upright = [mark for mark in self.marks if mark.axis == "x" and self.edge(mark) is None]
        places = [place for mark in upright for place in (mark.at, mark.until) if place is not None]
        found += [self.measure(place) for place in places if math.isfinite(place)]
        low, high = min(found), max(found)
        pad = _PAD * (high - low) if high > low else 0.5
        return low - pad, high + pad

    def end(self, mark: Mark) -> float:
        """Where an upright line or span ends: at the latest with the axis."""
        if mark.until is None or self.x_range is None:
            return mark.at if mark.until is None else mark.until
        last = self.x_range[1]
        return min(mark.until, 10**last if self.x_log else last)

    def in_right_half(self, mark: Mark) -> bool:
        """Whether an upright line, or a span's beginning, stands there: its name has room at its left."""
        return self.x_range is not None and 2 * self.measure(mark.at) > sum(self.x_range)

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """The measured places that have room for their numbers, and those."""
        if self.x_range is None:
            return []
        low, high = self.x_range
        shown: list[tuple[float, str]] = []
        free = -math.inf
        for x in sorted(set(self.x_ticks)):
            number = f"{x:,.10g}"
            half = CHARACTER * (high - low) * (len(number) + 1) / 2
            if self.measure(x) - half >= free:
                shown.append((x, number))
                free = self.measure(x) + half
        return shown

    @property
    def several(self) -> bool:
        """Whether series are told apart by their names."""
        return sum(bool(s.name) for s in self.series) > 1

    @property
    def categorical(self) -> bool:
        """The horizontal axis has names, not numbers."""
        return any(len(s.x) > 0 and isinstance(s.x[0], str) for s in self.series)

    @property
    def labelled(self) -> bool:
        """Whether bars have room for their labels."""
        return sum(len(s.x) for s in self.series if s.kind == "bars") <= MOST_LABELLED

    @property
    def brief(self) -> bool:
        """Whether its lines would show too short a time; points are samples, one by one."""
        times = [x for s in self.series if s.kind != "points" for x in s.x if not isinstance(x, str)]
        return self.over_time and bool(times) and max(times) - min(times) < SHORTEST_S

    @property
    def instead(self) -> str:
        """The sentence that says all that the picture would: of one place, or one value for all. Else nothing."""
        known = self._known
        places, values = {x for x, _ in known}, {y for _, y in known}
        if self.over_time and len(values) == 1:
            return f"{self.title}: {fmt.number(known[0][1])} {_unit(self.y_label)} all the time."
        if len(places) != 1:
            return ""
        (place,) = places
        if self.y_share or any(s.kind == "steps" for s in self.series):
            return f"{self.title}: {fmt.number(float(place))} {_unit(self.x_label)}, all the same."
        if len(known) > _MOST_TOLD:
            return ""
        at = f", {place} {self.x_label}".rstrip() if isinstance(place, str) else ""
        return f"{self.title}{at}: {', '.join(self._values())}."

    def _values(self) -> Iterator[str]:
        """Each known value with its interval, after the name of its series where there are several.

        A line that joins points which are a series of their own says nothing besides.
        """
        points = [(list(s.x), list(s.y)) for s in self.series if s.kind == "points"]
        for s in self.series:
            if s.kind == "line" and (list(s.x), list(s.y)) in points:
                continue
            none = [None] * len(s.y)
            for y, low, high in zip(s.y, s.low or none, s.high or none, strict=True):
                if y is not None and math.isfinite(y):
                    bounds = "" if low is None and high is None else f" ({fmt.bounds(low, high)})"
                    yield f"{s.name} {fmt.number(y)} {_unit(self.y_label)}{bounds}".strip()

    @property
    def _known(self) -> list[tuple[float | str, float]]:
        """Where something is known, and what."""
        places = [(x, y) for s in self.series for x, y in zip(s.x, s.y, strict=True)]
        return [(x, y) for x, y in places if y is not None and math.isfinite(y)]


def _unit(label: str) -> str:
    """The unit in an axis' label, which stands in brackets where there are other words."""
    found = re.search(r"\(([^()]+)\)$", label)
    return found[1] if found else label


@dataclass(frozen=True)
class Chart:
    """Panels that belong together. `name` is the PNG's file name without its ending.

    `text` says in words what can be seen, for those who can't; `source` names the file and formula.
    """

    name: str
    title: str
    panels: Sequence[Panel]
    text: str
    source: str
    columns: int = 1
    said: Sequence[str] = field(init=False)
    """What stands in the place of panels that are left out."""
    legend: Sequence[str] = field(init=False)
    """What its marks, error bars and arrows are: a picture that is passed on says it too."""

    def __post_init__(self) -> None:
        """Leave out what shows nothing or no more than a sentence says, and say that; say what is drawn besides.

        Series of which nothing is known are no marks, panels without marks no pictures.
        """
        panels = [
            panel if all(s.known for s in panel.series) else replace(panel, series=[s for s in panel.series if s.known])
            for panel in self.panels
        ]
        brief = [panel.title for panel in panels if panel.brief]
        said = [panel.instead for panel in panels if panel.instead and not panel.brief]
        if brief:
            said.append(f"Less than {SHORTEST_S} s are too short to be drawn over time: {', '.join(brief)}.")
        panels = [panel for panel in panels if panel.series and not panel.brief and not panel.instead]
        object.__setattr__(self, "panels", panels)
        object.__setattr__(self, "said", said)
        object.__setattr__(self, "columns", max(1, min(self.columns, len(panels))))
        object.__setattr__(self, "legend", tuple(dict.fromkeys(self._legend())))
        told = [words for words in dict.fromkeys((*self.legend, *said)) if words not in self.text]
        object.__setattr__(self, "text", " ".join(filter(None, (self.text, *told))))

    def _legend(self) -> Iterator[str]:
        for panel in self.panels:
            yield from (mark.sentence for mark in panel.marks if mark.meaning and panel.edge(mark) is None)
        if any(panel.error_bars for panel in self.panels):
            yield _ERROR_BARS
        series = [one for panel in self.panels for one in panel.with_error_bars]
        if any(one.unbounded for one in series):
            yield _OPEN_ENDED
        if any(one.cut for one in series):
            yield _CUT
