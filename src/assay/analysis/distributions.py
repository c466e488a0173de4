"""Percentiles of latencies, with intervals: LoadGen's ranks, our samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from assay.analysis.early_stopping import early_stopping_bound
from assay.analysis.samples import MISSING, Samples
from assay.analysis.statistics import Estimate, Ints, from_interval, nearest_rank, percentile_intervals
from assay.runs.requests import answered, read_request_batches
from assay.runs.result import Distribution

PERCENTILES = {"p50": 0.50, "p90": 0.90, "p95": 0.95, "p97": 0.97, "p99": 0.99, "p99_9": 0.999}
_TAILS = ("p90", "p99", "p99_9")
SOURCE = "requests.parquet"
_START = "start = scheduled_ns where there is a schedule, sent_ns of the first attempt in Concurrency, or issued_ns"
FORMULAS = {
    "ttft_ns": f"first_ns - start; {_START}",
    "tpot_ns": "(last_ns - first_ns) / (output_tokens - 1), samples of at least 2 tokens",
    "latency_ns": f"last_ns - start; {_START}",
    "answer_ttft_ns": f"first_answer_ns - start, the first token that isn't reasoning; {_START}",
    "itl_ns": "gap between successive token-bearing chunks of one answer, to 1 us",
    "service_ttft_ns": "first_ns - sent_ns",
    "service_latency_ns": "last_ns - sent_ns",
}
_ITL_BINS = 4_000_000  # of 1 us; longer gaps are kept one by one


def latency_distributions(samples: Samples) -> dict[str, Distribution]:
    """TTFT, TPOT and latency from LoadGen's start, and TTFT and latency from the moment of sending.

    Where the model reasons, the time to the first token of the answer itself as well.
    """
    timed = samples.first_ns != MISSING
    sent = timed & (samples.sent_ns != MISSING)
    series: dict[str, Callable[[], Ints]] = {  # made one at a time: each takes as much memory as a column
        "ttft_ns": lambda: samples.ttft_ns[timed],
        "tpot_ns": lambda: samples.tpot_ns,
        "latency_ns": lambda: samples.latency_ns[timed],
        "answer_ttft_ns": lambda: samples.answer_ttft_ns if samples.reasons else samples.answer_ttft_ns[:0],
        "service_ttft_ns": lambda: samples.service_ttft_ns[sent],
        "service_latency_ns": lambda: samples.service_latency_ns[sent],
    }
    made = ((name, values()) for name, values in series.items())
    return {name: distribution(values, FORMULAS[name]) for name, values in made if len(values)}


def percentile(value: Distribution, share: str) -> Estimate:
    """One of its percentiles, ns, with the standard error that its interval implies."""
    low, high = value.intervals.get(share, (None, None))
    return from_interval(float(getattr(value, share)), low, high, value.n)


def distribution(in_time: Ints, formula: str) -> Distribution:
    """The percentiles of values given in the order of time, with their intervals."""
    ordered = np.sort(in_time)
    intervals = percentile_intervals(in_time, ordered, list(PERCENTILES.values()))
    return Distribution(
        n=len(ordered),
        min=int(ordered[0]),
        max=int(ordered[-1]),
        mean=float(ordered.mean()),
        **{name: nearest_rank(ordered, share) for name, share in PERCENTILES.items()},
        intervals=dict(zip(PERCENTILES, intervals, strict=True)),
        early_stopping={name: early_stopping_bound(ordered, PERCENTILES[name]) for name in _TAILS},
        formula=formula,
        source=SOURCE,
    )


def itl_distribution(path: Path) -> tuple[Distribution, NDArray[np.int64]] | None:
    """Inter-token latency over all successful samples, and its histogram (1 us bins); None where no chunk was timed.

    Read a row group at a time: the gaps of a million samples don't fit in memory, their counts do.
    """
    counts = np.zeros(_ITL_BINS, dtype=np.int64)
    long: list[Ints] = []
    for gaps_us, between in _gaps_us(path):
        short = gaps_us < _ITL_BINS
        if not short.all():
            long.append(gaps_us[~short])
            gaps_us = gaps_us[short]
        found = np.bincount(gaps_us)  # far fewer bins than there are, mostly
        counts[: len(found)] += found
        counts[0] -= between
    tail = np.sort(np.concatenate(long)) if long else np.zeros(0, dtype=np.int64)
    count = int(counts.sum()) + len(tail)
    if count == 0:
        return None
    cumulative = np.cumsum(counts)

    def at(rank: int) -> int:
        if rank < cumulative[-1]:
            return int(np.searchsorted(cumulative, rank, side="right")) * 1000
        return int(tail[rank - cumulative[-1]]) * 1000

    sum_us = float(np.arange(_ITL_BINS, dtype=np.float64) @ counts) + float(tail.sum())
    return Distribution(
        n=count,
        min=at(0),
        max=at(count - 1),
        mean=sum_us / count * 1000,
        **{name: at(min(count - 1, int(count * share))) for name, share in PERCENTILES.items()},
        intervals={},
        early_stopping={},
        formula=FORMULAS["itl_ns"],
        source=SOURCE,
    ), counts


def _gaps_us(path: Path) -> Iterator[tuple[Ints, int]]:
    """The gaps between chunks, us, one array a row group, and how many of them lie between two answers: those are 0.

    All is done in place: each copy of a row group's gaps takes as long as counting them.
    """
    for batch in read_request_batches(path, ["final", "status", "chunk_ns"]):
        lists = answered(batch)["chunk_ns"].combine_chunks()
        lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
        values = np.asarray(lists.flatten().to_numpy(zero_copy_only=False), dtype=np.int64)
        if len(values) < 2:
            continue
        gaps = np.diff(values)
        between = np.cumsum(lengths[lengths > 0])[:-1] - 1
        gaps[between] = 0
        np.maximum(gaps, 0, out=gaps)
        gaps //= 1000
        yield gaps, len(between)
