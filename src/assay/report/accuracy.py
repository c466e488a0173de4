"""The accuracy part of a page: scores beside the reference and what passes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from assay.analysis.run import RunAnalysis
from assay.benchmarks import Benchmark
from assay.report import format as fmt
from assay.report.chart import NEUTRAL, PALETTE, Chart, Panel, Series
from assay.report.many import MOST_ROWS, Values, ends
from assay.report.page import Block, Headline, Rows, Table, Text
from assay.runs.result import AccuracyResult, Score
from assay.scoring import FAMILY_RISK

_COUNTS = 10_000
_CARDS = 3
_NO_INTERVAL = "too few answers, or all scored alike"


def accuracy_blocks(analysis: RunAnalysis) -> Iterator[Block]:
    """Scores, the gate and its reasons; nothing where the run wasn't scored."""
    accuracy = analysis.result.accuracy
    if accuracy is None:
        return
    yield Text(f"Quality gate: {accuracy.gate}.")
    quality = analysis.benchmark.quality
    columns = ["Metric", "Score", "95 % interval", "Unit"] + ["Reference", "Least that passes", "Most that passes"] * (
        quality is not None
    )
    rows: Rows = []
    for metric, score in accuracy.scores.items():
        cells = [metric, _cell(score), _range(score.low, score.high), score.unit]
        if quality is not None:
            low, high = quality.targets.get(metric, (None, None))
            cells += [score_text(value, total=score.total) for value in (quality.reference.get(metric), low, high)]
        rows.append(tuple(cells))
    yield Table("Scores", tuple(columns), rows, frozenset({1, 2, 4, 5, 6}), "accuracy.json, benchmark.json")
    yield Text(
        f"{fmt.number(accuracy.samples)} answers" + f", scored by {accuracy.scorer}" * bool(accuracy.scorer) + "."
    )
    if quality is not None:
        yield Text(f"Reference: {quality.source}; {quality.samples:,} samples.")
    if accuracy.details:
        yield Table("The gate's conditions", ("Condition",), [(detail,) for detail in accuracy.details])
    yield from _endpoint_blocks(accuracy)
    yield from accuracy_charts({"this run": accuracy}, analysis.benchmark, simulated=analysis.record.simulated)


def score_headlines(accuracy: AccuracyResult) -> list[Headline]:
    """The first scores in per cent: what an accuracy run was made for."""
    source = f"accuracy.json: {fmt.count(accuracy.samples, 'answer')} scored"
    return [
        Headline(metric, fmt.number(score.value), _interval(score), source, "of 100 points")
        for metric, score in list(percentages(accuracy).items())[:_CARDS]
    ]


def _interval(score: Score) -> str:
    return fmt.interval(score.low, score.high) if score.low is not None else f"no interval: {_NO_INTERVAL}"


def score_words(metric: str, score: Score, benchmark: Benchmark) -> str:
    """Such as "rouge1 38.78 of 100 (95 %: 38.60 to 39.00; reference 38.78)"."""
    reference = None if benchmark.quality is None else benchmark.quality.reference.get(metric)
    beside = [
        f"no interval: {_NO_INTERVAL}" if score.low is None else fmt.bounds(score.low, score.high),
        *([] if reference is None else [f"reference {fmt.number(reference)}"]),
    ]
    return f"{metric} {fmt.number(score.value)} {score.of_what} ({'; '.join(beside)})"


def score_cell(score: Score | None) -> str:
    """A score in a table of several runs, with its interval."""
    if score is None:
        return "-"
    spread = _range(score.low, score.high)
    return f"{_cell(score)} ({spread})" if spread else _cell(score)


def _cell(score: Score) -> str:
    return score_text(score.value, total=score.total)


def _endpoint_blocks(accuracy: AccuracyResult) -> Iterator[Block]:
    """Each endpoint's scores beside the whole; nothing where one answered all."""
    if not accuracy.endpoints:
        return
    metrics = list(accuracy.endpoints[0].scores)
    rows = {
        metric: [
            (
                part.endpoint, part.node, fmt.number(part.samples), metric, score_text(score.value),
                _range(score.low, score.high), score_text(score.difference),
                _range(score.difference_low, score.difference_high), "lower" if score.worse else "",
            )
            for part in accuracy.endpoints
            if (score := part.scores[metric])
        ]
        for metric in metrics
    }  # fmt: skip
    columns = (
        "Endpoint", "Node", "Answers", "Metric", "Score", "95 % interval", "Against the others", "Its interval",
        "Finding",
    )  # fmt: skip
    right, source = frozenset({2, 4, 5, 6, 7}), "accuracy.json"
    if len(accuracy.endpoints) <= MOST_ROWS:
        yield Table("Scores by endpoint", columns, [row for own in rows.values() for row in own], right, source)
    else:
        for metric, own in rows.items():
            scores = [part.scores[metric] for part in accuracy.endpoints]
            spread: dict[str, Values] = {
                "difference from the others": [score.difference for score in scores],
                "score": [score.value for score in scores],
            }
            yield from ends(Table(f"{metric} by endpoint", columns, own, right, source), spread, source)
    yield Text(
        "Against the others: the mean difference at prompts of like length. Its interval holds for all endpoints and "
        f"metrics at once, with a risk of {100 * FAMILY_RISK:g} % in all; one that lies below 0 is a finding."
    )


def _range(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{score_text(low)} to {score_text(high)}"


def score_text(value: float | None, *, total: bool = False) -> str:
    """A score with four decimals, as MLPerf gives them; a total without any; a dash for none."""
    if value is None:
        return "-"
    return fmt.number(value) if total or abs(value) >= _COUNTS else f"{value:.4f}"


def percentages(accuracy: AccuracyResult) -> dict[str, Score]:
    """The metrics that are shares of what is possible: alike enough to stand in one table or picture."""
    return {metric: score for metric, score in accuracy.scores.items() if score.in_percent}


def accuracy_charts(
    scored: Mapping[str, AccuracyResult], benchmark: Benchmark, *, simulated: bool
) -> Iterator[Chart | Text]:
    """`accuracy_comparison`: each run's scores in percent beside the reference's; nothing where there are none.

    Scores that can't be compared with the reference aren't drawn beside it, and why is said; nor are those of simulated
    endpoints, which are no model's.
    """
    if simulated:
        return
    scores = {name: accuracy for name, accuracy in scored.items() if accuracy.comparable}
    yield from (
        Text(f"Not drawn beside the reference: {name}, {accuracy.gate}.")
        for name, accuracy in scored.items()
        if name not in scores
    )
    metrics = list(dict.fromkeys(metric for score in scores.values() for metric in percentages(score)))
    if not metrics:
        return
    series = [
        _bars(
            name, metrics, {metric: s.value for metric, s in percentages(score).items()}, PALETTE[place % len(PALETTE)]
        )
        for place, (name, score) in enumerate(scores.items())
    ]
    quality = benchmark.quality
    if quality is not None and quality.reference.keys() & set(metrics):
        series.append(_bars("reference", metrics, quality.reference, NEUTRAL))
    units = dict.fromkeys(s.unit for score in scores.values() for s in percentages(score).values())
    yield Chart(
        name="accuracy_comparison",
        title="Accuracy",
        panels=[Panel("Scores", "", ", ".join(units), series)],
        text="Scores of the answers"
        + ("" if quality is None else f" beside the reference ({quality.samples:,} samples)")
        + ".",
        source="accuracy.json" + ("" if quality is None else f"; reference: {quality.source}"),
    )


def _bars(name: str, metrics: list[str], values: dict[str, float], color: str) -> Series:
    present = [metric for metric in metrics if metric in values]
    heights = [values[metric] for metric in present]
    return Series(name, "bars", present, heights, color, labels=[f"{value:.2f}" for value in heights])
