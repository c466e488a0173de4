"""The scores are those of the answers that LoadGen logged."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from assay.audit.evidence import RunEvidence
from assay.audit.folder import FolderFacts
from assay.audit.registry import Check, contradicted, run_rule, supported
from assay.errors import AssayError
from assay.runs.result import AccuracyResult
from assay.scoring import Answer, Scorable, get_scorer

_NEAR = 1e-3
_LEAST_TOKENS = 2
"""LoadGen takes no answer of fewer tokens: one is filled up with the end of the sequence."""


@run_rule(
    "accuracy-answers",
    explain="""
In accuracy mode LoadGen logs every answer's token ids. They are those of requests.parquet; answers.jsonl has the same
samples in words, each once; and the benchmark's scorer, run again over those words, gives the scores of accuracy.json
and accuracy.txt, over as many samples.
""",
    source="mlperf_log_accuracy.json, requests.parquet, answers.jsonl, accuracy.json, accuracy.txt",
)
def check(run: RunEvidence) -> Iterator[Check]:
    facts = run.folder
    if facts is None or run.performance or facts.logged_answers is None:
        return
    found = [*_ids(facts, facts.logged_answers), *_words(facts, facts.logged_answers), *_printed(facts)]
    found += _scores(facts, facts.logged_answers)
    yield from found
    if not found:
        what = "scores" if facts.accuracy is not None else "answers"  # which another program may have scored
        yield supported(f"the {what} are those of LoadGen's log", f"{len(facts.logged_answers)} answers")


def _ids(facts: FolderFacts, logged: dict[int, Answer]) -> Iterator[Check]:
    if facts.rows is None or not facts.rows.answers:
        return  # the server sent no ids: LoadGen's are of a tokenizer
    ours = facts.rows.answers
    other = [
        sample
        for sample, answer in logged.items()
        if sample in ours and not any(_same(answer, own) for own in ours[sample])
    ]
    if other:
        yield contradicted(
            f"{len(logged)} answers are those that came",
            f"{len(other)} have other token ids, sample {other[0]} for one",
        )


def _same(logged: Answer, own: bytes) -> bool:
    data = logged.token_ids.astype("<i4").tobytes()
    return data == own or (len(data) <= 4 * _LEAST_TOKENS and data.startswith(own))


def _words(facts: FolderFacts, logged: dict[int, Answer]) -> Iterator[Check]:
    scored = [item.index for item in facts.answers or ()]
    if facts.answers is not None and sorted(scored) != sorted(logged):
        strange = sorted(set(scored) ^ set(logged))
        words = f"sample {strange[0]} is in one of them alone" if strange else "some are there several times"
        yield contradicted(f"{len(scored)} answers were scored", f"{len(logged)} samples in LoadGen's log; {words}")


def _scores(facts: FolderFacts, logged: dict[int, Answer]) -> Iterator[Check]:
    accuracy = facts.accuracy
    if accuracy is None:
        return
    if accuracy.samples != len(logged):
        yield contradicted(f"accuracy over {accuracy.samples} samples", f"{len(logged)} in LoadGen's log")
    fresh = _fresh(accuracy, facts.answers or [], logged)
    for name, score in accuracy.scores.items():
        if name in fresh and not math.isclose(score.value, fresh[name], rel_tol=1e-6, abs_tol=_NEAR):
            yield contradicted(f"{name} {score.value:.10g}", f"{fresh[name]:.10g} when answers.jsonl is scored again")


def _fresh(accuracy: AccuracyResult, answers: list[Scorable], logged: dict[int, Answer]) -> dict[str, float]:
    """The scores computed again; none where the scorer isn't known or can't run here."""
    if not answers or not accuracy.scorer:
        return {}
    counted = [
        replace(item, tokens=len(logged[item.index].token_ids) if item.index in logged else 0) for item in answers
    ]
    try:
        return get_scorer(accuracy.scorer).score(counted).values
    except AssayError:
        return {}


def _printed(facts: FolderFacts) -> Iterator[Check]:
    accuracy = facts.accuracy
    if accuracy is None:
        return
    for name, value in facts.printed_scores.items():
        stated = accuracy.scores.get(name)
        if stated is not None and not math.isclose(stated.value, value, rel_tol=1e-6, abs_tol=_NEAR):
            yield contradicted(f"{name} {stated.value:.10g} in accuracy.json", f"{value:.10g} in accuracy.txt")
