"""The ledger: true books balance, and each way of cooking them is named."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.load.ledger import Attempt, Counts, build_ledger, final_attempts
from assay.runs import Ledger

TRUE = [
    Attempt(0, 1, "a", "ok", 5),
    Attempt(1, 1, "a", "http_5xx", None),
    Attempt(1, 2, "b", "ok", 5),
    Attempt(2, 1, "a", "stalled", None),
    Attempt(2, 2, "b", "truncated", 3),
    Attempt(3, 1, "b", "lost", None),
]


def build(attempts: list[Attempt], issued: list[int] | None = None, **counts: Any) -> Ledger:
    known: dict[str, Any] = {
        "callback_issued": 5,
        "driver_completed": None,
        "driver_failed": None,
        "log_completed": None,
        "short_outputs": 0,
    }
    final = final_attempts(attempts, max_attempts=2)
    return build_ledger(issued or [0, 1, 2, 3, 4], attempts, final, ["a", "b"], Counts(**(known | counts)))


def test_every_sample_has_its_place() -> None:
    ledger = build(TRUE)
    assert (ledger.issued, ledger.completed, ledger.failed, ledger.lost) == (5, 2, 1, 2)
    assert ledger.resent == 2
    assert ledger.failure_reasons == {"truncated": 1}
    assert [(e.sent, e.ok, e.failed, e.lost) for e in ledger.endpoints] == [(3, 1, 2, 0), (3, 1, 1, 1)]
    assert ledger.balanced


def test_a_sample_that_still_had_an_attempt_is_lost_and_not_failed() -> None:
    """The run ended while it waited to be sent again."""
    attempts = [Attempt(0, 1, "a", "ok", 5), Attempt(1, 1, "a", "stalled", None)]
    ledger = build(attempts, [0, 1], callback_issued=2)
    assert (ledger.completed, ledger.failed, ledger.lost) == (1, 0, 1)
    assert ledger.failure_reasons == {}
    assert ledger.balanced


@pytest.mark.parametrize(
    ("attempts", "issued", "counts", "words"),
    [
        (TRUE, None, {"callback_issued": 6}, "callback counted 6"),
        (TRUE, [0, 1, 2, 3, 3], {}, "issued more than once"),
        ([*TRUE, Attempt(9, 1, "a", "ok", 1)], None, {}, "never issued: 9"),
        ([*TRUE, Attempt(0, 1, "a", "ok", 5)], None, {}, "recorded twice: samples 0"),
        ([*TRUE, Attempt(0, 2, "b", "ok", 5)], None, {}, "answered more than once: 0"),
        (TRUE, None, {"driver_completed": 3}, "driver completed 3"),
        (TRUE, None, {"driver_failed": 0}, "driver failed 0"),
        (TRUE, None, {"log_completed": 5}, "LoadGen's log has 5 samples, the records 3; without an answer: 4"),
    ],
)
def test_books_that_do_not_balance(
    attempts: list[Attempt], issued: list[int] | None, counts: dict[str, int], words: str
) -> None:
    problems = build(attempts, issued, **counts).problems
    assert any(words in problem for problem in problems), problems


@given(st.lists(st.lists(st.sampled_from(["ok", "stalled", "lost"]), max_size=3), max_size=30))
def test_issued_is_always_the_sum(histories: list[list[str]]) -> None:
    attempts = []
    for sample, history in enumerate(histories):
        for number, status in enumerate(history, start=1):
            attempts.append(Attempt(sample, number, "a", status, None))
            if status != "stalled":
                break
    final = final_attempts(attempts, max_attempts=3)
    counts = Counts(len(histories), None, None, None, 0)
    ledger = build_ledger(list(range(len(histories))), attempts, final, ["a"], counts)
    assert ledger.balanced
    assert ledger.issued == ledger.completed + ledger.failed + ledger.lost
