"""The front of a search through settings on its campaign's page: which are best for which pace of a user."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from assay.analysis.curve import Curve, CurvePoint
from assay.analysis.engine_front import Front, PaceRange, TryPoint, on_front
from assay.analysis.engine_models import Try, Tuned
from assay.analysis.loads import Value
from assay.report import format as fmt
from assay.report.page import Block, Rows, Table, Text
from assay.report.pareto import curve_chart

_SOURCE = "runs/*/result.json, campaign.json"
_PACE = "tokens/s for each user"


def front_answer(found: Tuned) -> Iterator[str]:
    """Which settings give the most, by the pace that a user wants; the slowest first, where the most is gained."""
    assert found.front is not None
    points = [point for one in found.tries for point in one.points.get("final", [])]
    doubted = sum(point.client_bound for point in points)
    if doubted == len(points):
        yield (
            "Which settings are best is not known: the load generator could have shaped every "
            "point of the finalists (client-bound)."
        )
        return
    yield from _by_pace(found, list(reversed(found.front.ranges)))
    if doubted:
        yield (
            f"{fmt.number(doubted)} of {fmt.count(len(points), 'point')} of the finalists aren't counted: the load "
            "generator could have shaped them (client-bound)."
        )


def _by_pace(found: Tuned, ranges: list[PaceRange]) -> Iterator[str]:
    assert found.front is not None
    if found.best is not None:
        yield f"{found.best} gives the most output tokens/s at every pace of a user: {_ratios(ranges)}."
        return
    if found.outcome == "default is best":
        yield f"The default gives the most output tokens/s at every pace of a user: {_ratios(ranges)}."
        return
    if not any(one.shown or one.default_best for one in ranges):
        yield "No difference from the default is shown at any pace of a user."
        return
    for name, group in groupby(ranges, key=_shown_best):
        own = list(group)
        if name is None:
            yield f"No difference from the default is shown {_paces(own)}."
        else:
            yield f"{name} gives the most output tokens/s {_paces(own)}: {_ratios(own)}."


def _shown_best(one: PaceRange) -> str | None:
    """What is shown to give the most at those paces, to begin a sentence with; None: nothing is."""
    return one.name if one.shown else "The default" if one.default_best else None


def _paces(ranges: list[PaceRange]) -> str:
    """Of neighbours, the slowest first."""
    low, high = ranges[0].above, ranges[-1].up_to
    if low == 0:
        return f"at up to {fmt.number(high)} {_PACE}"
    return f"at more than {fmt.number(low)} and up to {fmt.number(high)} {_PACE}"


def _ratios(ranges: list[PaceRange]) -> str:
    """Over the default, or the default over what comes next."""
    never, whose = "the default is never", "the default's"
    if ranges[0].default_best:
        never, whose = "no other is ever", "the most of any other"
    known = sorted((one for one in ranges if one.ratio is not None), key=lambda one: one.ratio or 0.0)
    if not known:
        return f"{never} as fast"
    words = [fmt.times(one.ratio, one.low, one.high) for one in (known[0], known[-1])]
    beyond = f", and {never} as fast as its fastest" if len(known) < len(ranges) else ""
    return f"{' to '.join(dict.fromkeys(words))} {whose}{beyond}"


def front_blocks(found: Tuned) -> Iterator[Block]:
    """The picture, the ranges of pace, and how to read them; nothing for other objectives."""
    if found.front is None:
        return
    front, finalists = found.front, [one for one in found.tries if one.points.get("final")]
    curves = {one.name: _curve(one, front.accelerators) for one in finalists}
    yield curve_chart(curves)
    each = front.accelerators is not None
    rows: Rows = [
        (
            f"{fmt.number(one.above)} to {fmt.number(one.up_to)}", one.name, fmt.number(one.in_flight),
            _cell(_divided(one.output_tokens_per_s, front.accelerators or 1)), _over(one),
            "yes" if one.shown or one.default_best else "no",
        )
        for one in front.ranges
    ]  # fmt: skip
    unit = "Output tokens/s for each accelerator" if each else "Output tokens/s"
    columns = (
        "Tokens/s for each user",
        "Settings",
        "In flight",
        unit,
        "Over the default's most; the default's, over any other's",
        "Shown to be better",
    )
    yield Table("What gives the most, by the pace of a user", columns, rows, frozenset({2, 3, 4}), _SOURCE)
    yield _points(finalists)
    yield Text(
        "Tokens/s for each user are 1000 / TPOT p90 in ms. For a pace that is wanted, the best is the point of the "
        "most tokens/s among those that are as fast; it is held against the most that the default may give at any "
        "pace of its row, the default's own against the most of any other, and the intervals of all rows hold "
        "together. Points are means over server starts."
    )


def _over(one: PaceRange) -> str:
    if one.ratio is not None:
        return fmt.times(one.ratio, one.low, one.high)
    return "never as fast" if one.shown or one.default_best else "no difference in pace"


def _points(finalists: list[Try]) -> Table:
    front = {(name, point.in_flight) for name, point in on_front({one.name: one.points["final"] for one in finalists})}
    rows: Rows = [
        (
            one.name, fmt.number(point.in_flight), _cell(point.output_tokens_per_s), _cell(point.per_user),
            "yes" if (one.name, point.in_flight) in front else "no", "no" if point.client_bound else "yes",
        )
        for one in finalists
        for point in one.points["final"]
    ]  # fmt: skip
    columns = ("Settings", "In flight", "Output tokens/s", "Tokens/s for each user", "On the front", "The server's own")
    return Table("Points of the finalists", columns, rows, frozenset({1, 2, 3}), _SOURCE)


def _curve(one: Try, accelerators: int | None) -> Curve:
    """A finalist's points as the picture takes them."""
    own = one.points["final"]
    front = {point.in_flight for _, point in on_front({one.name: own})}
    points = [_drawn(one, point, accelerators, on_it=point.in_flight in front) for point in own]
    return Curve(accelerators=accelerators, points=points, units={})


def _drawn(one: Try, point: TryPoint, accelerators: int | None, *, on_it: bool) -> CurvePoint:
    rate = point.output_tokens_per_s
    return CurvePoint(
        load=f"{point.in_flight} in flight", in_flight=point.in_flight, runs=one.runs, output_tokens_per_s=rate,
        per_accelerator=None if accelerators is None else _divided(rate, accelerators), per_user=point.per_user,
        ttft_p90_ns=None, expenses={}, client_bound=point.client_bound, unanswered="", front=on_it,
    )  # fmt: skip


def _divided(value: Value, by: int) -> Value:
    low, high = (None if bound is None else bound / by for bound in (value.low, value.high))
    return Value(value=value.value / by, low=low, high=high)


def _cell(value: Value) -> str:
    return fmt.with_interval(value.value, value.low, value.high)


def front_words(front: Front, name: str) -> list[str]:
    """The paces for which those settings are shown to be best, one a line."""
    own = [one for one in front.ranges if one.name == name and one.shown]
    return [f"{name} {_paces([one])}: {_ratios([one])}." for one in own]
