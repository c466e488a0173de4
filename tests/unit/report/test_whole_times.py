"""How long a whole data set takes: measured where each of its samples was, else a projection."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from assay.analysis.projection import Projection
from assay.analysis.whole_time import WholeTime
from assay.report.whole_time import whole_time_words, whole_times_words


def projection(measured: int, distinct: int | None = None, seconds: float = 60.0) -> Projection:
    return Projection(
        name="all endpoints", of="a set", samples=100, measured_samples=measured,
        measured_distinct=measured if distinct is None else distinct, measured_seconds=seconds, rate=2.0, rate_low=None,
        rate_high=None, seconds=seconds, seconds_low=seconds - 1, seconds_high=seconds + 1,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("measured", "verb", "end"),
    [
        ((50, 50), "would take ", ": projections, not measurements."),
        ((50, 100), "would take ", ": projections, not measurements, but for that of the other."),
        ((100, 100), "took ", " on the other."),
    ],
)
def test_what_was_measured_whole_is_called_no_projection(measured: Sequence[int], verb: str, end: str) -> None:
    sides = dict(zip(("the baseline", "the other"), map(projection, measured), strict=True))
    (words,) = whole_times_words(sides)
    assert words.startswith(f"All 100 samples (a set) {verb}")
    assert words.endswith(end)


def test_the_same_samples_again_and_again_are_not_the_whole_set() -> None:
    def told(distinct: int) -> str:
        (words,) = whole_time_words(WholeTime(projection=projection(100, distinct)))
        return words

    assert told(100) == "All 100 samples (a set) took 60 s."
    assert told(40).startswith("All 100 samples (a set) would take ")
