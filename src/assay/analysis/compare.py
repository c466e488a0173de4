"""Runs against a baseline: what changed, what else differs, and what the reader must know of both."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from assay.analysis.changes import Change, Judged, Pair, changes
from assay.analysis.differences import Circumstances, Difference, differences
from assay.analysis.run import RunAnalysis
from assay.errors import UserError
from assay.runs.record import RunRecord

_MUST_AGREE = ("benchmark", "scenario", "shape", "mode", "dataset_sha256", "max_tokens")
_CALLED = {"shape": "load", "dataset_sha256": "data set", "max_tokens": "longest answer"}
_SHA256_SHOWN = 8


class Comparison(BaseModel, Judged):
    """One run against the baseline."""

    model_config = ConfigDict(extra="forbid")

    baseline: str
    other: str
    changes: list[Change]
    differences: list[Difference]
    notes: list[str]
    fewer_answers: bool = Field(description="the other run left a larger share of its samples unanswered")


def compare(runs: Sequence[RunAnalysis]) -> list[Comparison]:
    """Each run after the first against the first.

    Raises UserError where the runs aren't of the same benchmark, scenario, mode, data set and answer length, or have
    nothing to compare.
    """
    if len(runs) < 2:
        raise UserError("compare: give at least two runs")
    for run in runs:
        if run.samples is None:
            raise UserError(f"compare: {run.folder.id} has no reportable result ({run.result.verdict.words})")
    return [_compare(Pair(runs[0], other)) for other in runs[1:]]


def _compare(pair: Pair) -> Comparison:
    if unlike := unlike_in(pair.base.record, pair.other.record):
        words = unlike_words(unlike, pair.base.record, pair.other.record, (pair.base.folder.id, pair.other.folder.id))
        raise UserError(f"compare: these runs measure different things: {words}")
    return Comparison(
        baseline=pair.base.folder.id,
        other=pair.other.folder.id,
        changes=changes(pair),
        differences=differences(_circumstances(pair.base), _circumstances(pair.other)),
        notes=_notes(pair),
        fewer_answers=_unanswered(pair.other) > _unanswered(pair.base),
    )


def unlike_in(base: RunRecord, other: RunRecord) -> list[str]:
    """The fields by which two runs measure different things; none: they can be compared."""
    return [key for key in _MUST_AGREE if getattr(base, key) != getattr(other, key)]


def unlike_words(keys: Sequence[str], base: RunRecord, other: RunRecord, sides: tuple[str, str]) -> str:
    """What each of the fields is in either run, or campaign; `sides` are what they are called."""
    first, second = sides
    return "; ".join(
        f"{_CALLED.get(key, key)} is {_words(base, key)} in {first} and {_words(other, key)} in {second}"
        for key in keys
    )


def other_samples(base: RunRecord, other: RunRecord) -> list[str]:
    """That one was measured on more of the data set's samples: longer or shorter ones may be all that differs."""
    if base.samples == other.samples:
        return []
    return [
        f"The baseline took its samples from the data set's first {base.samples:,}, the other from its first "
        f"{other.samples:,}: what only one of them was asked may be why rates, medians and tails differ."
    ]


def _circumstances(run: RunAnalysis) -> Circumstances:
    return Circumstances(run.record, run.benchmark, run.system, run.folder.config)


def _words(record: RunRecord, key: str) -> str:
    if key == "shape":
        return record.shape.title if record.shape else "none (LoadGen drove)"
    if key == "dataset_sha256":  # two of one name may differ in what they hold
        count = f"{record.dataset_samples:,} samples"
        return f"{record.dataset_name}, {count} (sha256 {record.dataset_sha256[:_SHA256_SHOWN]})"
    return f"{record.max_tokens} tokens" if key == "max_tokens" else str(getattr(record, key))


def _unanswered(run: RunAnalysis) -> float:
    """The share of the issued samples that failed or were lost."""
    ledger = run.ledger
    return ledger.unanswered / ledger.issued if ledger and ledger.issued else 0.0


def _notes(pair: Pair) -> list[str]:
    notes = [
        "Intervals hold the noise within these two runs. Another run of the same system may differ by more; "
        "repeats show by how much."
    ]
    if pair.base.record.target_qps != pair.other.record.target_qps:
        notes.append(
            f"The load differs: {pair.base.record.target_qps} and {pair.other.record.target_qps} samples/s; rates "
            "follow the load and latencies depend on it."
        )
    notes += other_samples(pair.base.record, pair.other.record)
    if pair.base.record.simulated != pair.other.record.simulated:
        notes.append("One of the two is simulated.")
    notes += [
        f"{run.folder.id}: {words}; only answered ones are compared."
        for run in (pair.base, pair.other)
        if (words := run.result.unanswered_words)
    ]
    return notes
