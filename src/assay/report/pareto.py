"""The picture of throughput against pace: the points of one or several curves, and the front of each (Pareto)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from assay.analysis.curve import Curve, CurvePoint
from assay.analysis.expenses import COST
from assay.analysis.loads import Value
from assay.report import format as fmt
from assay.report.chart import PALETTE, Chart, Panel, Series
from assay.report.client_shaped import DOUBT

PRICES = {"joules_per_output_token": "Energy an output token", COST: "Cost of a million output tokens"}
_SOURCE = "runs/*/requests.parquet"
_PACE = "tokens/s for each user (1000 / TPOT p90 in ms)"


def curve_chart(curves: Mapping[str, Curve]) -> Chart:
    """`pareto`: tokens/s against pace for each curve, by its name; what tokens cost against pace, where that is known.

    For each accelerator where all curves know how many there are.
    """
    each = for_each(curves)
    y_label = "output tokens/s for each accelerator" if each else "output tokens/s"
    drawn = [_Drawn(name, curve, place, alone=len(curves) == 1) for place, (name, curve) in enumerate(curves.items())]
    rates = [own for one in drawn for own in one.rates(each=each)]
    panels = [Panel("Throughput against pace", _PACE, y_label, rates)]
    for name, title in PRICES.items():
        units = list(dict.fromkeys(curve.units[name] for curve in curves.values() if name in curve.units))
        if len(units) > 1:  # such as two currencies
            continue
        if found := [own for one in drawn for own in one.expense(name)]:
            panels.append(Panel(f"{title} against pace", _PACE, units[0], found))
    text = "Each point is one load, with its number in flight beside it; up and to the right is better. "
    text += "" if each else "Rates are those of whole systems, for the number of accelerators isn't known. "
    if any(sum(point.front for point in curve.points) > 1 for curve in curves.values()):
        text += "The line joins the points that no other beats in both. "
    text += "Level lines are the 95 % intervals of the pace"
    paces = [point.per_user for curve in curves.values() for point in curve.points]
    text += ", whose other side isn't known where one ends at its point." if any(map(_half_bounded, paces)) else "."
    if any(point.client_bound for curve in curves.values() for point in curve.points):
        text += f" Points that {DOUBT} (client-bound) are rings."
    return Chart(
        name="pareto", title="Throughput against pace", panels=panels, columns=2 if len(panels) > 1 else 1, text=text,
        source=f"{_SOURCE}: output_tokens, done_ns, first_ns, last_ns",
    )  # fmt: skip


def for_each(curves: Mapping[str, Curve]) -> bool:
    """Whether rates can be those of each accelerator: how many there are is known of every system."""
    return all(curve.accelerators is not None for curve in curves.values())


class _Drawn:
    """One curve, in one colour."""

    def __init__(self, name: str, curve: Curve, place: int, *, alone: bool) -> None:
        self._points = curve.points
        self._name = name
        self._front = "the front" if alone else name
        self._color = PALETTE[place % len(PALETTE)]

    def rates(self, *, each: bool) -> list[Series]:
        """The front as a line, then the points."""
        values = [(point, point.per_accelerator if each else point.output_tokens_per_s) for point in self._points]
        known = [(point, value) for point, value in values if value is not None]
        front = sorted((point.per_user.value, value.value) for point, value in known if point.front)
        if len(front) < 2:
            return list(self._marks(known, self._name))
        line = Series(self._front, "line", [x for x, _ in front], [y for _, y in front], self._color)
        return [line, *self._marks(known, "")]

    def expense(self, name: str) -> list[Series]:
        """The points; nothing where none is known."""
        known = [(point, point.expenses[name]) for point in self._points if name in point.expenses]
        return list(self._marks(known, self._name))

    def _marks(self, known: Sequence[tuple[CurvePoint, Value]], name: str) -> Iterator[Series]:
        """The server's own points, called `name`, and, as rings, those that the load generator could have shaped."""
        yield from (
            self._reach(point, value)
            for point, value in known
            if _bounded(point.per_user) or _half_bounded(point.per_user)
        )
        doubt = f"{self._name}, client-bound" if self._name else "client-bound"
        for doubted, legend in ((False, name), (True, doubt)):
            here = [(point, value) for point, value in known if point.client_bound is doubted]
            if here:
                yield self._series(legend, here, doubted)

    def _series(self, name: str, known: Sequence[tuple[CurvePoint, Value]], hollow: bool) -> Series:
        values = [value for _, value in known]
        return Series(
            name, "points", [point.per_user.value for point, _ in known], [value.value for value in values],
            self._color, [value.low for value in values], [value.high for value in values],
            labels=[_label(point) for point, _ in known], label_side=None, hollow=hollow,
        )  # fmt: skip

    def _reach(self, point: CurvePoint, value: Value) -> Series:
        """The interval of a point's pace, which lies sideways; the point is the end of a side that isn't known."""
        pace = point.per_user
        ends = [pace.value if bound is None else bound for bound in (pace.low, pace.high)]
        return Series("", "line", ends, [value.value] * 2, self._color)


def _bounded(value: Value) -> bool:
    return value.low is not None and value.high is not None


def _half_bounded(value: Value) -> bool:
    """Whether the samples bound one side alone."""
    return (value.low is None) != (value.high is None)


def _label(point: CurvePoint) -> str:
    return "Offline" if point.in_flight is None else fmt.number(point.in_flight)
