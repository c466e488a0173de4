"""Goodput, groups by length, inter-token gaps, the steady window, projections."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.analysing import Analyse
from tests.synthetic import Node, Plan, write_run

from assay.analysis.distributions import itl_distribution
from assay.analysis.latency import Limits, by_length, goodput
from assay.runs import REQUESTS_SCHEMA


def test_goodput_counts_samples_that_met_both_limits(analyse: Analyse) -> None:
    run = analyse(Plan(scenario="Server", qps=8.0, samples=800, failed=10, chunks=False))
    assert run.samples is not None
    limits = Limits(90_000_000, 31_000_000)
    found = goodput(run.samples, "mine", limits, issued=800)
    tpot = (run.samples.last_ns - run.samples.first_ns) // (run.samples.output_tokens - 1)
    expected = int(((run.samples.ttft_ns <= limits.ttft_ns) & (tpot <= limits.tpot_ns)).sum())
    assert 0 < found.good == expected < 790
    assert found.share == expected / 800  # failed samples met no limit
    assert found.samples_per_s == pytest.approx(expected / run.samples.duration_s)


def test_goodput_is_over_the_whole_time(analyse: Analyse) -> None:
    """Samples that come late and miss the limits take their time all the same."""
    run = analyse(Plan(scenario="SingleStream", samples=100, nodes=(Node("node-a"),), chunks=False))
    assert run.samples is not None
    late = np.arange(100) >= 50
    slow = replace(run.samples, first_ns=run.samples.first_ns + np.where(late, 10**10, 0))
    found = goodput(slow, "mine", Limits(10**9, 10**9), issued=100)
    assert found.good == 50
    assert found.samples_per_s == pytest.approx(50 / run.samples.duration_s)


def test_goodput_under_the_scenarios_limits_is_reported(analyse: Analyse) -> None:
    run = analyse(Plan(scenario="Server", qps=8.0, samples=300, chunks=False))
    assert [(g.ttft_limit_ns, g.tpot_limit_ns) for g in run.latency.goodput] == [(2_000_000_000, 100_000_000)]
    assert run.latency.goodput[0].good == 300


def test_groups_by_length_hold_every_sample_once() -> None:
    lengths = np.random.default_rng(1).integers(10, 50, 1000)
    groups = by_length(lengths, lengths * 1_000_000)
    assert sum(group.n for group in groups) == 1000
    assert all(a.to_tokens < b.from_tokens for a, b in pairwise(groups))
    assert all(a.p50_ns < b.p50_ns for a, b in pairwise(groups))
    assert by_length(lengths[:5], lengths[:5]) == []
    assert [g.n for g in by_length(np.full(100, 7), np.arange(100))] == [100]


def test_ttft_grows_with_input_length_where_prefill_does(analyse: Analyse) -> None:
    groups = analyse(Plan(samples=1000, chunks=False)).latency.ttft_by_input
    assert groups[-1].p50_ns > 1.5 * groups[0].p50_ns


def test_gaps_never_span_two_answers(tmp_path: Path) -> None:
    rows = [
        {"sample_id": 0, "status": "ok", "final": True, "chunk_ns": [5_000_000, 6_000_000, 8_000_000]},
        {"sample_id": 1, "status": "ok", "final": True, "chunk_ns": []},
        {"sample_id": 2, "status": "ok", "final": True, "chunk_ns": [9_000_000]},
        {"sample_id": 3, "status": "http_error", "final": True, "chunk_ns": [1_000_000, 900_000_000]},
        {"sample_id": 4, "status": "ok", "final": False, "chunk_ns": [1_000_000, 900_000_000]},
        {"sample_id": 5, "status": "ok", "final": True, "chunk_ns": None},
        {"sample_id": 6, "status": "ok", "final": True, "chunk_ns": [1_000_000, 6_000_000_000]},
    ]
    base = {"qsl_idx": 0, "attempt": 1, "issued_ns": 0}
    pq.write_table(pa.Table.from_pylist([base | row for row in rows], schema=REQUESTS_SCHEMA), tmp_path / "r.parquet")
    found = itl_distribution(tmp_path / "r.parquet")
    assert found is not None
    assert (found[0].n, found[0].min, found[0].p50, found[0].max) == (3, 1_000_000, 2_000_000, 5_999_000_000)


def test_no_timed_chunk_no_itl(tmp_path: Path) -> None:
    assert itl_distribution(write_run(tmp_path, Plan(samples=20, chunks=False)).requests) is None


def test_steady_window_leaves_out_the_tail(analyse: Analyse) -> None:
    run = analyse(Plan(nodes=(Node("node-a", share=0.35), Node("node-b", share=0.65)), chunks=False))
    assert run.phases is not None
    assert run.phases.steady_to_s < 0.75 * run.phases.duration_s
    assert run.phases.tail_cost > 0.1
