"""Schedules of arrivals: seeded, at the rate that was asked for, as bursty as was asked for."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.runs.arrivals import due_times_ns, ramp_times_ns
from assay.runs.shapes import Arrivals, RampShape

MANY = 20_000
SEEDS = st.integers(0, 2**32 - 1)


def times_s(rate: float, arrivals: Arrivals, burstiness: float = 1.0, seed: int = 0) -> np.ndarray:
    return np.array(list(itertools.islice(due_times_ns(rate, arrivals, burstiness, seed), MANY))) / 1e9


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, rate=st.floats(0.01, 5000))
def test_the_first_is_due_at_once_and_time_never_goes_back(seed: int, rate: float) -> None:
    times = times_s(rate, "poisson", seed=seed)
    assert times[0] == 0
    assert (np.diff(times) >= 0).all()


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, rate=st.floats(0.1, 1000), burstiness=st.sampled_from([0.1, 0.25, 1.0, 4.0, 25.0]))
def test_gamma_has_the_rate_and_the_variation_that_were_asked_for(seed: int, rate: float, burstiness: float) -> None:
    gaps = np.diff(times_s(rate, "gamma", burstiness, seed))
    variation = 1 / math.sqrt(burstiness)
    # Five standard errors: of the mean, and of the coefficient of variation of a gamma (kurtosis 6/burstiness).
    assert gaps.mean() * rate == pytest.approx(1, abs=5 * variation / math.sqrt(MANY))
    error = variation * math.sqrt((2 + 6 / burstiness) / 4 / MANY + variation**2 / MANY)
    assert gaps.std() / gaps.mean() == pytest.approx(variation, abs=5 * error + 1e-6)


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_poisson_is_exponential(seed: int) -> None:
    gaps = np.sort(np.diff(times_s(10.0, "poisson", seed=seed)))
    expected = 1 - np.exp(-10 * gaps)
    distance = np.abs(expected - np.arange(1, len(gaps) + 1) / len(gaps)).max()
    assert distance < 2.2 / math.sqrt(len(gaps))  # Kolmogorov and Smirnov: passed once in 8,000 times


def test_constant_is_a_clock() -> None:
    assert times_s(8.0, "constant")[:5] == pytest.approx([0, 0.125, 0.25, 0.375, 0.5])


@pytest.mark.parametrize("arrivals", ["poisson", "gamma"])
def test_a_seed_is_a_schedule(arrivals: Arrivals) -> None:
    assert np.array_equal(times_s(3, arrivals, seed=5), times_s(3, arrivals, seed=5))
    assert not np.array_equal(times_s(3, arrivals, seed=5), times_s(3, arrivals, seed=6))


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, start=st.floats(1, 200), to=st.floats(1, 200))
def test_a_ramp_has_its_rate_at_every_time(seed: int, start: float, to: float) -> None:
    ramp = RampShape.model_validate({"of": "rate", "from": start, "to": to, "over_s": 100})
    times = np.array(list(itertools.islice(ramp_times_ns(ramp, seed), MANY))) / 1e9
    for begin, end in ((0, 50), (50, 100), (100, 100 + 50)):
        if times[-1] < end:
            continue
        counted = int(((times >= begin) & (times < end)).sum())
        middle = start + (to - start) * min(1.0, (begin + end) / 2 / 100)
        expected = 50 * (to if begin >= 100 else middle)
        assert counted == pytest.approx(expected, abs=5 * math.sqrt(expected) + 2)


def test_what_is_due_after_all_time_is_never_due() -> None:
    times = list(itertools.islice(due_times_ns(1e-12, "poisson", 1.0, 0), 5))
    assert times[0] == 0
    assert min(times[1:]) > 10**18
