"""Throughput: exactly completed over time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.closed_loop import closed_loop, samples

from assay.analysis.rates import sample_rate, throughput, token_rate


def test_rate_is_completed_over_time() -> None:
    run = samples(np.zeros(20), np.arange(1, 21) * 0.5, tokens=np.full(20, 7))
    assert sample_rate(run).value == pytest.approx(2.0)
    assert token_rate(run).value == pytest.approx(14.0)
    assert throughput(run, 0, np.zeros(20)).value == 0.0


def test_an_endpoints_rate_ends_with_its_last_sample() -> None:
    run = samples(np.zeros(10), np.full(10, 2.0), tokens=np.full(10, 1))
    assert sample_rate(run, begin_ns=-2_000_000_000).value == pytest.approx(2.5)


def test_no_samples_no_rate() -> None:
    none = samples(np.zeros(0), np.zeros(0))
    assert np.isnan(throughput(none, 0).value)


@pytest.mark.parametrize(("took_s", "places"), [(0.401, 1), (4.0, 32), (3.0, 8), (15.0, 8), (0.05, 4)])
def test_the_rate_of_a_load_that_its_time_ended_is_the_servers(took_s: float, places: int) -> None:
    sent = int(np.ceil(10 / took_s)) * places
    run = replace(closed_loop(np.full(sent, took_s), places, tokens=np.full(sent, 7)), until_ns=10_000_000_000)
    assert sample_rate(run).value == pytest.approx(places / took_s)
    assert token_rate(run).value == pytest.approx(7 * places / took_s)
