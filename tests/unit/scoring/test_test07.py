"""TEST07 asks for every answer, and for a score that another program made of them."""

from __future__ import annotations

import pytest

from assay.scoring import verify_test07
from assay.scoring.test06 import LoggedAnswer

TARGET = ("exact_match", 60.698)
UNSCORED = "to be scored with another program"
ANSWERS = [LoggedAnswer((1, 2), None, 2)] * 3


@pytest.mark.parametrize("score", [60.698, 62.727])
def test_a_score_that_reaches_the_least_passes(score: float) -> None:
    found = verify_test07(ANSWERS, 3, TARGET, {"exact_match": score}, UNSCORED)
    assert found.failed_checks == []
    assert f"Accuracy score: {score:g}\nAccuracy threshold: 60.698\n" in found.text
    assert found.text.splitlines()[-1] == "TEST PASS"


@pytest.mark.parametrize(
    ("scores", "samples", "words"),
    [
        ({"exact_match": 60.697}, 3, "exact_match is 60.697, and 60.698 is asked for"),
        ({"exact_match": float("nan")}, 3, "exact_match is nan, and 60.698 is asked for"),
        ({"exact_match": 62.0}, 4, "3 answers were logged of 4"),
        ({"exact_match": 62.0}, 2, "3 answers were logged of 2"),
        ({"rouge1": 62.0}, 3, UNSCORED),
    ],
)
def test_what_fails_says_why(scores: dict[str, float], samples: int, words: str) -> None:
    found = verify_test07(ANSWERS, samples, TARGET, scores, UNSCORED)
    assert found.failed_checks == [words]
    assert "TEST PASS" not in found.text
    assert found.text.splitlines()[-1] == "TEST FAIL"
