"""Throughput: exactly completed over time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.closed_loop import closed_loop, samples

from assay.analysis.rates import sample_rate, throughput, token_rate
from assay.analysis.samples import read_samples
from assay.runs import RequestWriter
from assay.runs.shapes import ConcurrencyShape


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


@pytest.mark.parametrize("in_flight", [8, 32])
def test_what_waits_in_the_servers_queue_when_time_ends_the_load_is_not_partly_done(in_flight: int) -> None:
    """A server with 8 places that gives each answer 30 tokens in 3 s, 10 tokens/s a place, whoever waits besides."""
    served = closed_loop(np.full(8 * 14, 3.0), 8)
    begun_ns = served.sent_ns
    waits_ns = (in_flight // 8 - 1) * 3_000_000_000
    queued = replace(served, sent_ns=np.maximum(0, begun_ns - waits_ns), until_ns=10_000_000_000)
    assert token_rate(queued).value == pytest.approx(80)


@pytest.mark.parametrize("streamed", [True, False])
def test_where_answers_in_flight_at_the_end_come_in_one_piece_the_rate_is_of_everything(
    tmp_path: Path, streamed: bool
) -> None:
    """Two answers of 4 s one after another, in a load of 6 s."""
    second_ns = 1_000_000_000
    with RequestWriter(tmp_path / "requests.parquet") as writer:
        writer.write(
            {
                "sample_id": number,
                "qsl_idx": number,
                "attempt": 1,
                "final": True,
                "endpoint": "a",
                "status": "ok",
                "issued_ns": begin * second_ns,
                "sent_ns": begin * second_ns,
                "first_ns": (begin if streamed else begin + 4) * second_ns,
                "last_ns": (begin + 4) * second_ns,
                "done_ns": (begin + 4) * second_ns,
                "output_tokens": 40,
            }
            for number, begin in enumerate((0, 4))
        )
    shape = ConcurrencyShape(concurrency=1, duration_s=6)
    run = read_samples(tmp_path / "requests.parquet", ("a",), shape=shape)
    assert token_rate(run).value == pytest.approx(60 / 6 if streamed else 80 / 8)
    assert run.until_ns == (6 * second_ns if streamed else None)


@pytest.mark.parametrize(("took_s", "places"), [(0.401, 1), (4.0, 32), (3.0, 8), (15.0, 8), (0.05, 4)])
def test_the_rate_of_a_load_that_its_time_ended_is_the_servers(took_s: float, places: int) -> None:
    sent = int(np.ceil(10 / took_s)) * places
    run = replace(closed_loop(np.full(sent, took_s), places, tokens=np.full(sent, 7)), until_ns=10_000_000_000)
    assert sample_rate(run).value == pytest.approx(places / took_s)
    assert token_rate(run).value == pytest.approx(7 * places / took_s)
