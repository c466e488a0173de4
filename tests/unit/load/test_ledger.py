"""The ledger: true books balance, and each way of cooking them is named."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.load.ledger import STATUSES, Attempts, Counts, build_ledger, deciding
from assay.load.retries import Patience, result_of
from assay.load.transport import Outcome
from assay.runs import Ledger

ENDPOINTS = ["a", "b"]


class Attempt(NamedTuple):
    sample: int
    attempt: int
    endpoint: str
    status: str


TRUE = [
    Attempt(0, 1, "a", "ok"),
    Attempt(1, 1, "a", "http_5xx"),
    Attempt(1, 2, "b", "ok"),
    Attempt(2, 1, "a", "stalled"),
    Attempt(2, 2, "b", "truncated"),
    Attempt(3, 1, "b", "lost"),
]


def columns(attempts: list[Attempt]) -> Attempts:
    return Attempts(
        np.array([one.sample for one in attempts], np.int64),
        np.array([one.attempt for one in attempts], np.int16),
        np.array([ENDPOINTS.index(one.endpoint) for one in attempts], np.int16),
        np.array([STATUSES.index(one.status) for one in attempts], np.int8),
    )


def build(attempts: list[Attempt], issued: list[int] | None = None, max_attempts: int = 2, **counts: Any) -> Ledger:
    known: dict[str, Any] = {
        "callback_issued": 5,
        "driver_completed": None,
        "driver_failed": None,
        "log_completed": None,
        "short_outputs": 0,
    }
    books = columns(attempts)
    handed_over = np.array([0, 1, 2, 3, 4] if issued is None else issued, np.int64)
    return build_ledger(handed_over, books, deciding(books, max_attempts), ENDPOINTS, Counts(**(known | counts)))


def test_every_sample_has_its_place() -> None:
    ledger = build(TRUE)
    assert (ledger.issued, ledger.completed, ledger.failed, ledger.lost) == (5, 2, 1, 2)
    assert ledger.resent == 2
    assert ledger.failure_reasons == {"truncated": 1}
    assert [(e.sent, e.ok, e.failed, e.lost) for e in ledger.endpoints] == [(3, 1, 2, 0), (3, 1, 1, 1)]
    assert ledger.balanced


def test_a_sample_that_still_had_an_attempt_is_lost_and_not_failed() -> None:
    """The run ended while it waited to be sent again."""
    attempts = [Attempt(0, 1, "a", "ok"), Attempt(1, 1, "a", "stalled")]
    ledger = build(attempts, [0, 1], callback_issued=2)
    assert (ledger.completed, ledger.failed, ledger.lost) == (1, 0, 1)
    assert ledger.failure_reasons == {}
    assert ledger.balanced


@pytest.mark.parametrize(
    ("attempts", "issued", "counts", "words"),
    [
        (TRUE, None, {"callback_issued": 6}, "callback counted 6"),
        (TRUE, [0, 1, 2, 3, 3], {}, "issued more than once"),
        ([*TRUE, Attempt(9, 1, "a", "ok")], None, {}, "never issued: 9"),
        ([*TRUE, Attempt(0, 1, "a", "ok")], None, {}, "recorded twice: samples 0"),
        ([*TRUE, Attempt(0, 2, "b", "ok")], None, {}, "answered more than once: 0"),
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


def decided_one_by_one(attempts: list[Attempt], max_attempts: int) -> dict[int, int]:
    """Sample: row of the attempt that decided it, as `Patience` tells while a load runs."""
    final, patience = {}, dict[int, Patience]()
    for row, attempt in sorted(enumerate(attempts), key=lambda found: found[1].attempt):
        if attempt.status in ("ok", "lost"):
            final[attempt.sample] = row
        else:
            left = patience.setdefault(attempt.sample, Patience())
            if left.spent(result_of(Outcome(attempt.status)), max_attempts):
                final[attempt.sample] = row
    return final


ANY = st.builds(Attempt, st.integers(0, 5), st.integers(1, 4), st.sampled_from(ENDPOINTS), st.sampled_from(STATUSES))


@given(st.lists(ANY, max_size=40), st.integers(1, 4))
def test_a_sample_is_decided_as_it_was_while_the_load_ran(attempts: list[Attempt], max_attempts: int) -> None:
    rows = deciding(columns(attempts), max_attempts).tolist()
    assert {attempts[row].sample: row for row in rows} == decided_one_by_one(attempts, max_attempts)
    assert rows == sorted(rows, key=lambda row: attempts[row].sample)
    assert len(rows) == len({attempts[row].sample for row in rows})


def test_waits_for_a_busy_endpoint_are_counted_apart() -> None:
    busy = [Attempt(0, number, "a", "http_503") for number in range(1, 100)]
    assert not len(deciding(columns(busy), 3))
    assert deciding(columns([*busy, Attempt(0, 100, "a", "http_503")]), 3).tolist() == [99]
    assert not len(deciding(columns([*busy, Attempt(0, 100, "a", "stalled")]), 3))


@given(st.lists(st.lists(st.sampled_from(["ok", "stalled", "lost"]), max_size=3), max_size=30))
def test_issued_is_always_the_sum(histories: list[list[str]]) -> None:
    attempts = []
    for sample, history in enumerate(histories):
        for number, status in enumerate(history, start=1):
            attempts.append(Attempt(sample, number, "a", status))
            if status != "stalled":
                break
    ledger = build(attempts, list(range(len(histories))), 3, callback_issued=len(histories))
    assert ledger.balanced
    assert ledger.issued == ledger.completed + ledger.failed + ledger.lost
    assert ledger.attempts == sum(endpoint.sent for endpoint in ledger.endpoints)
