"""Tokens of a search's best try against the default's."""

from __future__ import annotations

import numpy as np

from assay.analysis.answers import RunAnswers
from assay.analysis.engine_answers import agreement


def run(answers: dict[int, list[int]], endpoint: str = "e", model: str = "m") -> RunAnswers:
    made = RunAnswers(("sha", 8, model, "ids"), {endpoint: "n"})
    made.answers[endpoint] = {prompt: [np.asarray(ids, dtype=np.int32)] for prompt, ids in answers.items()}
    return made


DEFAULT = run({0: [1, 2, 3], 1: [4, 5], 2: [6], 3: [7]})


def test_shares_are_of_prompts_that_both_answered() -> None:
    best = run({0: [1, 2, 9], 1: [4, 5], 2: [8], 9: [1]}, endpoint="other")
    again = run({0: [1, 2, 3], 1: [4, 6]})
    found = agreement([DEFAULT, again], [best])
    assert found is not None
    assert (found.prompts, found.equal) == (3, 1 / 3)
    assert found.first_difference == 2, "the median of the third token and the first"
    assert (found.default_prompts, found.default_equal) == (2, 0.5)


def test_one_start_says_nothing_of_the_defaults_own_agreement() -> None:
    found = agreement([DEFAULT], [DEFAULT])
    assert found is not None
    assert (found.equal, found.first_difference, found.default_equal) == (1.0, None, None)


def test_nothing_in_common_is_not_measured() -> None:
    assert agreement([DEFAULT], [run({7: [1]})]) is None
    assert agreement([DEFAULT], [run({0: [1]}, model="another")]) is None
    assert agreement([], [DEFAULT]) is None
