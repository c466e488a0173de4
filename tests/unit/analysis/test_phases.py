"""The parts of a run: a server that is busy with its first prompts isn't a cold one.

`recorded/h200-offline.parquet` holds the columns that analyses read of a real run: vLLM 0.25 on one H200, Llama 3.1
8B's shape with random weights, 1,200 samples of 30 articles, 512 in flight, the third run after the server's start;
times to the microsecond, since the first issue.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from assay.analysis.phases import _cold_ratio, phases
from assay.analysis.samples import Samples, read_samples

SECOND = 1_000_000_000
RECORDED = Path(__file__).parent / "recorded" / "h200-offline.parquet"


def ratios(samples: Samples) -> tuple[float, float, float]:
    """TPOT before the window over that within it, its lower bound, and the same of the tokens processed a second."""
    parts = phases(samples, "Offline")
    assert parts is not None
    assert parts.cold_ratio is not None
    return parts.cold_ratio, parts.cold_low or 0.0, parts.start_work_ratio or 0.0


def test_a_warm_server_decodes_slowly_while_the_first_window_is_read() -> None:
    tpot, low, work = ratios(read_samples(RECORDED, ()))
    assert tpot > 1.25
    assert low > 1
    assert work > 1.1


def test_the_tokens_processed_tell_a_cold_server() -> None:
    """The same run with its first 5 s stretched to 20 s: as many tokens, in four times the time."""
    samples = read_samples(RECORDED, ())
    times = {name: getattr(samples, name) for name in ("sent_ns", "first_ns", "last_ns", "done_ns")}
    cold = replace(samples, **{k: np.where(v < 5 * SECOND, 4 * v, v + 15 * SECOND) for k, v in times.items()})
    tpot, _, work = ratios(cold)
    assert tpot > 1.25
    assert work < 0.5


def test_a_window_that_begins_within_some_steps_says_nothing_of_warmth() -> None:
    """A step takes 55 ms; 512 samples were sent in the first 0.1 s."""
    samples = read_samples(RECORDED, ())
    assert (samples.sent_ns < 3 * SECOND // 10).sum() >= 512
    assert _cold_ratio(samples, samples.begin_ns + 3 * SECOND // 10) is None
    assert _cold_ratio(samples, samples.begin_ns + 3 * SECOND) is not None
