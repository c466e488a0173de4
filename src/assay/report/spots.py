"""Where the labels of bars stand, clear of their error bars."""

from __future__ import annotations

from dataclasses import dataclass

from assay.report.chart import Series

_INSIDE = 0.15
"""A bar of more than this share of the highest holds its label at its foot."""


@dataclass(frozen=True)
class Spot:
    """Where a bar's label stands: at what height, `inside` the bar or above it, and whether `beside` the error bar."""

    at: float
    inside: bool
    beside: bool = False


def spots(series: Series) -> list[Spot]:
    """Of each bar: at its foot, or where that is too low, on top; beside an error bar that leaves room at neither."""
    room = _INSIDE * max(series.tops, default=0.0)
    found, none = [], [None] * len(series.y)
    for y, top, low, high in zip(series.y, series.tops, series.low or none, series.high or none, strict=True):
        height = y or 0.0
        bare, inside = low is None and high is None, height > room
        if inside and (bare or (low or 0.0) > room):
            found.append(Spot(0.0, inside=True))
        elif bare or high is not None:
            found.append(Spot(top, inside=False))
        else:
            found.append(Spot(0.0 if inside else height, inside, beside=True))
    return found
