"""Lines of the terminal end between words, and nothing that belongs together is parted."""

from __future__ import annotations

import pytest

from assay.report.format import TIMES
from assay.wrapping import between_words, first_clause


@pytest.mark.parametrize("width", [20, 40, 60, 80])
def test_numbers_keep_their_units_and_commands_are_whole(width: int) -> None:
    command = "`assay run --resume results/a-campaign --retry-failed`"
    times = f"1.2 {TIMES}"
    words = f"within 200 ms (95 %: {times} as fast) of 3.5 GiB next: {command} runs again what failed in 12 min"
    lines = between_words(f"  {words}", width).splitlines()
    assert " ".join(" ".join(lines).split()) == words
    for whole in ("200 ms", "95 %:", times, "3.5 GiB", command, "12 min"):
        assert any(whole in line for line in lines), whole
    assert all(len(line) <= width or line.strip() == command for line in lines)


def test_later_lines_hang_and_short_ones_stay_as_they_are() -> None:
    assert between_words("  one two three", 8) == "  one\n    two\n    three"
    assert between_words("one  two", 8) == "one  two"


@pytest.mark.parametrize(
    ("sentence", "clause"),
    [
        ("A: 12 ms (95 %: 1; 2 or more); not valid.", "A: 12 ms (95 %: 1; 2 or more)"),
        ("All of it.", "All of it"),
        ("3.5 a second", "3.5 a second"),
    ],
)
def test_the_first_clause_ends_outside_of_brackets(sentence: str, clause: str) -> None:
    assert first_clause(sentence) == clause
