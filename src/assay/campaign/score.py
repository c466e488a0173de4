"""Scoring the answers of an accuracy run."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import orjson

from assay.campaign.prepare import Prepared
from assay.errors import AssayError
from assay.runs import RunFolder, RunRecord, RunStatus, write_bytes, write_json, write_text
from assay.runs.result import AccuracyResult, Score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assay.scoring import Gate, Scorable, Scorer, Scores


def score_answers(prepared: Prepared, record: RunRecord, folder: RunFolder) -> None:
    """Write the scores and the answers in words; an accuracy log that can't be scored fails the run.

    Without references, or a scorer, accuracy isn't measured.
    """
    from assay.scoring import endpoint_scores, get_scorer, quality_gate, scorables

    references, name = prepared.dataset.references, prepared.benchmark.scorer
    if references is None or name is None:
        return
    scorer = get_scorer(name)
    try:
        answers = scorables(folder.loadgen_accuracy, references, prepared.decode, prepared.dataset.metrics)
        scores = scorer.score(answers)
    except AssayError as error:
        record.status, record.reason = RunStatus.FAILED, f"accuracy couldn't be scored: {error}"
        return
    if scorer.accuracy_txt is not None:
        write_text(folder.accuracy_txt, scorer.accuracy_txt(scores))
    write_bytes(folder.answers, _lines(answers, scores))
    result = _result(scorer, scores, quality_gate(prepared.benchmark, scores))
    result.endpoints = endpoint_scores(record, folder.requests, [item.index for item in answers], scores)
    write_json(folder.accuracy, result)


def _result(scorer: Scorer, scores: Scores, gate: Gate) -> AccuracyResult:
    from assay.scoring import mean_intervals

    intervals = mean_intervals(scores.per_sample)
    found = {}
    for metric in scorer.metrics:
        if metric.name not in scores.values:  # no answer is held against its reference so
            continue
        low, high = intervals.get(metric.name) or (None, None)
        found[metric.name] = Score(
            value=scores.values[metric.name], unit=metric.unit, possible=metric.possible, total=metric.total,
            low=low, high=high,
        )  # fmt: skip
    return AccuracyResult(
        scorer=scorer.name, scores=found, samples=scores.samples, gate=gate.verdict, details=list(gate.details)
    )


def _lines(answers: Sequence[Scorable], scores: Scores) -> bytes:
    """A line a sample, so that a person can read what was scored."""
    lines = []
    for number, item in enumerate(answers):
        values = {metric: float(each[number]) for metric, each in scores.per_sample.items()}
        own = {metric: round(value, 4) for metric, value in values.items() if not math.isnan(value)}
        how = {"metric": item.metric} if item.metric else {}
        line = {"qsl_idx": item.index, "answer": item.answer, "reference": item.reference, **how, **own}
        lines.append(orjson.dumps(line))
    return b"\n".join(lines) + b"\n"
