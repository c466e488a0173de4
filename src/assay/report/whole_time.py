"""How long the whole data set takes: the sentence of the first screen, and the section that shows the arithmetic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from assay.analysis.listing import names
from assay.analysis.projection import TOO_SHORT as RULE
from assay.analysis.projection import WHOLE, Projection
from assay.analysis.whole_set import Arrival
from assay.analysis.whole_time import TOO_SHORT, WholeTime
from assay.report import format as fmt
from assay.report.many import ends
from assay.report.page import Block, Rows, Table, Text

_PROJECTION = (
    "A projection, not a measurement: the time measured, then the missing samples at the rate of the time when every "
    "place was taken. The whole run's rate counts its end too, when places stay empty, and the end comes once however "
    "long a run is. It holds if the other samples are like the measured ones; the interval allows for the chance of "
    "which were measured."
)
_ARRIVAL = (
    "Requests that arrive at a rate set the time themselves, as long as the server keeps up with them: a load is "
    "carried if as much was done as came, save what is in flight at the end anyway. It holds if the server goes on "
    "as it did in the run, with samples like those that were measured."
)
_LABEL = "a projection, not a measurement"


def whole_time_words(found: WholeTime, where: str = "") -> list[str]:
    """One sentence, or one of a load's own pace and one of full speed; `where`, with a space before it: on what."""
    if found.projection is not None:
        return [_projected(found.projection, where)]
    if found.arrival is not None:
        full = [f"How long they take at full speed isn't known: {found.why}."] if found.why else []
        return [_arrives(found.arrival), *full]
    return [f"How long a whole data set takes isn't known: {found.why}."] if found.why else []


def whole_times_words(found: Mapping[str, Projection | None], at: str = "") -> list[str]:
    """One sentence of several sides, by what each is called; none where one has no projection, or one of another set.
    `at`, with a comma before it: at which load."""
    projections = {name: projection for name, projection in found.items() if projection is not None}
    if len(projections) < len(found) or len({(each.samples, each.of) for each in projections.values()}) != 1:
        return []
    first = next(iter(projections.values()))
    times = ", ".join(f"{_time(p.seconds, p.seconds_low, p.seconds_high)} on {name}" for name, p in projections.items())
    whole = f"All {fmt.count(first.samples, 'sample')} ({first.of})"
    measured = [name for name, projection in projections.items() if projection.measured]
    if len(measured) == len(projections):
        return [f"{whole} took {times}{at}."]
    but = f", but for that of {names(measured)}" if measured else ""
    return [f"{whole} would take {times}{at}: projections, not measurements{but}."]


def _projected(projection: Projection, where: str) -> str:
    whole = f"All {fmt.count(projection.samples, 'sample')} ({projection.of})"
    if projection.measured:
        return f"{whole} took {fmt.duration(projection.seconds)}{where}."
    took = f"{whole} would take {_time(projection.seconds, projection.seconds_low, projection.seconds_high)}{where}"
    rate = f"{fmt.number(projection.rate)} samples/s"  # which isn't the whole run's
    return f"{took}: {_LABEL}, at the {rate} of the time when every place was taken."


def _arrives(arrival: Arrival) -> str:
    time = _time(arrival.seconds, arrival.seconds_low, arrival.seconds_high)
    few = arrival.measured < arrival.samples
    part = f", if all are like the {fmt.number(arrival.measured)} measured" if few else ""
    return (
        f"All {fmt.count(arrival.samples, 'sample')} ({arrival.of}) would take {time} to arrive, and the last answers "
        f"a moment more: {_LABEL}, at {arrival.load}{part}."
    )


def _time(seconds: float, low: float | None, high: float | None) -> str:
    bounds = "" if low is None or high is None else f" (95 %: {fmt.durations(low, high)})"
    return f"{fmt.duration(seconds)}{bounds}"


def whole_time_blocks(projections: Sequence[Projection], found: WholeTime, source: str) -> Iterator[Block]:
    """Every projection with its arithmetic, or why there is none; nothing of what has no result."""
    if projections:
        yield from _table(projections, source)
    elif found.arrival is not None:
        yield Text(" ".join([*whole_time_words(found), _ARRIVAL]))
    elif found.why:
        yield Text(RULE if found.why == TOO_SHORT else " ".join(whole_time_words(found)))


def _table(projections: Sequence[Projection], source: str) -> Iterator[Block]:
    rows: Rows = [
        (
            p.name,
            fmt.duration(p.seconds),
            _span(p.seconds_low, p.seconds_high),
            fmt.with_interval(p.rate, p.rate_low, p.rate_high),
            p.arithmetic,
        )
        for p in projections
    ]
    columns = ("Rate of", "Time", "95 % interval", "Samples/s while every place was taken", "Arithmetic")
    caption = f"{fmt.number(projections[0].samples)} samples ({projections[0].of}), projected from the measured runs"
    table = Table(caption, columns, rows, frozenset({1, 2, 3}), source)
    whole = int(projections[0].name == WHOLE)
    yield from ends(table, {"time (s)": [p.seconds for p in projections[whole:]]}, "report.json", whole)
    yield Text(_PROJECTION)


def _span(low_s: float | None, high_s: float | None) -> str:
    if low_s is None or high_s is None:
        return "unknown: too few different samples"
    return fmt.durations(low_s, high_s)
