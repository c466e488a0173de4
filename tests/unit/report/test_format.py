"""Numbers in words."""

from __future__ import annotations

import pytest

from assay.report import format as fmt


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (13368, "13,368"),
        (0.58349, "0.5835"),
        (13.66123, "13.66"),
        (1497.4, "1,497"),
        (0.0, "0"),
        (-0.12345, "-0.1235"),
        (None, "not measured"),
        (float("nan"), "not measured"),
        (1e-12, "0.000000000"),
    ],
)
def test_number(value: float | None, text: str) -> None:
    assert fmt.number(value) == text


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (1.0, 2.5, "95 %: 1 to 2.500"),
        (1.5, None, "95 %: above 1.500; too few samples for an upper bound"),
        (None, 1.5, "95 %: below 1.500; too few samples for a lower bound"),
        (None, None, "no interval: too few samples"),
    ],
)
def test_interval(low: float | None, high: float | None, text: str) -> None:
    assert fmt.interval(low, high) == text


def test_an_interval_has_its_unit_at_the_number() -> None:
    assert fmt.interval(1.5, None, "ms") == "95 %: above 1.500 ms; too few samples for an upper bound"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (45.2, "45.2 s"),
        (119, "119 s"),
        (978.6, "16.3 min"),
        (48_260, "13.4 h"),
        (400_000, "4.63 d"),
        (None, "not measured"),
    ],
)
def test_duration(seconds: float | None, text: str) -> None:
    assert fmt.duration(seconds) == text


def test_both_ends_of_a_time_are_in_one_unit() -> None:
    assert fmt.durations(118, 133) == "1.97 min to 2.22 min"
    assert fmt.durations(3.57 * 60, 4.04 * 60) == "3.57 min to 4.04 min"
    assert fmt.durations(6000, 9000) == "1.67 h to 2.50 h"
    assert fmt.durations(3.0, 4.5) == "3 s to 4.50 s"
    assert fmt.durations(3.0, float("inf")) == "3 s to not measured"


@pytest.mark.parametrize(
    ("count", "text"), [(512, "512 B"), (2048, "2 KiB"), (80 << 30, "80 GiB"), (1_500_000, "1.43 MiB")]
)
def test_size(count: int, text: str) -> None:
    assert fmt.size(count) == text


def test_an_interval_that_is_open_on_one_side_says_so_in_a_table() -> None:
    assert fmt.with_interval(184.2, None, 189.4) == "184.2 (189.4 or less)"
    assert fmt.with_interval(184.2, 180.1, None) == "184.2 (180.1 or more)"
    assert fmt.with_interval(184.2, None, None) == "184.2"
    assert fmt.with_interval(184.2, 180.1, 189.4) == "184.2 (180.1 to 189.4)"


@pytest.mark.parametrize(
    ("value", "low", "high", "words"),
    [
        (1.2, 1.0004, 1.4, "1.20 x (1.0004 to 1.40)"),
        (0.9, 0.8, 0.99991, "0.900 x (0.800 to 0.9999)"),
        (1.0003, 1.0001, 1.0005, "1.0003 x (1.0001 to 1.0005)"),
        (1.0003, 0.9996, 1.0004, "1.00 x (1.000 to 1.00)"),
        (10.0, 1.0004, 100.0, "10 x (1.0004 to 100)"),
        (1.0003, None, None, "1.00 x"),
    ],
)
def test_a_ratio_whose_interval_excludes_1_doesnt_read_as_if_it_held_it(
    value: float, low: float | None, high: float | None, words: str
) -> None:
    assert fmt.times(value, low, high) == words.replace("x", fmt.TIMES)
    if low is not None and high is not None:
        assert fmt.ratio_interval(low, high) == f"95 %: {words.partition('(')[2].removesuffix(')')}"
