"""llama3.1-405b's scores: each answer by the metric of its sample.

The values of matches are those of the reference's own functions, which gave the same on 70,000 random pairs of texts.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from rouge_score import rouge_scorer

from assay.errors import AssayError
from assay.scoring import Scorable, Scores, get_scorer, mean_intervals

ONE = "5f2b8a10-1234-4abc-9def-0123456789ab"
TWO = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"


def score(*answers: tuple[str, str, str]) -> Scores:
    """Of (metric, reference, answer)."""
    items = [Scorable(n, answer, wanted, 10 + n, metric) for n, (metric, wanted, answer) in enumerate(answers)]
    return get_scorer("rouge_or_match").score(items)


@pytest.mark.parametrize(
    ("reference", "answer", "expected"),
    [
        (ONE, f"It is {ONE.upper()}.", 100.0),
        (ONE, "none", 0.0),
        (ONE, "00000000-1111-2222-3333-444444444444", 47.22),
        (f"{ONE} {TWO}", ONE, 100.0),
        (ONE, f"{ONE} {TWO}", 50.0),
    ],
)
def test_identifiers(reference: str, answer: str, expected: float) -> None:
    assert score(("niah_em", reference, answer)).values["exact_match"] == expected


@pytest.mark.parametrize(
    ("reference", "answer", "expected"),
    [
        ("Paris|City of Light", "I think. Answer: paris", 100.0),
        ("Paris", "London", 0.0),
        ("Paris", "Answer: Paris. Answer: Rome", 0.0),
        ("New York|NYC", "newyork it is", 100.0),
        ("Paris is nice", "Answer: is", 100.0),
        ("Paris", "", 100.0),
    ],
)
def test_answers_to_questions(reference: str, answer: str, expected: float) -> None:
    assert score(("qa_em", reference, answer)).values["exact_match"] == expected


def test_each_score_is_the_mean_over_the_answers_that_have_it() -> None:
    wanted, given = "The cat sat on the mat. It was warm.", "A cat sat there. It was a warm mat."
    found = score(
        ("rouge", wanted, given), ("qa_em", "yes", "yes"), ("niah_em", ONE, "none"), ("rouge", wanted, wanted)
    )
    lines = (text.replace(". ", ".\n") for text in (wanted, given))
    own = 100 * rouge_scorer.RougeScorer(["rougeL"], use_stemmer=True).score(*lines)["rougeL"].fmeasure
    assert found.values["rougeL"] == pytest.approx((own + 100) / 2)
    assert found.values["exact_match"] == 50.0
    assert (found.values["gen_tok_len"], found.values["tokens_per_sample"], found.samples) == (46, 11.5, 4)
    assert [math.isnan(value) for value in found.per_sample["rougeL"]] == [False, True, True, False]
    assert [math.isnan(value) for value in found.per_sample["exact_match"]] == [True, False, False, True]


def test_a_score_that_no_answer_has_is_not_given() -> None:
    assert "rougeL" not in score(("qa_em", "yes", "yes")).values
    assert "exact_match" not in score(("rouge", "yes", "yes")).values


@pytest.mark.parametrize("metric", ["", "bleu"])
def test_a_sample_that_says_nothing_known_cannot_be_scored(metric: str) -> None:
    with pytest.raises(
        AssayError, match=r"sample 1: its metric is (not told|bleu), and must be one of rouge, qa_em, niah_em"
    ):
        score(("rouge", "a", "a"), (metric, "a", "a"))


def test_what_the_checker_reads() -> None:
    scorer = get_scorer("rouge_or_match")
    assert scorer.accuracy_txt is not None
    text = scorer.accuracy_txt(score(("rouge", "a cat", "a cat"), ("qa_em", "yes", "no")))
    assert "{'rougeL': '100.0', 'exact_match': 0.0, 'gen_len': 7, 'gen_num': 2, 'gen_tok_len': 21," in text


def test_intervals_of_scores_that_some_answers_lack_are_over_the_others() -> None:
    draw = np.random.default_rng(1)
    whole, part = draw.random(40), draw.random(40)
    alone = mean_intervals({"part": part[::2]})["part"]
    part[1::2] = np.nan
    found = mean_intervals({"part": part, "whole": whole})
    assert found == {"part": alone, "whole": mean_intervals({"whole": whole})["whole"]}
    assert list(found) == ["part", "whole"]
