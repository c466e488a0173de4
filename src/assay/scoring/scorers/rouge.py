"""ROUGE-1, -2, -L and -Lsum as MLPerf's reference evaluations of llama3.1-8b and llama2-70b compute them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from assay.scoring.model import Metric, Scorable, Scores
from assay.scoring.punkt import sentence_splitter
from assay.scoring.registry import scorer

ROUGE = tuple(
    Metric(name, "mean F-measure x 100", possible=(0, 100)) for name in ("rouge1", "rouge2", "rougeL", "rougeLsum")
)
_NAMES = tuple(metric.name for metric in ROUGE)
CHARACTERS = Metric("gen_len", "characters", possible=(0, None), total=True)
TOKENS = Metric("gen_tok_len", "tokens", possible=(0, None), total=True)
TOKENS_EACH = Metric("tokens_per_sample", "tokens an answer", possible=(0, None))


def accuracy_txt(scores: Scores) -> str:
    """The line of `accuracy.txt` that MLPerf's submission checker reads, with the title above it that the reference
    prints. The checker's patterns refuse numpy's way of printing numbers, so everything here is plain."""
    line: dict[str, str | float] = {}
    for name, value in scores.values.items():
        if name == TOKENS.name:
            line["gen_num"] = scores.samples
        line[name] = str(value) if name in _NAMES else value
    line.setdefault("gen_num", scores.samples)
    return f"\nResults\n\n{line}\n"


@scorer("rouge", *ROUGE, CHARACTERS, accuracy_txt=accuracy_txt)
def rouge(answers: Sequence[Scorable]) -> Scores:
    """As language/llama3.1-8b/evaluation.py of mlcommons/inference.

    Both sides are stripped and put one sentence a line (NLTK's Punkt, English); F-measures with the Porter stemmer;
    their plain mean in percent, 4 decimals. `gen_len` is the characters of the answers after that.
    Raises ValueError if there are none.
    """
    if not answers:
        raise ValueError("no answers to score")
    from rouge_score_rs.rouge_scorer import RougeScorer

    engine: Any = RougeScorer(list(_NAMES), use_stemmer=True)  # type: ignore[no-untyped-call]
    split = sentence_splitter()
    predicted = ["\n".join(split(item.answer.strip())) for item in answers]
    expected = ["\n".join(split(item.reference.strip())) for item in answers]
    scored = engine.score_batch(expected, predicted)
    own = {name: np.array([each[name].fmeasure for each in scored], dtype=np.float64) for name in _NAMES}
    values: dict[str, float] = {name: _percent(fractions) for name, fractions in own.items()}
    values[CHARACTERS.name] = sum(len(text) for text in predicted)
    return Scores("rouge", values, len(answers), {name: 100 * fractions for name, fractions in own.items()})


@scorer("rouge_tokens", *ROUGE, CHARACTERS, TOKENS, TOKENS_EACH, accuracy_txt=accuracy_txt)
def rouge_tokens(answers: Sequence[Scorable]) -> Scores:
    """As language/llama2-70b/evaluate-accuracy.py: ROUGE, and the answers' tokens, a sample to one decimal."""
    found = rouge(answers)
    tokens = sum(item.tokens for item in answers)
    lengths = {TOKENS.name: tokens, TOKENS_EACH.name: round(tokens / len(answers), 1)}
    return Scores("rouge_tokens", {**found.values, **lengths}, found.samples, found.per_sample)


def _percent(f_measures: np.typing.NDArray[np.float64]) -> float:
    # Rounded by numpy as the reference does (Python's round may differ in the last digit), then a plain float.
    return float(np.round(np.mean(f_measures) * 100, 4))
