"""ROUGE-L of some answers and matches of the others, as MLPerf's reference evaluation of llama3.1-405b.

Each sample says how its answer is held against the reference: `rouge` (a summary), `qa_em` (the answer to a question,
of which any of several will do) or `niah_em` (identifiers to be found in a long text).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from assay.errors import AssayError
from assay.scoring.model import Scorable, Scores
from assay.scoring.punkt import sentence_splitter
from assay.scoring.registry import scorer
from assay.scoring.scorers.exact_match import EXACT
from assay.scoring.scorers.rouge import CHARACTERS, ROUGE, TOKENS, TOKENS_EACH, accuracy_txt

(ROUGE_L,) = (metric for metric in ROUGE if metric.name == "rougeL")
_IDENTIFIER = re.compile(r"\w{8}-\w{4}-\w{4}-\w{4}-\w{12}")
_BEGINS = "Answer: "
_SUMMARY = "rouge"


@scorer("rouge_or_match", ROUGE_L, EXACT, CHARACTERS, TOKENS, TOKENS_EACH, accuracy_txt=accuracy_txt)
def rouge_or_match(answers: Sequence[Scorable]) -> Scores:
    """As language/llama3.1-405b/evaluate-accuracy.py of mlcommons/inference (b66003e1).

    Both sides are stripped and put one sentence a line before anything else. `rougeL` is the mean over the answers that
    are summaries, `exact_match` over the others, in percent. Raises AssayError where a sample says nothing known.
    """
    if not answers:
        raise ValueError("no answers to score")
    split = sentence_splitter()
    predicted = ["\n".join(split(item.answer.strip())) for item in answers]
    expected = ["\n".join(split(item.reference.strip())) for item in answers]
    own = {metric.name: np.full(len(answers), np.nan) for metric in (ROUGE_L, EXACT)}
    summaries = [number for number, item in enumerate(answers) if item.metric == _SUMMARY]
    if summaries:
        own[ROUGE_L.name][summaries] = _rouge([expected[n] for n in summaries], [predicted[n] for n in summaries])
    for number, item in enumerate(answers):
        if item.metric != _SUMMARY:
            own[EXACT.name][number] = _matching(item)(expected[number], predicted[number])
    values = {name: float(np.nanmean(each)) for name, each in own.items() if not np.isnan(each).all()}
    values[CHARACTERS.name] = sum(len(text) for text in predicted)
    values[TOKENS.name] = tokens = sum(item.tokens for item in answers)
    values[TOKENS_EACH.name] = round(tokens / len(answers), 1)
    kept = {name: each for name, each in own.items() if name in values}
    return Scores("rouge_or_match", values, len(answers), kept)


def _matching(item: Scorable) -> Callable[[str, str], float]:
    if item.metric not in _MATCHES:
        known = ", ".join((_SUMMARY, *_MATCHES))
        raise AssayError(f"sample {item.index}: its metric is {item.metric or 'not told'}, and must be one of {known}")
    return _MATCHES[item.metric]


def _rouge(expected: Sequence[str], predicted: Sequence[str]) -> list[float]:
    from rouge_score_rs.rouge_scorer import RougeScorer

    engine: Any = RougeScorer([ROUGE_L.name], use_stemmer=True)  # type: ignore[no-untyped-call]
    return [100 * each[ROUGE_L.name].fmeasure for each in engine.score_batch(expected, predicted)]


def _identifiers(expected: str, predicted: str) -> float:
    """How much of the identifiers was found. The reference asks it letter by letter: a letter counts that occurs
    anywhere in the identifier that was given in its place."""
    given = _IDENTIFIER.findall(predicted)
    if not given:
        return 0.0
    pairs = zip(given, _IDENTIFIER.findall(expected), strict=False)
    shares = [sum(letter in own.lower() for letter in wanted.lower()) / len(wanted) for own, wanted in pairs]
    return round(100 * sum(shares) / len(given), 2)


def _answer(expected: str, predicted: str) -> float:
    """Whether any of the answers that will do, which a | separates, is in what follows the last `Answer: `."""
    given = predicted.rpartition(_BEGINS)[2]
    if given in expected:
        return 100.0
    plain = "".join(given.split()).lower()
    return 100.0 if any("".join(one.split()).lower() in plain for one in expected.split("|")) else 0.0


_MATCHES: dict[str, Callable[[str, str], float]] = {"qa_em": _answer, "niah_em": _identifiers}
