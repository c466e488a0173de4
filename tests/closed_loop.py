"""Simulated closed loops: places that each take the next sample as soon as they are free, from time 0 on."""

from __future__ import annotations

import heapq
import math

import numpy as np
from numpy.typing import NDArray

from assay.analysis.samples import Samples

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_FIRST = 0.1  # share of a sample's time until its first token
_STEP_S = 0.25


def closed_loop(
    took_s: Floats,
    places: int,
    *,
    kinds: Ints | None = None,
    tokens: Ints | None = None,
    drift: Floats | None = None,
) -> Samples:
    """Run samples that take `took_s`, in their order.

    Args:
        took_s: seconds that each sample takes.
        places: samples in flight at once.
        kinds: each sample's place in the data set; all are different by default.
        tokens: each sample's output tokens; 30 by default.
        drift: what the time of a sample is multiplied with, for each step of `drifting` at which it may begin.
    """
    count = len(took_s)
    free = [0.0] * places
    sent_s, done_s = np.zeros(count), np.zeros(count)
    for i, seconds in enumerate(took_s):
        begin = heapq.heappop(free)
        slowed = 1.0 if drift is None else float(drift[min(int(begin / _STEP_S), len(drift) - 1)])
        sent_s[i], done_s[i] = begin, begin + seconds * slowed
        heapq.heappush(free, done_s[i])
    return samples(sent_s, done_s, kinds, tokens)


def samples(sent_s: Floats, done_s: Floats, kinds: Ints | None = None, tokens: Ints | None = None) -> Samples:
    """Samples of one endpoint that all started at 0, sent and done at the given times."""
    sent, done = (sent_s * 1e9).astype(np.int64), (done_s * 1e9).astype(np.int64)
    unknown = np.full(len(sent), -1, dtype=np.int64)
    index, zero = np.arange(len(sent)), np.zeros(len(sent), dtype=np.int64)
    return Samples(
        endpoints=("a",),
        sample_id=index,
        qsl_idx=index if kinds is None else kinds,
        endpoint=zero,
        start_ns=zero,
        sent_ns=sent,
        first_ns=sent + ((done - sent) * _FIRST).astype(np.int64),
        last_ns=done,
        done_ns=done,
        input_tokens=zero + 5,
        output_tokens=zero + 30 if tokens is None else tokens,
        streamed_tokens=zero + 30 if tokens is None else tokens,
        first_answer_ns=unknown,
        reasoning_tokens=unknown,
        cached_tokens=unknown,
        prompt_tokens_sent=unknown,
        prompt_tokens_guessed=unknown,
        prompt_tokens_counted=unknown,
    )


def drifting(rng: np.random.Generator, size: float, lasting_s: float, duration_s: float) -> Floats:
    """Slow noise: the logarithm is a first-order autoregression of standard deviation `size`."""
    from scipy.signal import lfilter

    keeps = math.exp(-_STEP_S / lasting_s)
    noise = rng.standard_normal(int(duration_s / _STEP_S) + 400)
    walk: Floats = np.exp(size * math.sqrt(1 - keeps**2) * lfilter([1], [1, -keeps], noise)[400:])
    return walk
