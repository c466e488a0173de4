"""A search through an engine's settings on its campaign's page: the answer, every try, the finalists, the chart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from assay.analysis.engine_answers import Agreement
from assay.analysis.engine_models import Against, Try, Tuned
from assay.analysis.engine_tries import FEWEST_STARTS
from assay.report import format as fmt
from assay.report.accuracy import score_text
from assay.report.chart import NEUTRAL, PALETTE, Chart, Panel, Series
from assay.report.engine_front import front_answer, front_blocks
from assay.report.many import MOST_ROWS
from assay.report.page import Block, Headline, Rows, Table, Text
from assay.runs.campaign import EngineObjective, Stage

CHART = "engine_tries"
_STAGES: tuple[Stage, ...] = get_args(Stage)
_SOURCE = "runs/*/result.json, campaign.json"
_UNITS: dict[EngineObjective, str] = {
    "offline": "output tokens/s",
    "highest-rate": "requests/s",
    "pareto": "mean output tokens/s",
}
_STAGES_ARE: dict[EngineObjective, str] = {
    "offline": "short runs of all tries, of a quarter of a final run's samples; longer ones, of half, of the better "
    "half; final ones of the best and of the default",
    "highest-rate": "short searches for the highest rate of all tries, in a quarter of a final one's time; longer "
    "ones, in half, of the better half; final ones of the best and of the default",
    "pareto": "short points of all tries, of a quarter of a final one's time, with each number in flight; longer ones, "
    "of half, of those with most points on the front, half of all; final ones of the best and of the default; a try's "
    "mean output tokens/s are the geometric mean over its numbers in flight",
}


def tuned_answer(found: Tuned) -> list[str]:
    """The sentences that answer which settings are best."""
    answer = [_against_default(found)] if found.front is None else list(front_answer(found))
    return [*answer, *_confirmed(found), *_quality(found), _effort(found), *_first_failure(found)]


def _against_default(found: Tuned) -> str:
    if not found.against:
        return f"Which settings are best is not measured: {why_not_compared(found)}."
    default = found.default
    assert default is not None
    top = next((one for one in found.against if one.name == found.best), found.against[0])
    ratio = f"{fmt.times(top.ratio, top.low, top.high)} {_of_default(found)}"
    of = f"over {fmt.count(default.starts, 'server start')} of each"
    if found.outcome == "default is best":
        pair = f"{_rate(found, found.named(top.name))} against {_rate(found, default)}"
        others = "every other finalist" if len(found.against) > 1 else "the other finalist"
        return f"The default is faster than {others}: {top.name} gives {ratio}, {of}: {pair}."
    if found.best is None:
        return f"No difference from the default is shown: the fastest finalist, {top.name}, gives {ratio}, {of}."
    pair = f"{_rate(found, found.named(found.best))} against {_rate(found, default)}"
    return f"{top.name} gives {ratio}, {of}: {pair}."


def _of_default(found: Tuned) -> str:
    if found.objective == "offline":
        return "the output tokens/s of the default"
    return f"the default's highest rate that keeps {' and '.join(found.limits)}"


def _confirmed(found: Tuned) -> Iterator[str]:
    """How many of the rates that were found a run at them held."""
    finals = [one for one in found.tries if one.stage == "final" and one.confirmed is not None]
    if finals:
        held, starts = sum(one.confirmed or 0 for one in finals), sum(one.starts for one in finals)
        yield f"A run at the rate found confirmed {fmt.number(held)} of {fmt.count(starts, 'final rate')}."


def why_not_compared(found: Tuned) -> str:
    """What left the search without an answer, as a clause."""
    default = found.default
    if default is not None and default.reason:
        return f"the default has no rate: {default.reason.rstrip('.')}"
    if default is None or default.stage != "final" or default.rate is None:
        return "the search hasn't come to its end"
    if default.starts < FEWEST_STARTS:
        return f"the default was measured on fewer than {FEWEST_STARTS} server starts"
    return "no other setting gave a rate"


def _quality(found: Tuned) -> Iterator[str]:
    """Whether what is faster answers as well; nothing where nothing is faster."""
    if found.outcome == "depends on the pace":
        yield "Whether the answers of others are as good as the default's is not measured: none were scored."
    if found.best is None:
        return
    if found.agreement is not None:
        yield _agreement(found.agreement)
    if not found.scores:
        yield "Whether its answers are as good as the default's is not measured: none were scored."
        return
    worse = [score for score in found.scores if score.worse]
    words = "; ".join(
        f"{s.metric} {score_text(s.best)} against {score_text(s.default)}{_bounds(s.low, s.high)}"
        for s in worse or found.scores
    )
    if worse:
        yield f"Its answers are worse than the default's: {words}."
    elif all(score.judged for score in found.scores):
        yield f"Its answers are not below the interval of the default's: {words}."
    else:
        yield f"Whether its answers are worse isn't shown, as the default's scores have no interval: {words}."


def _agreement(found: Agreement) -> str:
    words = f"It gives the default's tokens at {fmt.percent(found.equal)} of {fmt.count(found.prompts, 'prompt')}"
    if found.default_equal is not None:
        words += f", as the default on another server start does at {fmt.percent(found.default_equal)}"
    return f"{words}."


def _bounds(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f" (95 %: {score_text(low)} to {score_text(high)})"


def _effort(found: Tuned) -> str:
    failed = [one for one in found.tries if one.reason]
    known = [one.start_s for one in found.tries if one.start_s is not None]
    starts = f"; a server's start took {fmt.duration(sum(known) / len(known))} in the mean" if known else ""
    without = f", {len(failed)} of them without a rate" if failed else ""
    dropped = [one for one in found.tries if one.stage != "final" and not one.reason] if found.against else []
    left_out = f", {len(dropped)} of them left out after shorter runs on one server start" if dropped else ""
    default = found.default
    configured = ""
    if default is not None and default.servers_in_all is not None and _servers_differ(found):
        are = "is" if default.servers_in_all == 1 else "are"
        configured = f"; as configured there {are} {fmt.count(default.servers_in_all, 'server')}"
    return f"Tried: {fmt.count(len(found.tries), 'combination')} of settings{without}{left_out}{configured}{starts}."


def _servers_differ(found: Tuned) -> bool:
    return len({one.servers_in_all for one in found.tries} - {None}) > 1


def _first_failure(found: Tuned) -> Iterator[str]:
    failed = [one for one in found.tries if one.reason and not one.default]
    if failed:
        yield f"{failed[0].name} can't be measured: {failed[0].reason.rstrip('.')}."


def _rate(found: Tuned, one: Try | None) -> str:
    value = None if one is None else one.rate
    return fmt.measured(value.value, _UNITS[found.objective], value.low, value.high) if value else fmt.NOT_MEASURED


def tuned_headlines(found: Tuned) -> list[Headline]:
    """The rates of finalists, as configured first."""
    finals = [(one, one.rates["final"]) for one in found.tries if "final" in one.rates][:MOST_ROWS]
    unit = _UNITS[found.objective]
    return [
        Headline(
            one.name,
            fmt.number(rate.value),
            "no interval: one server start" if one.starts == 1 else fmt.interval(rate.low, rate.high),
            _SOURCE,
            unit,
        )
        for one, rate in finals
    ]


def tuned_blocks(found: Tuned | None, memory_target: float | None) -> Iterator[Block]:
    """All tries, how finalists compare with the default, and what the words mean."""
    if found is None:
        return
    yield from front_blocks(found)
    yield _chart(found)
    if found.against:
        rows: Rows = [_against_row(one, found) for one in found.against]
        columns = ("Settings", f"{_unit(found)} / the default's", "Shown")
        yield Table("Finalists against the default", columns, rows, frozenset({1}), _SOURCE)
    if found.scores:
        yield _scores_table(found)
    yield _tries_table(found)
    yield from _memory(found, memory_target)
    yield from _ahead(found)
    yield Text(
        f"Stages: {_STAGES_ARE[found.objective]}, each on servers that were "
        "started anew, since two starts of one server differ by more than a run's own noise. A final rate's "
        "interval is over those starts, of a single one there is none; the intervals of all ratios hold together. "
        "Rates of different stages aren't compared."
    )


def _scores_table(found: Tuned) -> Table:
    rows: Rows = [
        (one.metric, score_text(one.best), score_text(one.default), _bounds(one.low, one.high).strip(" ()"))
        for one in found.scores
    ]
    columns = ("Metric", "Fastest finalist", "Default", "The default's interval")
    caption = "Answers of the fastest finalist against the default's"
    return Table(caption, columns, rows, frozenset({1, 2}), "runs/*/accuracy.json")


def _against_row(one: Against, found: Tuned) -> tuple[str, str, str]:
    shown = "no difference"
    if one.low is not None and one.low > 1:
        shown = "faster" if found.best != one.name or found.outcome != "answers worse" else "faster, with worse answers"
    elif one.high is not None and one.high < 1:
        shown = "slower"
    return one.name, fmt.times(one.ratio, one.low, one.high), shown


def _tries_table(found: Tuned) -> Table:
    differ = _servers_differ(found)
    rows: Rows = [
        (
            one.name, *([fmt.number(one.servers_in_all)] if differ else []),
            *(_cell(one, stage) for stage in _STAGES), fmt.number(one.starts) if one.stage == "final" else "",
            "" if one.start_s is None else fmt.duration(one.start_s), one.reason,
        )
        for one in found.tries
    ]  # fmt: skip
    rates = (f"{_unit(found)}, {stage}" for stage in _STAGES)
    columns = (
        "Settings",
        *(["Servers"] if differ else []),
        *rates,
        "Final starts",
        "Start took",
        "Why there is no rate",
    )
    return Table("All tries, in their order", columns, rows, frozenset(range(1, len(columns) - 1)), _SOURCE)


def _memory(found: Tuned, target: float | None) -> Iterator[Block]:
    """Weights and KV cache as shares of an accelerator's memory, against the target."""
    known = [(one.name, one.memory) for one in found.tries if one.memory is not None]
    if not known:
        if target is not None:
            yield Text(
                "Memory: not measured, neither the engine's log nor the nodes tell how much there is and is taken."
            )
        return
    rows: Rows = [
        (
            name, fmt.percent(memory.weights), fmt.percent(memory.kv_cache), fmt.percent(memory.both),
            *([] if target is None else ["yes" if memory.both <= target else "no"]),
            "" if memory.kv_cache_tokens is None else fmt.number(memory.kv_cache_tokens),
        )
        for name, memory in known
    ]  # fmt: skip
    within = () if target is None else (f"Within the target of {fmt.percent(target)}",)
    columns = ("Settings", "Weights", "KV cache", "Both", *within, "Tokens in the cache")
    caption = "Shares of an accelerator's memory, as the engine's log has them when it is ready"
    numeric = frozenset({1, 2, 3, len(columns) - 1})
    yield Table(caption, columns, rows, numeric, "runs/*/run.json, runs/*/system.json")


def _ahead(found: Tuned) -> Iterator[Block]:
    """What more nodes may give, called a prediction."""
    chosen = found.best or "as configured"
    if found.ahead is None:
        if found.against:
            yield Text(
                "What to expect of more nodes isn't predicted: no scaling campaign of this model with a fitted law is "
                "in the same folder of results."
            )
        return
    rows: Rows = [
        (fmt.number(nodes), fmt.with_interval(rate.value, rate.low, rate.high))
        for nodes, rate in zip(found.ahead.nodes, found.ahead.rates, strict=True)
    ]
    caption = f"A prediction for more nodes with {chosen}, not a measurement"
    yield Table(caption, ("Nodes", _unit(found)), rows, frozenset({0, 1}), "report.json of the scaling campaign")
    yield Text(
        f"It takes {found.ahead.law} as campaign {found.ahead.campaign} fitted it, with the settings that it had, and "
        f"the rate that was measured here on {fmt.count(found.ahead.measured_nodes, 'node')}. Bounds are the ends of "
        "both intervals together."
    )


def _unit(found: Tuned) -> str:
    """As a heading."""
    unit = _UNITS[found.objective]
    return unit[:1].upper() + unit[1:]


def _cell(one: Try, stage: Stage) -> str:
    value = one.rates.get(stage)
    return "" if value is None else fmt.with_interval(value.value, value.low, value.high)


def _chart(found: Tuned) -> Chart:
    """Each try's rate in the stage that it got to, final ones first and the highest first, one colour a stage."""
    rated = [(one, one.rate) for one in found.tries if one.rate is not None]
    rated.sort(key=lambda pair: (-_STAGES.index(pair[0].stage), -pair[1].value))
    shown = rated[:MOST_ROWS]
    names = [one.name for one, _ in shown]
    series = []
    for stage, color in zip(reversed(_STAGES), (PALETTE[0], PALETTE[4], NEUTRAL), strict=True):
        own = [rate if one.stage == stage else None for one, rate in shown]
        values, low, high = ([getattr(rate, name, None) for rate in own] for name in ("value", "low", "high"))
        labels = ["" if value is None else fmt.number(value) for value in values]
        series.append(Series(stage, "points", names, values, color, low, high, labels=labels))
    left = f" The other {len(rated) - len(shown)} are in the table." if len(rated) > len(shown) else ""
    return Chart(
        name=CHART,
        title=f"{_unit(found)} of the tries",
        panels=[
            Panel(
                f"{_unit(found)} by settings",
                "",
                _UNITS[found.objective].removeprefix("output "),
                series,
                sideways=True,
            )
        ]
        if shown
        else [],
        text="Each try's rate in the last stage that it got to: final ones are over server starts, others of one."
        + left,
        source=_SOURCE,
    )
