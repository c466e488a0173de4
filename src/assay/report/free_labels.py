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


@dataclass(frozen=True)
class _Point:
    """A labelled point, with the ends of its interval."""

    text: str
    x: float
    y: float
    low: float
    high: float

    def at(self, side: Side) -> float:
        return {"above": self.high, "below": self.low}.get(side, self.y)


def free_labels(panel: Panel) -> list[Label]:
    """Those of all series of points whose labels are free; the vertical axis must begin at 0."""
    points = [point for series in panel.series if series.label_side is None for point in _points(panel, series)]
    marks, lines = [_mark(panel, point) for point in _every(panel)], list(_lines(panel))
    sides: list[Side] = [_SIDES[0]] * len(points)
    for _ in range(_ROUNDS):
        before = list(sides)
        for place, point in enumerate(points):
            others = [_box(panel, one, side) for one, side in zip(points, sides, strict=True) if one is not point]
            sides[place] = _freest(panel, point, [*marks, *others], lines)
        if sides == before:
            break
    return [Label(one.text, one.x, one.at(side), side) for one, side in zip(points, sides, strict=True)]


def _freest(panel: Panel, point: _Point, taken: Sequence[_Box], lines: Sequence[Sequence[_Box]]) -> Side:
    """Where the label hides least: words and points, and what leaves the picture, before lines."""

    def hidden(side: Side) -> tuple[int, int]:
        box = _box(panel, point, side)
        outside = box.left < 0 or box.right > 1 or box.low < 0 or box.high > 1
        return sum(map(box.meets, taken)) + outside, sum(any(map(box.meets, line)) for line in lines)

    return min(_SIDES, key=hidden)


def _every(panel: Panel) -> Iterator[_Point]:
    for series in panel.series:
        if series.kind == "points":
            yield from _points(panel, series)


def _points(panel: Panel, series: Series) -> Iterator[_Point]:
    opened = dict(series.open_sides)
    for place, (x, y, text) in enumerate(zip(series.x, series.y, series.labels or [""] * len(series.x), strict=True)):
        if y is None or isinstance(x, str):
            continue
        below, above = series.reaches[place] or (0.0, 0.0)
        if place in opened:
            below, above = (below, panel.arrow) if opened[place] else (panel.arrow, above)
        yield _Point(text, x, y, max(0.0, y - below), y + above)


def _mark(panel: Panel, point: _Point) -> _Box:
    u, v = _share(panel, point.x, point.y)
    return _Box(u - _MARK_ACROSS, u + _MARK_ACROSS, v - _MARK_UP, v + _MARK_UP)


def _lines(panel: Panel) -> Iterator[list[_Box]]:
    """Every interval, and every line step by step."""
    for point in _every(panel):
        u, _ = _share(panel, point.x, point.y)
        yield [_Box(u, u, point.low / panel.top, point.high / panel.top)]
    for series in panel.series:
        if series.kind == "line":
            values = zip(series.x, series.y, strict=True)
            known = [_share(panel, x, y) for x, y in values if y is not None and not isinstance(x, str)]
            yield [step for ends in pairwise(known) for step in _steps(*ends)]


def _steps(begin: tuple[float, float], end: tuple[float, float]) -> Iterator[_Box]:
    for step in range(_STEPS):
        share = (step + 0.5) / _STEPS
        u, v = (one + share * (other - one) for one, other in zip(begin, end, strict=True))
        yield _Box(u, u, v, v)


def _share(panel: Panel, x: float, y: float) -> tuple[float, float]:
    assert panel.x_range is not None
    low, high = panel.x_range
    return (panel.measure(x) - low) / (high - low), y / panel.top


def _box(panel: Panel, point: _Point, side: Side) -> _Box:
    u, v = _share(panel, point.x, point.at(side))
    width = CHARACTER * len(point.text)
    left = {"right": u + _GAP_ACROSS, "left": u - _GAP_ACROSS - width}.get(side, u - width / 2)
    low = {"above": v + _GAP_UP, "below": v - _GAP_UP - _HIGH}.get(side, v - _HIGH / 2)
    return _Box(left, left + width, low, low + _HIGH)
