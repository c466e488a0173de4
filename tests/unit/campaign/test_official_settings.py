"""What the definitions say of MLPerf's benchmarks is what LoadGen's own rules file says."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
from tests.campaigns import config

from assay.benchmarks import benchmark_names, get_benchmark
from assay.campaign.loadgen_settings import issued, loadgen_settings
from assay.load import loadgen
from assay.runs import RunEntry
from assay.runs.scenarios import Mode, Scenario

MLPERF = [name for name in benchmark_names() if get_benchmark(name).mlperf]
CASES = [(name, scenario) for name in MLPERF for scenario in get_benchmark(name).scenarios]


@pytest.mark.parametrize("mode", get_args(Mode))
@pytest.mark.parametrize(("name", "scenario"), CASES)
def test_official_settings_are_loadgens_own(tmp_path: Path, name: str, scenario: Scenario, mode: Mode) -> None:
    settings = config(tmp_path, benchmark=name, official=True, dataset={}, target_qps={scenario: 20})
    benchmark = get_benchmark(name).in_mode(mode)
    spec, samples = benchmark.scenarios[scenario], benchmark.dataset.total_sample_count
    assert samples is not None
    entry = RunEntry(key="a", scenario=scenario, mode=mode, nodes=["n"], target_qps=20.0)
    bare = loadgen_settings(settings, benchmark, entry).model_copy(
        update={"ttft_limit_ns": None, "tpot_limit_ns": None}
    )
    made = loadgen.test_settings(bare, mode, samples, tmp_path)
    if spec.ttft_limit_ns is not None:
        assert (made.ttft_latency, made.tpot_latency) == (spec.ttft_limit_ns, spec.tpot_limit_ns)
    assert made.use_token_latencies
    assert made.sample_concatenate_permutation
    assert made.min_duration_ms * 1_000_000 == spec.min_duration_ns
    assert made.performance_sample_count_override == get_benchmark(name).dataset.performance_sample_count
    if mode == "accuracy":
        assert made.accuracy_sample_count_override in (0, samples)
    count = issued(settings, benchmark, entry, samples).samples
    assert count == samples if mode == "accuracy" else count >= spec.min_query_count and count % samples == 0
