"""Where points' labels stand that may stand at any side: clear of marks, intervals, lines and each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from assay.report.chart import CHARACTER, Panel, Series, Side

_SIDES: tuple[Side, ...] = ("above", "below", "right", "left")
"""The most wanted first."""
_ROUNDS = 4
"""Labels give way to each other in turn; so often at most."""
_HIGH, _GAP_UP = 0.1, 0.03
"""Of the lowest picture's height: a label, and what is between it and its point."""
_GAP_ACROSS = 0.015
_MARK_UP, _MARK_ACROSS = 0.025, 0.008
"""Half of a point, of the height and width."""
_STEPS = 40
"""Places of a line that are looked at."""


@dataclass(frozen=True)
class Label:
    """What is written at a point, on which side; `y` is where: above and below clear of the point's own interval."""

    text: str
    x: float
    y: float
    side: Side


@dataclass(frozen=True)
class _Box:
    """A part of the picture, of whose width and height all are shares."""

    left: float
    right: float
    low: float
    high: float

    def meets(self, other: _Box) -> bool:
        across = self.left < other.right and other.left < self.right
        return across and self.low < other.high and other.low < self.high


class _Frame:
    """A picture's axes, asked for once: they are found from all that is drawn."""

    def __init__(self, panel: Panel, ends: tuple[float, float]) -> None:
        self.panel, self._low, self._width, self._top = panel, ends[0], ends[1] - ends[0], panel.top
        self.arrow = panel.arrow

    def across(self, x: float) -> float:
        return (self.panel.measure(x) - self._low) / self._width

    def up(self, y: float) -> float:
        return y / self._top


class _Point:
    """A point with the ends of its interval, and where its label would be at each side."""

    def __init__(self, text: str, x: float, reach: tuple[float, float, float], frame: _Frame) -> None:
        low, y, high = reach
        self.text, self.x = text, x
        self._ends: dict[Side, float] = {"above": high, "below": low, "right": y, "left": y}
        u, v, width = frame.across(x), frame.up(y), CHARACTER * len(text)
        self.mark = _Box(u - _MARK_ACROSS, u + _MARK_ACROSS, v - _MARK_UP, v + _MARK_UP)
        self.interval = _Box(u, u, frame.up(low), frame.up(high))
        lefts = {"right": u + _GAP_ACROSS, "left": u - _GAP_ACROSS - width}
        lows = {"above": frame.up(high) + _GAP_UP, "below": frame.up(low) - _GAP_UP - _HIGH}
        self.boxes: dict[Side, _Box] = {}
        for side in _SIDES:
            left, foot = lefts.get(side, u - width / 2), lows.get(side, v - _HIGH / 2)
            self.boxes[side] = _Box(left, left + width, foot, foot + _HIGH)

    def label(self, side: Side) -> Label:
        return Label(self.text, self.x, self._ends[side], side)


def free_labels(panel: Panel) -> list[Label]:
    """Those of all series of points whose labels are free; the vertical axis must begin at 0."""
    ends = panel.x_range if any(series.label_side is None for series in panel.series) else None
    if ends is None:
        return []
    frame = _Frame(panel, ends)
    every = [(series, list(_points(series, frame))) for series in panel.series if series.kind == "points"]
    marks = [point.mark for _, points in every for point in points]
    lines = [[point.interval] for _, points in every for point in points]
    lines += [list(_steps(series, frame)) for series in panel.series if series.kind == "line"]
    free = [point for series, points in every if series.label_side is None for point in points]
    sides: list[Side] = [_SIDES[0]] * len(free)
    for _ in range(_ROUNDS):
        before = list(sides)
        for place, point in enumerate(free):
            others = [one.boxes[side] for one, side in zip(free, sides, strict=True) if one is not point]
            sides[place] = _freest(point, [*marks, *others], lines)
        if sides == before:
            break
    return [point.label(side) for point, side in zip(free, sides, strict=True)]


def _freest(point: _Point, taken: Sequence[_Box], lines: Sequence[Sequence[_Box]]) -> Side:
    """Where the label hides least: words and points, and what leaves the picture, before lines."""

    def hidden(side: Side) -> tuple[int, int]:
        box = point.boxes[side]
        outside = box.left < 0 or box.right > 1 or box.low < 0 or box.high > 1
        return sum(map(box.meets, taken)) + outside, sum(any(map(box.meets, line)) for line in lines)

    return min(_SIDES, key=hidden)


def _points(series: Series, frame: _Frame) -> Iterator[_Point]:
    opened = dict(series.open_sides)
    texts = series.labels or [""] * len(series.x)
    for place, (x, y, reach, text) in enumerate(zip(series.x, series.y, series.reaches, texts, strict=True)):
        if y is None or isinstance(x, str):
            continue
        below, above = reach or (0.0, 0.0)
        if place in opened:
            below, above = (below, frame.arrow) if opened[place] else (frame.arrow, above)
        yield _Point(text, x, (max(0.0, y - below), y, y + above), frame)


def _steps(series: Series, frame: _Frame) -> Iterator[_Box]:
    """A line, step by step."""
    values = zip(series.x, series.y, strict=True)
    known = [(frame.across(x), frame.up(y)) for x, y in values if y is not None and not isinstance(x, str)]
    for (u, v), (end_u, end_v) in pairwise(known):
        for step in range(_STEPS):
            share = (step + 0.5) / _STEPS
            at_u, at_v = u + share * (end_u - u), v + share * (end_v - v)
            yield _Box(at_u, at_u, at_v, at_v)
