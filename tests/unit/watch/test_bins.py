"""Readings of a whole run in few bins: means of the right readings, whatever the length and the order."""

from __future__ import annotations

import numpy as np
import pytest
from tests.following import SECOND

from assay.watch.bins import Bins


def add(bins: Bins[str], name: str, *readings: tuple[float, float]) -> None:
    times = np.array([round(at_s * SECOND) for at_s, _ in readings])
    bins.add([name], np.zeros(len(readings), dtype=np.int64), times, np.array([value for _, value in readings]))


def test_bins_hold_means_and_gaps_stay_gaps() -> None:
    bins: Bins[str] = Bins()
    add(bins, "a", (10.0, 1), (10.5, 3), (12.2, 7), (20, 0))
    add(bins, "b", (11.0, 5))
    assert bins.closed == 7
    means = bins.means(["a", "b"])
    assert means.values[0][:3].tolist() == pytest.approx([2, np.nan, 7], nan_ok=True)
    assert means.values[1][:3].tolist() == pytest.approx([np.nan, 5, np.nan], nan_ok=True)
    assert means.time_ns[:2].tolist() == [10.5 * SECOND, 11.5 * SECOND]
    assert bins.means(["a"], begin=2).values.tolist()[0][0] == 7


@pytest.mark.parametrize("seconds", [7, 8, 9, 100, 1000])
def test_a_long_run_has_as_few_bins_and_the_same_mean(seconds: int) -> None:
    bins: Bins[str] = Bins(most=8)
    for second in range(seconds):
        add(bins, "a", (second, float(second)))
        add(bins, "late", (second // 2, 1.0))
    add(bins, "a", (seconds - 1 + 3 * bins.width_ns / SECOND, 0.0))  # closes what came before
    means = bins.means(["a", "late"])
    assert means.values.shape[1] <= 8
    width_s = bins.width_ns / SECOND
    for middle_ns, value in zip(means.time_ns, means.values[0], strict=True):
        begin_s = round(middle_ns / SECOND - width_s / 2)
        inside = [second for second in range(begin_s, round(begin_s + width_s)) if second < seconds]
        assert value == pytest.approx(np.mean(inside)) if inside else True
    assert set(means.values[1][~np.isnan(means.values[1])]) == {1.0}


def test_series_come_one_after_the_other() -> None:
    bins: Bins[str] = Bins()
    for number in range(40):
        add(bins, f"node-{number}", (number, float(number)), (100, 0.0))
    means = bins.means([f"node-{number}" for number in range(40)])
    assert [means.values[number][number] for number in range(40)] == list(range(40))
