"""What failed took its time too: a rate runs until the last sample is over, whichever way."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.analysis.rates import sample_rate
from assay.analysis.samples import read_samples
from assay.runs import RequestWriter
from assay.runs.shapes import ConcurrencyShape, LoadShape, RateShape

_S = 1_000_000_000


def written(folder: Path, failed_at_s: float | None) -> Path:
    """Three answers within three seconds, and perhaps one that was given up at `failed_at_s`."""
    path = folder / "requests.parquet"
    with RequestWriter(path) as writer:
        ends = [(float(end), "ok") for end in (1, 2, 3)] + ([] if failed_at_s is None else [(failed_at_s, "stall")])
        writer.write(
            {
                "sample_id": number,
                "qsl_idx": number,
                "attempt": 1,
                "final": True,
                "endpoint": "a",
                "status": status,
                "issued_ns": 0,
                "sent_ns": 0,
                "first_ns": _S // 2 if status == "ok" else None,
                "last_ns": int(end * _S) if status == "ok" else None,
                "done_ns": int(end * _S),
                "output_tokens": 5,
            }
            for number, (end, status) in enumerate(ends)
        )
    return path


@pytest.mark.parametrize(("failed_at_s", "rate"), [(None, 1.0), (2.5, 1.0), (44.0, 3 / 44)])
def test_a_rate_covers_the_time_of_what_failed(tmp_path: Path, failed_at_s: float | None, rate: float) -> None:
    samples = read_samples(written(tmp_path, failed_at_s), ("a",))
    assert sample_rate(samples).value == pytest.approx(rate)
    assert sample_rate(samples.of_endpoint[0], samples.begin_ns).value == pytest.approx(
        1.0
    )  # until its own last answer


def test_a_load_that_its_time_ends_counts_no_more_than_that_time(tmp_path: Path) -> None:
    samples = read_samples(written(tmp_path, 44.0), ("a",), shape=ConcurrencyShape(concurrency=1, duration_s=10))
    assert sample_rate(samples).value == pytest.approx(3 / 10)


@pytest.mark.parametrize(
    ("shape", "per_s"),
    [
        (RateShape(rate=0.5, duration_s=6), 3 / 6),  # time ended it, though the answers came sooner
        (RateShape(rate=0.5, requests=3), 0.5),  # so many are offered for 6 s
        (RateShape(rate=0.5, requests=3, duration_s=60), 0.5),
        (RateShape(rate=0.25, requests=4, duration_s=9), 3 / 9),
        (RateShape(rate=3, requests=3), 3 / 3),  # the server was slower than they were offered
        (RateShape(rate=3), 3 / 3),
        (ConcurrencyShape(concurrency=1, requests=3), 3 / 3),
        (ConcurrencyShape(concurrency=1, requests=3, duration_s=60), 3 / 3),
        (None, 3 / 3),
    ],
)
def test_no_rate_is_higher_than_what_was_offered(tmp_path: Path, shape: LoadShape | None, per_s: float) -> None:
    samples = read_samples(written(tmp_path, None), ("a",), shape=shape)
    assert sample_rate(samples).value == pytest.approx(per_s)
