"""The accuracy part of a page: ROUGE beside the reference and the least that passes."""

from __future__ import annotations

from collections.abc import Iterator

from assay.analysis.run import RunAnalysis
from assay.benchmarks import Benchmark
from assay.report import format as fmt
from assay.report.chart import NEUTRAL, PALETTE, Chart, Panel, Series
from assay.report.page import Block, Table, Text
from assay.runs.result import AccuracyResult

METRICS = ("rouge1", "rouge2", "rougeL", "rougeLsum")


def accuracy_blocks(analysis: RunAnalysis) -> Iterator[Block]:
    """Scores, the gate and its reasons; nothing where the run wasn't scored."""
    accuracy = analysis.result.accuracy
    if accuracy is None:
        return
    yield Text(f"Quality gate: {accuracy.gate}.")
    reference = analysis.benchmark.quality
    rows = []
    for metric in METRICS:
        cells = [metric, f"{getattr(accuracy, metric):.4f}"]
        if reference is not None:
            target = getattr(reference, metric)
            cells += [f"{target:.4f}", f"{reference.min_rouge_ratio * target:.4f}"]
        rows.append(cells)
    columns = ["Metric", "Score", "Reference", "Least that passes"] if reference else ["Metric", "Score"]
    yield Table("ROUGE (mean F-measure x 100)", columns, rows, frozenset({1, 2, 3}), "accuracy.json, benchmark")
    yield Text(f"{fmt.number(accuracy.gen_num)} answers, {fmt.number(accuracy.gen_len)} characters.")
    if accuracy.details:
        yield Table("The gate's conditions", ("Condition",), [(detail,) for detail in accuracy.details])
    yield accuracy_chart({"this run": accuracy}, analysis.benchmark)


def accuracy_chart(scores: dict[str, AccuracyResult], benchmark: Benchmark) -> Chart:
    """`accuracy_comparison`: each run's ROUGE beside the reference's."""
    series = [
        Series(
            name, "bars", list(METRICS), [getattr(score, m) for m in METRICS], PALETTE[place % len(PALETTE)],
            labels=[f"{getattr(score, m):.2f}" for m in METRICS],
        )
        for place, (name, score) in enumerate(scores.items())
    ]  # fmt: skip
    reference = benchmark.quality
    if reference is not None:
        values = [getattr(reference, m) for m in METRICS]
        labels = [f"{v:.2f}" for v in values]
        series.append(Series("reference", "bars", list(METRICS), values, NEUTRAL, labels=labels))
    return Chart(
        name="accuracy_comparison",
        title="Accuracy",
        panels=[Panel("ROUGE", "", "mean F-measure x 100", series)],
        text="ROUGE of the answers"
        + ("" if reference is None else f" beside the reference ({reference.gen_num:,} samples)")
        + ".",
        source="accuracy.json" + ("" if reference is None else f"; reference: {reference.source}"),
    )
