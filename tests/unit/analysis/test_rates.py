"""Throughput: exactly completed over time, with an interval that covers the rate of a long run."""

from __future__ import annotations

import heapq

import numpy as np
import pytest

from assay.analysis.rates import sample_rate, throughput, token_rate
from assay.analysis.samples import Samples

SLOTS = 8
MEAN_S = 1.0


def closed_loop(count: int, seed: int) -> Samples:
    """Slots that each take the next sample at once; service times of mean 1 s, slow waves 10 s long on top."""
    rng = np.random.default_rng(seed)
    service = rng.gamma(9, MEAN_S / 9, count)
    phase = rng.uniform(0, 2 * np.pi)
    free = [0.0] * SLOTS
    sent = np.zeros(count)
    done = np.zeros(count)
    for i in range(count):
        sent[i] = heapq.heappop(free)
        done[i] = sent[i] + service[i] * (1 + 0.2 * np.sin(2 * np.pi * sent[i] / 10 + phase))
        heapq.heappush(free, done[i])
    return samples(sent, done, rng.integers(20, 60, count))


def samples(sent_s: np.ndarray, done_s: np.ndarray, tokens: np.ndarray) -> Samples:
    sent, done = (sent_s * 1e9).astype(np.int64), (done_s * 1e9).astype(np.int64)
    count = len(sent)
    index, zero = np.arange(count), np.zeros(count, dtype=np.int64)
    return Samples(("a",), index, index, zero, zero, sent, sent + 1000, done, done, zero + 5, tokens)


@pytest.mark.parametrize("count", [300, 1000])
def test_interval_covers_the_rate_of_a_long_run(count: int) -> None:
    long = closed_loop(60_000, 999)
    truth = len(long) / long.duration_s
    token_truth = float(long.output_tokens.sum()) / long.duration_s
    trials, hits, token_hits = 150, 0, 0
    for seed in range(trials):
        run = closed_loop(count, seed)
        low, high = sample_rate(run).interval or (0.0, 0.0)
        hits += low <= truth <= high
        low, high = token_rate(run).interval or (0.0, 0.0)
        token_hits += low <= token_truth <= high
    assert hits / trials >= 0.88
    assert token_hits / trials >= 0.88


def test_rate_is_completed_over_time() -> None:
    run = samples(np.zeros(20), np.arange(1, 21) * 0.5, np.full(20, 7))
    assert sample_rate(run).value == pytest.approx(2.0)
    assert token_rate(run).value == pytest.approx(14.0)
    assert throughput(run, 0, np.zeros(20)).value == 0.0


def test_an_endpoints_rate_ends_with_its_last_sample() -> None:
    run = samples(np.zeros(10), np.full(10, 2.0), np.full(10, 1))
    assert sample_rate(run, begin_ns=-2_000_000_000).value == pytest.approx(2.5)


def test_no_samples_no_rate() -> None:
    none = samples(np.zeros(0), np.zeros(0), np.zeros(0, dtype=np.int64))
    assert np.isnan(throughput(none, 0).value)
