"""ROUGE-1, -2, -L and -Lsum as MLPerf's reference evaluation of llama3.1-8b computes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from assay.scoring.model import METRICS, RougeScores
from assay.scoring.punkt import sentence_splitter


def rouge(
    predictions: Sequence[str], references: Sequence[str], sample_index: Sequence[int] | None = None
) -> RougeScores:
    """Score `predictions[i]` against `references[i]`; `sample_index` names them, by default 0, 1, 2, …

    Source: language/llama3.1-8b/evaluation.py of mlcommons/inference. Both sides are stripped and put one sentence
    a line (NLTK's Punkt, English); F-measures with the Porter stemmer; their plain mean in percent, 4 decimals.
    `gen_len` is the characters of the predictions after that.
    Raises ValueError if there are none or the lengths differ.
    """
    if not predictions or len(predictions) != len(references):
        raise ValueError(f"needs a reference a prediction: got {len(references)} and {len(predictions)}")
    from rouge_score_rs.rouge_scorer import RougeScorer

    scorer: Any = RougeScorer(list(METRICS), use_stemmer=True)  # type: ignore[no-untyped-call]
    split = sentence_splitter()
    predicted = ["\n".join(split(text.strip())) for text in predictions]
    expected = ["\n".join(split(text.strip())) for text in references]
    scored = scorer.score_batch(expected, predicted)
    per_sample = {
        metric: np.array([score[metric].fmeasure for score in scored], dtype=np.float64) for metric in METRICS
    }
    return RougeScores(
        **{metric: _percent(values) for metric, values in per_sample.items()},
        gen_len=sum(len(text) for text in predicted),
        gen_num=len(predicted),
        per_sample=per_sample,
        sample_index=np.array(range(len(predicted)) if sample_index is None else sample_index, dtype=np.int64),
    )


def _percent(f_measures: np.typing.NDArray[np.float64]) -> float:
    # Rounded by numpy as the reference does (Python's round may differ in the last digit), then a plain float.
    return float(np.round(np.mean(f_measures) * 100, 4))


def accuracy_txt(scores: RougeScores) -> str:
    """The line of `accuracy.txt` that MLPerf's submission checker reads, with the title above it that the reference
    prints. The checker's patterns refuse numpy's way of printing numbers, so everything here is plain."""
    line: dict[str, str | int] = {metric: str(value) for metric, value in scores.values().items()}
    line["gen_len"] = scores.gen_len
    line["gen_num"] = scores.gen_num
    return f"\nResults\n\n{line}\n"
