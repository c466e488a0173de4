"""A load that ends once a test is sure: what the test is told, and what it says of loads that are one or the other."""

from __future__ import annotations

import subprocess
import sys
from array import array

import pytest

from assay.load.frames import Done
from assay.load.until_sure import Ended, UntilSure
from assay.runs.tail_limits import parse_tail_limits

MS = 1_000_000
LIMITS = parse_tail_limits("p99(ttft) < 100 ms, p95(tpot) < 10 ms")


def done(sample: int, ttft_ms: float, tpot_ms: float = 1.0, tokens: int = 11) -> Done:
    """One that was due at its number in ms."""
    first_ns = int((sample + ttft_ms) * MS)
    last_ns = first_ns + int(tpot_ms * MS) * (abs(tokens) - 1)
    return Done(sample, 1, 0, 0, tokens, abs(tokens), sample * MS, first_ns, last_ns, last_ns, 0, b"", "")


def told(samples: list[Ended]) -> UntilSure:
    """Each issued when the one before has ended."""
    test = UntilSure(LIMITS, array("q", range(0, len(samples) * MS, MS)))
    for sample in samples:
        test.issued(1)
        test.ended([sample])
    return test


def test_requests_within_their_limits_end_it_as_kept() -> None:
    sure = told([Ended(done(n, 50), True) for n in range(1500)]).look(7)
    assert sure is not None
    assert (sure.over, sure.after_ns) == (False, 7)


@pytest.mark.parametrize(
    "broken",
    [
        [Ended(done(n, 50 if n % 10 else 101), True) for n in range(1500)],
        [Ended(done(n, 50, 9 if n % 5 else 11), True) for n in range(1500)],
        [Ended(done(n, 50), n % 10 > 0) for n in range(1500)],
    ],
    ids=["ttft", "tpot", "failed"],
)
def test_too_many_beyond_a_limit_end_it_as_broken(broken: list[Ended]) -> None:
    sure = told(broken).look(0)
    assert sure is not None
    assert sure.over


def test_few_requests_are_sure_of_nothing() -> None:
    assert told([Ended(done(n, 50), True) for n in range(90)]).look(0) is None


def test_one_token_has_no_time_per_token_to_break_a_limit_with() -> None:
    sure = told([Ended(done(n, 50, tokens=1), True) for n in range(1500)]).look(0)
    assert sure is not None
    assert not sure.over


def test_chunks_stand_for_tokens_that_nobody_counts() -> None:
    untold = [Ended(done(n, 50, 20)._replace(output_tokens=-1), True) for n in range(1500)]
    sure = told(untold).look(0)
    assert sure is not None
    assert sure.over


def test_a_request_that_came_while_others_were_in_flight_has_them_counted() -> None:
    test = UntilSure(LIMITS, array("q", [0, 0, 0]))
    test.issued(2)
    test.ended([Ended(done(0, 50), True)])
    test.issued(1)
    assert list(test._in_flight) == [0, 1, 1]


def test_a_look_imports_nothing_while_requests_wait_to_be_sent() -> None:
    program = """
import sys
from assay.load.until_sure import UntilSure
from assay.runs.tail_limits import parse_tail_limits
from assay.search.evidence import Evidence
until_sure = UntilSure(parse_tail_limits("p99(ttft) < 2 s"), [])
there = set(sys.modules)
Evidence(1000, 5, 1.0).less_than(0.01), Evidence(1000, 5, 1.0).more_than(0.01)
print(sorted(set(sys.modules) - there))
"""
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
