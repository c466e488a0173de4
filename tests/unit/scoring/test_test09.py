"""TEST09 asks for every answer, and for a mean length within its bounds."""

from __future__ import annotations

import pytest

from assay.scoring import verify_test09
from assay.scoring.test06 import LoggedAnswer

BOUNDS = (1150.38, 1406.02)


def answers(*lengths: int) -> list[LoggedAnswer]:
    return [LoggedAnswer(tuple(range(length)), None, length) for length in lengths]


def test_lengths_within_the_bounds_pass() -> None:
    found = verify_test09(answers(1100, 1300, 1500), 3, BOUNDS)
    assert found.failed_checks == []
    assert found.mean == 1300
    assert found.text.splitlines()[-1] == "TEST PASS"


@pytest.mark.parametrize(
    ("lengths", "samples", "words"),
    [
        ((1150, 1150), 2, "1150.00 output tokens in the mean, 1150.38 to 1406.02 are asked for"),
        ((1407, 1407), 2, "1407.00 output tokens in the mean"),
        ((1300, 1300), 3, "2 answers were logged of 3"),
    ],
)
def test_what_fails_says_why(lengths: tuple[int, ...], samples: int, words: str) -> None:
    found = verify_test09(answers(*lengths), samples, BOUNDS)
    assert len(found.failed_checks) == 1
    assert found.failed_checks[0].startswith(words)
    assert "TEST PASS" not in found.text
    assert found.text.splitlines()[-1] == "TEST FAIL"
