"""The settings that the rules of MLPerf Inference ask of a run, compared with those that LoadGen logged."""

from __future__ import annotations

from typing import Any

from assay.benchmarks import ScenarioSpec
from assay.benchmarks.mlperf import COMPLIANCE, seeds
from assay.runs.loadgen_logs import LoadgenDetail
from assay.runs.scenarios import Mode

_MODES = {"performance": "PerformanceOnly", "accuracy": "AccuracyOnly"}


def departures(
    detail: LoadgenDetail,
    spec: ScenarioSpec,
    mode: Mode,
    performance_samples: int | None,
    compliance: str | None = None,
) -> list[str]:
    """Each setting that isn't the rules', in words; empty where all are.

    Args:
        detail: LoadGen's detail log.
        spec: the benchmark's scenario.
        mode: the run's mode; durations and counts bind performance runs only.
        performance_samples: the samples that LoadGen must draw from; None where the benchmark doesn't say.
        compliance: the compliance test that the run is, which has settings of its own.
    """
    effective, requested = detail.effective, detail.requested
    wanted: dict[str, Any] = {
        "test_mode": _MODES[mode],
        "scenario": spec.loadgen_scenario,
        "performance_issue_unique": False,
        "performance_issue_same": False,
    }
    if compliance is not None:
        wanted["performance_issue_unique"] = bool(COMPLIANCE[compliance].get("performance_issue_unique"))
    wanted |= seeds()
    found = [
        f"{key} is {effective.get(key, 'not logged')}, the rules say {value}"
        for key, value in wanted.items()
        if effective.get(key) != value
    ]
    if requested.get("use_token_latencies") is not True:
        found.append("use_token_latencies is off, the rules ask for it")
    if performance_samples is not None:
        found += _at_least("performance_sample_count", effective, performance_samples)
    if compliance is not None:
        found += _compliance(compliance, requested)
    elif mode == "performance":
        found += _at_least("min_duration_ms", effective, spec.min_duration_ns // 1_000_000)
        count_key = "samples_per_query" if spec.loadgen_scenario == "Offline" else None
        if count_key:
            found += _at_least(count_key, effective, spec.min_query_count)
        elif detail.query_count is not None and detail.query_count < spec.min_query_count:
            found.append(f"{detail.query_count:,} queries, the rules ask for at least {spec.min_query_count:,}")
        if spec.loadgen_scenario == "Server":
            found += _limits(requested, spec)
    return found


def _compliance(test: str, requested: dict[str, Any]) -> list[str]:
    wanted = COMPLIANCE[test]
    found = [
        f"{key} is {requested.get(key, 'not logged')}, {test} asks for {wanted[key]}"
        for key in ("accuracy_log_rng_seed", "accuracy_log_sampling_target", "sample_concatenate_permutation")
        if requested.get(key) != wanted[key]
    ]
    return found + _at_least("min_query_count", requested, wanted["min_query_count"])


def _at_least(key: str, effective: dict[str, Any], least: int) -> list[str]:
    value = effective.get(key)
    if isinstance(value, int | float) and value >= least:
        return []
    return [f"{key} is {'not logged' if value is None else value}, the rules ask for at least {least}"]


def _limits(requested: dict[str, Any], spec: ScenarioSpec) -> list[str]:
    limits = {"server_ttft_latency": spec.ttft_limit_ns, "server_tpot_latency": spec.tpot_limit_ns}
    return [
        f"{key} is {requested[key]} ns, the rules say {limit}"
        for key, limit in limits.items()
        if limit is not None and key in requested and requested[key] != limit
    ]
