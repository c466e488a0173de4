"""The chart of a sweep: rates and tails against the load, and from which load on it is saturated."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from assay.analysis.campaign import CampaignAnalysis, Group
from assay.analysis.expenses import COST
from assay.analysis.listing import NAMED, names
from assay.analysis.loads import percentile_over
from assay.analysis.saturation import sweeps
from assay.report import format as fmt
from assay.report.chart import NEUTRAL, PALETTE, TAIL, Chart, Mark, Panel, Series
from assay.report.limits import held_limits
from assay.report.run_view import ms
from assay.report.sweeps import AXES, Points, by_factors, load_words, server_saturation

_SOURCE = "runs/*/requests.parquet, runs/*/result.json"
_EXPENSES = {"joules_per_output_token": "Energy an output token", COST: "Cost of a million output tokens"}
_LIMIT = "the limit of the 99th percentile"


def sweep_chart(analysis: CampaignAnalysis) -> Chart | None:
    """`load_sweep`: throughput and tails against the load, a line for each set of nodes that was asked for several."""
    every = sweeps(analysis.groups)
    panels: list[Panel] = []
    for axis, label in AXES.items():
        own = [points for points in every if points[0][0].axis == axis]
        if own:
            panels += _panels(analysis, own, label)
    if not panels:
        return None
    return Chart(
        name="load_sweep",
        title="Throughput and latency against load",
        panels=panels,
        columns=2,
        text="Each point is one load: the mean over its repeats." + _not_drawn(analysis, every),
        source=_SOURCE,
    )


def _not_drawn(analysis: CampaignAnalysis, every: Sequence[Points]) -> str:
    """Which loads the picture leaves out."""
    drawn = {group.key for points in every for _, group in points}
    others = [analysis.name(group.first.entry) for group in analysis.groups if group.key not in drawn]
    return f" Not drawn, since no other load is in one order with it: {names(others)}." if others else ""


class _Swept:
    """One set of nodes under several loads, as lines of one colour."""

    def __init__(self, points: Points, count: int, place: int) -> None:
        self.points = points
        self.loads = [load.value for load, _ in points]
        self.groups = [group for _, group in points]
        entry = self.groups[0].first.entry
        self.name = f"{entry.scenario}, {names(entry.nodes)}" if count > 1 else ""
        self._color = None if count == 1 else PALETTE[place % len(PALETTE)]

    def rate(self, attribute: str) -> list[Series]:
        """A rate's mean at each load, with its interval."""
        rates = [getattr(group, attribute) for group in self.groups]
        y: list[float | None] = [rate.value if math.isfinite(rate.value) else None for rate in rates]
        return self._line(y, [(rate.low, rate.high) for rate in rates], NEUTRAL)

    def expense(self, name: str) -> list[Series]:
        """What energy or money each load took; nothing where none is known of any."""
        own = [group.expenses.get(name) for group in self.groups]
        if not any(own):
            return []
        bounds = [(None, None) if value is None else (value.low, value.high) for value in own]
        return self._line([None if value is None else value.value for value in own], bounds, NEUTRAL)

    def unit(self, name: str) -> str:
        """Of a figure of the first run that has it."""
        return next(group.first.result.figures[name].unit for group in self.groups if name in group.expenses)

    def tail(self, key: str) -> list[Series]:
        own = [percentile_over([line.result for line in group.lines], key, "p99") for group in self.groups]
        bounds = [(ms(value.low), ms(value.high)) if value else (None, None) for value in own]
        return self._line([value.value / 1e6 if value else None for value in own], bounds, TAIL)

    def _line(self, y: list[float | None], bounds: list[tuple[float | None, float | None]], color: str) -> list[Series]:
        """Measured are the points alone; the line between them leads the eye."""
        color, low, high = self._color or color, [low for low, _ in bounds], [high for _, high in bounds]
        return [Series(self.name, "line", self.loads, y, color), Series("", "points", self.loads, y, color, low, high)]


def _panels(analysis: CampaignAnalysis, every: Sequence[Points], label: str) -> Iterator[Panel]:
    """The panels of the sweeps of one kind of load."""
    lines = [_Swept(points, len(every), place) for place, points in enumerate(every)]
    loads = sorted({value for line in lines for value in line.loads})
    limits = _limits(analysis, [group for line in lines for group in line.groups])
    span = _saturated(lines[0]) if len(lines) == 1 else []
    # Their names have room below rates; latencies begin there.
    firsts = _first_saturated(lines) if len(lines) > 1 else []

    def panel(title: str, unit: str, series: list[Series], marks: Sequence[Mark] = ()) -> Panel:
        return Panel(title, label, unit, series, [*span, *marks], x_log=by_factors(loads), x_ticks=loads)

    for title, unit, attribute in (
        ("Completed samples/s", "samples/s", "samples_per_s"),
        ("Output tokens/s", "tokens/s", "tokens_per_s"),
    ):
        yield panel(title, unit, [series for line in lines for series in line.rate(attribute)], firsts)
    for key, title in (("ttft_ns", "TTFT p99"), ("tpot_ns", "TPOT p99")):
        yield panel(title, "ms", [series for line in lines for series in line.tail(key)], limits.get(key, []))
    for name, title in _EXPENSES.items():
        known = [(line, series) for line in lines if (series := line.expense(name))]
        if known:
            yield panel(title, known[0][0].unit(name), [one for _, series in known for one in series])


def _limits(analysis: CampaignAnalysis, groups: Sequence[Group]) -> Mapping[str, list[Mark]]:
    """The limit that each latency's 99th percentile is held against at all these loads, by latency."""
    held = [held_limits(analysis.benchmark, group.first.record) for group in groups]
    return {
        key: [Mark("y", limit_ns / 1e6, f"limit: {fmt.ms(limit_ns)} ms", meaning=_LIMIT, limit=True)]
        for key, limit_ns in held[0].items()
        if all(other.get(key) == limit_ns for other in held)
    }


def _saturated(line: _Swept) -> list[Mark]:
    """The loads at which a sweep is saturated, as a span; none where it isn't shown to be."""
    found = server_saturation(line.points)
    if found is None or found.state != "saturated":
        return []
    meaning = f"where it is saturated, from {load_words(found.at)} on"
    return [Mark("x", found.at.value, "saturated", math.inf, meaning)]


def _first_saturated(lines: Sequence[_Swept]) -> list[Mark]:
    """Of several sweeps the first saturated load of each, as a line; of many none, for their names would touch."""
    shown = [(line, server_saturation(line.points)) for line in lines]
    found = [(line, own.at) for line, own in shown if own is not None and own.state == "saturated"]
    meaning = "where the sweep that it names is first saturated"
    return [
        Mark("x", at.value, f"saturated: {line.name}", meaning=meaning, row=row) for row, (line, at) in enumerate(found)
    ] * (len(found) <= NAMED)
