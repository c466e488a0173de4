"""The highest rate within limits on a campaign's page: the sentences that answer, the curve, and every run's reason."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from assay.analysis.rate_answer import ERRORS, Fitted, RateAnswer, RatePoint, Tail
from assay.report import format as fmt
from assay.report.chart import NEUTRAL, TAIL, Chart, Mark, Panel, Series
from assay.report.client_shaped import DOUBT
from assay.report.page import Block, Headline, Rows, Table, Text
from assay.runs.rate_search import ProbeRole

_SOURCE = "runs/*/requests.parquet, campaign.json"
_RATE = "requests/s"
Place = tuple[float, float, float | None, float | None]
"""A rate, what was measured there, and its interval."""
_FAR = 10.0
"""Times what is allowed: a picture that held more would show the limit as its floor."""
_ALLOWED = "what the limit allows"
_AXIS = "arrivals asked for (requests/s)"
ROLES: dict[ProbeRole, str] = {
    "start": "begin",
    "bracket": "one side",
    "refine": "the limit",
    "confirm": "proof",
}
"""What a run of a search is for, in a column's width: to tell which side of the limit its rate is on, say."""


def rate_sentences(answer: RateAnswer) -> Iterator[str]:
    """The rate with its interval, what bounds it, and what it took."""
    yield _found(answer)
    yield from _against(answer)
    if answer.bound_by == ERRORS:
        yield "What bounds it are errors: most of what broke limits beyond it are requests without an answer."
    elif answer.bound_by == "client":
        yield (
            "What bounds it is the load generator: the server may take more. What delayed it is on the pages of its "
            "runs."
        )
    elif answer.bound_by:
        yield f"What bounds it is {answer.bound_by}."
    yield from _shaped(answer)
    yield _took(answer)


def _found(answer: RateAnswer) -> str:
    limits = " and ".join(limit.title for limit in answer.limits)
    if answer.outcome == "unfinished":
        return f"The search for the highest rate that keeps {limits} isn't over: {answer.why}."
    if answer.rate is None:
        client = f"{_shaped_runs(answer)}, and " if _names_client(answer) else ""
        return f"No highest rate that keeps {limits} was found: {client}{answer.why}{_so_far(answer)}."
    confirmed = f", and {_proof(answer)} at that rate confirmed it" if answer.confirmed else _unproved(answer)
    rate = fmt.measured(answer.rate, _RATE, answer.low, answer.high)
    return f"The highest rate that keeps {limits} is {rate}{confirmed}."


def _names_client(answer: RateAnswer) -> bool:
    """Whether the first sentence says of the load generator what the search's own reason doesn't."""
    return answer.outcome == "stopped" and answer.client_decided and answer.because != "client"


def _against(answer: RateAnswer) -> Iterator[str]:
    """What speaks against the rate: runs disagree where a queue swings for longer than they last."""
    if answer.against:
        lowest, *others = answer.against
        more = f" (and {fmt.count(len(others), 'more run')} up to it)" if others else ""
        why = ": a queue grew" if lowest.grew else ""
        yield f"Against it: a run at {fmt.number(lowest.rate)} {_RATE}, no higher, broke a limit{why}{more}."


def _proof(answer: RateAnswer) -> str:
    """The confirming run, with how much it rests on."""
    held = next((point for point in answer.points if point.verdict == "held" and point.rate == answer.rate), None)
    return "a run" if held is None else f"a run of {fmt.count(held.requests, 'request')}"


def _unproved(answer: RateAnswer) -> str:
    return f", an estimate that no run confirmed: {answer.why}"


def _so_far(answer: RateAnswer) -> str:
    """Between which rates it lies, as far as the runs' tests say."""
    kept = [f"a run at {fmt.number(answer.low)} {_RATE} kept them"] if answer.low is not None else _kept_so_far(answer)
    broke = [] if answer.high is None else [f"one at {fmt.number(answer.high)} {_RATE} didn't"]
    return f"; {', '.join(kept + broke)}" if kept or broke else ""


def _kept_so_far(answer: RateAnswer) -> list[str]:
    """Where none is sure: the highest rate of a run that kept them while it lasted."""
    high = math.inf if answer.high is None else answer.high
    points = [point for point in answer.points if point.verdict == "so far" and point.rate < high]
    last = max((point for point in points if not point.client_bound), key=lambda point: point.rate, default=None)
    if last is None:
        return []
    few = fmt.count(last.requests, "request")
    return [f"a run of {few} at {fmt.number(last.rate)} {_RATE} kept them so far, which isn't sure"]


def _shaped(answer: RateAnswer) -> Iterator[str]:
    """How many runs the search couldn't use."""
    if answer.shaped and not _names_client(answer):
        yield f"Client-bound: {_shaped_runs(answer)}."


def _shaped_runs(answer: RateAnswer) -> str:
    return f"{DOUBT} {answer.shaped} of {fmt.count(len(answer.points), 'run')}, which count for nothing in the search"


def _took(answer: RateAnswer) -> str:
    probes = fmt.count(len(answer.points), "run")
    words = f"It took {probes} at chosen rates, {fmt.duration(answer.seconds)} in all"
    if answer.ended_early:
        words += f"; the interval is wider than a precision of {fmt.percent(answer.precision)}, as asked for, leaves it"
    return f"{words}."


def rate_headlines(answer: RateAnswer) -> list[Headline]:
    """The rate; nothing where there is none."""
    if answer.rate is None:
        return []
    name = "Highest rate within limits" if answer.confirmed else "Highest rate within limits, not confirmed"
    return [Headline(name, fmt.number(answer.rate), fmt.interval(answer.low, answer.high), _SOURCE, _RATE)]


def rate_blocks(answer: RateAnswer | None) -> Iterator[Block]:
    """The curve, a table of the runs, and how to read both; nothing for other campaigns."""
    if answer is None or not answer.points:
        return
    yield _chart(answer)
    yield _table(answer)
    yield Text(
        "Runs are for where to begin; for one side of the limit and the other; for the limit between them; and for the "
        "proof that the rate holds. A run at a chosen rate ends as soon as a test is sure of its limits, or at its "
        "full length; requests that follow each other count together in every interval. The first requests of each, in "
        "which an idle server fills, aren't counted. A run whose load generator used up a core, or was late by more "
        "than 5 % of the tightest limit, never counts as the server's limit; its own page holds it against its medians."
    )


def _table(answer: RateAnswer) -> Table:
    rows: Rows = [
        (
            fmt.number(point.rate), ROLES[point.role], verdict_words(point), point.ended, fmt.number(point.requests),
            fmt.number(point.errors), fmt.duration(point.seconds),
            *(_cell(point, place) for place in range(len(answer.limits))), point.why, point.run,
        )
        for point in answer.points
    ]  # fmt: skip
    columns = (
        "Arrivals/s", "For", "Limits", "Ended", "Requests", "Errors", "Took",
        *(f"Over {limit.title}" for limit in answer.limits), "Why this rate", "Its own page",
    )  # fmt: skip
    pages = {point.run: f"runs/{point.run}/report.html" for point in answer.points}
    return Table("Runs of the search, in their order", columns, rows, frozenset({0, 4, 5}), _SOURCE, pages)


def verdict_words(point: RatePoint) -> str:
    """How a run stood to the limits, and whether the load generator could have shaped that."""
    words = {"under": "kept, sure", "over": "broken, sure", "so far": "kept so far", "held": "kept", "failed": "broken"}
    said = "broken in time: a queue grew" if point.grew else words.get(point.verdict, "not decided")
    return f"{said}; client-bound" if point.client_bound else said


def _cell(point: RatePoint, place: int) -> str:
    if place >= len(point.tails):
        return fmt.NOT_MEASURED
    tail = point.tails[place]
    return fmt.share(tail.share, tail.low, tail.high)


def _chart(answer: RateAnswer) -> Chart:
    """`rate_search`: for each limit the share over it, and the percentile itself, against the rate."""
    panels = [panel for place in range(len(answer.limits)) for panel in _panels(answer, place)]
    shaped = any(point.client_bound for point in answer.points)
    rings = ", a ring one that the load generator could have shaped" if shaped else ""
    fit = f"; the line is the fit to all {'others' if shaped else 'runs'}, with its 95 % band" if answer.curve else ""
    return Chart(
        name="rate_search",
        title="How the limits are kept, against the rate",
        panels=panels,
        columns=2,
        text=f"Each point is one run of the search{rings}{fit}. What lies far "
        "beyond a limit isn't drawn: the table has it. A run's first requests, in which an idle "
        "server fills, are left out: its own page has them in its percentiles.",
        source=_SOURCE,
    )


def _panels(answer: RateAnswer, place: int) -> Iterator[Panel]:
    limit = answer.limits[place]
    known = [(point, point.tails[place]) for point in answer.points if place < len(point.tails)]
    fitted = [one for one in answer.curve if one.limit == limit.title]
    far = _FAR * limit.share
    known = [(point, tail) for point, tail in known if tail.share <= far]
    shares = [(p, (p.rate, 100 * t.share, 100 * t.low, 100 * t.high)) for p, t in known]
    curve: list[Place] = [(f.rate, 100 * f.share, 100 * f.low, 100 * f.high) for f in fitted if f.high <= far]
    line = Mark("y", 100 * limit.share, f"allowed: {100 * limit.share:.6g} %", meaning=_ALLOWED, limit=True)
    marks = [*_interval(answer), line]
    yield Panel(f"Requests over {limit.title}", _AXIS, "% of the requests", _series(shares, curve, NEUTRAL), marks)
    if len(limit.keeps.limits) != 1:
        return
    (limit_ns,) = limit.keeps.limits.values()
    times = [(point, at) for point, tail in known if (at := _time(point.rate, tail, limit_ns)) is not None]
    told = [one for one in fitted if one.value_high_ns is not None and one.value_high_ns <= _FAR * limit_ns]
    curve = [at for one in told if (at := _time(one.rate, one, limit_ns)) is not None]
    line = Mark("y", limit_ns / 1e6, f"limit: {fmt.ms(limit_ns)} ms", meaning=_ALLOWED, limit=True)
    marks = [*_interval(answer), line]
    yield Panel(limit.title.partition(" ≤")[0], _AXIS, "ms", _series(times, curve, TAIL), marks)


def _time(rate: float, tail: Tail | Fitted, limit_ns: int) -> Place | None:
    """The limited percentile at a rate, ms; None far beyond the limit."""
    if tail.value_ns is None or tail.value_ns > _FAR * limit_ns:
        return None
    return rate, tail.value_ns / 1e6, _ms(tail.value_low_ns), _ms(tail.value_high_ns)


def _ms(value_ns: int | None) -> float | None:
    return None if value_ns is None else value_ns / 1e6


def _series(runs: Sequence[tuple[RatePoint, Place]], curve: Sequence[Place], color: str) -> list[Series]:
    """The runs, those of the load generator's making as rings, and the fit to all others with its band."""
    shown = []
    for shaped, name in ((False, "runs"), (True, "client-bound")):
        x, y, low, high = _columns([place for point, place in runs if point.client_bound is shaped])
        shown += [Series(name, "points", x, y, color, low, high, hollow=shaped)] if x else []
    if not curve:
        return shown
    x, y, low, high = _columns(curve)
    return [Series("fit", "line", x, y, color, low, high), *shown]


def _columns(
    places: Sequence[Place],
) -> tuple[list[float], list[float], list[float | None], list[float | None]]:
    x, y, low, high = ([place[column] for place in places] for column in range(4))
    return [at or 0.0 for at in x], [at or 0.0 for at in y], low, high


def _interval(answer: RateAnswer) -> list[Mark]:
    if answer.rate is None or answer.low is None or answer.high is None:
        return []
    return [Mark("x", answer.low, "found", answer.high, "the 95 % interval of the rate that was found")]
