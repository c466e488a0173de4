"""LoadGen's two logs as LoadGen 5.1 writes them, from simulated samples."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from tests.unit.audit.queue_runs import Simulated

SEEDS = {
    "qsl_rng_seed": 1780908523862526354,
    "sample_index_rng_seed": 14771362308971278857,
    "schedule_rng_seed": 18209322760996052031,
}
PERCENTILES = (0.50, 0.90, 0.95, 0.97, 0.99, 0.999)


def submission_folder(root: Path, scenario: str, division: str = "closed", system: str = "1xA30") -> Path:
    folder = root / division / "ORG" / "results" / system / "llama3.1-8b" / scenario / "performance" / "run_1"
    folder.mkdir(parents=True)
    return folder


def write_logs(
    folder: Path, sim: Simulated, scenario: str, ttft_ns: int = 2_000_000_000, tpot_ns: int = 100_000_000
) -> None:
    """Write a VALID performance run's logs; Server where the scenario isn't Offline or SingleStream."""
    logged = scenario if scenario in ("Offline", "SingleStream") else "Server"
    figures = _figures(sim, logged)
    settings: dict[str, Any] = {
        "scenario": logged,
        "test_mode": "PerformanceOnly",
        "min_duration_ms": 600000,
        "performance_sample_count": 13368,
        "performance_issue_unique": False,
        "performance_issue_same": False,
        **SEEDS,
    }
    lines: dict[str, Any] = {"loadgen_version": "5.1.0 @ 0123456789", "sut_name": "PySUT"}
    lines |= {"requested_use_token_latencies": True}
    lines |= {"requested_server_ttft_latency": ttft_ns, "requested_server_tpot_latency": tpot_ns}
    lines |= {f"effective_{key}": value for key, value in settings.items()}
    queries = 1 if logged == "Offline" else len(sim)
    lines |= {"generated_query_count": queries, "generated_samples_per_query": len(sim) // queries}
    end = _clock(sim.duration_s)
    lines |= {"power_begin": _clock(0.0), "power_end": end, "result_validity": "VALID", "result_min_duration_met": True}
    lines |= {"result_min_queries_met": True, "early_stopping_met": True, "result_query_count": queries}
    lines |= {key: value for _, key, value in figures if key}
    lines["num_errors"] = 0
    meta = {"is_error": False, "is_warning": False, "file": "x.cc", "line_no": 1, "pid": 1, "tid": 1}
    (folder / "mlperf_log_detail.txt").write_text(
        "".join(
            f":::MLLOG {json.dumps({'key': key, 'value': value, 'time_ms': 1.0, 'metadata': meta})}\n"
            for key, value in lines.items()
        )
    )
    (folder / "mlperf_log_summary.txt").write_text(_summary(logged, figures, settings))


def _figures(sim: Simulated, scenario: str) -> list[tuple[str, str | None, float]]:
    """(the summary's words, the detail log's key, value)."""
    n, tokens, last = len(sim), int(sim.tokens_out.sum()), sim.duration_s
    if scenario == "Offline":
        found: list[tuple[str, str | None, float]] = [
            ("Samples per second", "result_samples_per_second", _six(n / last)),
            ("Tokens per second", "result_tokens_per_second", _six(tokens / last)),
        ]
    elif scenario == "SingleStream":
        issued = sim.start_ns.max() / 1e9
        found = [
            ("QPS w/ loadgen overhead", "result_qps_with_loadgen_overhead", _six((n - 1) / issued)),
            (
                "TPS w/ loadgen overhead",
                "result_token_throughput_with_loadgen_overhead",
                _six(tokens * (n - 1) / n / issued),
            ),
        ]
    else:
        found = [
            ("Completed samples per second", "result_completed_samples_per_sec", _six((n - 1) / last)),
            ("Completed tokens per second", "result_completed_tokens_per_second", _six(tokens * (n - 1) / n / last)),
            (
                "Scheduled samples per second",
                "result_scheduled_samples_per_sec",
                _six((n - 1) / (sim.start_ns.max() / 1e9)),
            ),
        ]
    found += _latencies("latency", "latency", "result_", "_latency_ns", sim.latency_ns)
    if scenario != "Offline":
        found += _latencies(
            "First Token latency", "first token latency", "result_first_token_", "_latency_ns", sim.ttft_ns
        )
        found += _latencies("Time to Output Token", "time to output token", None, "", sim.tpot_ns)
    return found


def _latencies(
    title: str, words: str, prefix: str | None, suffix: str, values: np.ndarray
) -> list[tuple[str, str | None, float]]:
    ordered = np.sort(values)
    ranks = {p: int(ordered[min(len(ordered) - 1, int(len(ordered) * p))]) for p in PERCENTILES}
    named = {"min": int(ordered[0]), "max": int(ordered[-1]), "mean": int(ordered.mean())}
    found: list[tuple[str, str | None, float]] = [
        (f"{name.title()} {title} (ns)", f"{prefix}{name}{suffix}" if prefix else None, value)
        for name, value in named.items()
    ]
    for share, value in ranks.items():
        key = f"{prefix}{share * 100:.2f}_percentile{suffix}" if prefix else None
        found.append((f"{share * 100:.2f} percentile {words} (ns)", key, value))
    return found


def _summary(scenario: str, figures: list[tuple[str, str | None, float]], settings: dict[str, Any]) -> str:
    bar = "=" * 48
    head = [
        bar,
        "MLPerf Results Summary",
        bar,
        "SUT name : PySUT",
        f"Scenario : {scenario}",
        "Mode     : PerformanceOnly",
    ]
    head += ["Result is : VALID", "  Min duration satisfied : Yes", "  Min queries satisfied : Yes"]
    head += ["  Early stopping satisfied: Yes", "", bar, "Additional Stats", bar]
    head += [f"{words}  : {value if value == int(value) else format(value, '.6g')}" for words, _, value in figures]
    head += ["", bar, "Test Parameters Used", bar, f"min_duration (ms): {settings['min_duration_ms']}"]
    head += [f"{key} : {settings[key]}" for key in SEEDS]
    return "\n".join([*head, "", "No warnings encountered during test.", "", "No errors encountered during test.", ""])


def _six(value: float) -> float:
    """Six significant digits, as LoadGen logs numbers."""
    return float(f"{value:.6g}")


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds, 3), 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"07-{1 + hours // 24:02d}-2025 {hours % 24:02d}:{minutes:02d}:{rest:06.3f}"
