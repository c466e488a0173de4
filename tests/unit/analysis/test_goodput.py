"""Goodput counts what keeps every limit, over all that were asked for."""

from __future__ import annotations

import numpy as np
import pytest

from assay.analysis.goodput import good, good_share, goodput
from assay.analysis.samples import Samples
from assay.analysis.statistics import share_interval
from assay.runs.slo import Slo

_MS = 1_000_000


def samples(ttft_ms: list[int], tpot_ms: list[int], tokens: int = 11) -> Samples:
    """One sample every 100 ms; `tokens` tokens each."""
    count = len(ttft_ms)
    start = np.arange(count, dtype=np.int64) * 100 * _MS
    first = start + np.asarray(ttft_ms) * _MS
    last = first + np.asarray(tpot_ms) * _MS * (tokens - 1)
    ids = np.arange(count, dtype=np.int64)
    filled = np.full(count, tokens, dtype=np.int64)
    return Samples(
        ("e",), ids, ids, ids * 0, start, start, first, last, last, filled, filled, filled, *[ids * 0 - 1] * 6
    )


def test_every_limit_must_hold() -> None:
    got = good(samples([400, 600, 400, 600], [40, 40, 60, 60]), Slo(ttft=500 * _MS, tpot=50 * _MS))
    assert got.tolist() == [True, False, False, False]
    assert good(samples([400, 600], [40, 60]), Slo(latency=900 * _MS)).tolist() == [True, False]


def test_an_answer_of_one_token_has_no_tpot_to_break() -> None:
    assert good(samples([400], [0], tokens=1), Slo(tpot=1)).tolist() == [True]


def test_the_rate_is_over_the_time_of_all() -> None:
    run = samples([400] * 20 + [600] * 20, [40] * 40)
    slo = Slo(ttft=500 * _MS)
    assert goodput(run, slo).value == pytest.approx(20 / run.duration_s)
    assert goodput(run, Slo(ttft=1)).value == 0.0


def test_a_failed_sample_is_not_good() -> None:
    share = good_share(samples([400] * 30, [40] * 30), Slo(ttft=500 * _MS), issued=40)
    assert share.value == 0.75
    assert share.low is not None
    assert share.low < 0.75 < share.high  # type: ignore[operator]


def test_all_good_of_few_is_not_certain() -> None:
    low, high = share_interval(np.ones(30)) or (0.0, 0.0)
    assert high == 1.0
    assert low == pytest.approx(0.025 ** (1 / 30))  # Clopper-Pearson for 30 of 30
    assert share_interval(np.ones(5)) is None


def test_the_interval_of_a_share_holds_the_truth_about_as_often_as_it_says() -> None:
    generator = np.random.default_rng(5)
    held = 0
    for _ in range(400):
        low, high = share_interval((generator.random(200) < 0.9).astype(float)) or (0.0, 0.0)
        held += low <= 0.9 <= high
    assert 0.93 <= held / 400 <= 0.995
