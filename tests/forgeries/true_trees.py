"""True submission trees to forge: llama3.1-8b as LoadGen 5.1 logs it, and as the MLPerf Endpoints client writes it.

The samples are made up; nothing here was measured.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from tests.unit.audit.loadgen_files import SEEDS, write_logs
from tests.unit.audit.queue_runs import Simulated

from assay.benchmarks.mlperf import seeds

SAMPLES = 13_368
SYSTEM = "8xH100-SXM-80GB"
BENCHMARK = Path("closed/ORG/results") / SYSTEM / "llama3.1-8b"
DETAIL, SUMMARY = "mlperf_log_detail.txt", "mlperf_log_summary.txt"
DESCRIPTION = {
    "accelerator_model_name": "NVIDIA H100-SXM-80GB",
    "accelerators_per_node": 8,
    "number_of_nodes": 1,
    "division": "closed",
    "submitter": "ORG",
    "system_type": "datacenter",
}
SCORES = (
    "{'rouge1': '38.7792', 'rouge2': '15.9075', 'rougeL': '24.4957', 'rougeLsum': '35.793', "
    "'gen_len': 8167644, 'gen_num': 13368}"
)
_LIMITS_NS = {"Server": (2_000_000_000, 100_000_000), "Interactive": (500_000_000, 30_000_000)}
SCORED = {
    "dataset_name": "cnn_dailymail",
    "dataset_type": "accuracy",
    "score": {
        "rouge1": "38.7792",
        "rouge2": "15.9075",
        "rougeL": "24.4957",
        "rougeLsum": "35.793",
        "gen_len": "8167644",
        "gen_num": SAMPLES,
    },
    "total_samples": SAMPLES,
    "complete": True,
}
_AUDIT = {"test": "consistency_output_test", "passed": True}
_MEASUREMENTS = {
    "input_data_types": "int32",
    "retraining": "No",
    "starting_weights_filename": "Llama-3.1-8B-Instruct",
    "weight_data_types": "fp8",
    "weight_transformations": "quantization",
}


def make_loadgen_tree(root: Path) -> Path:
    """Write the tree below `root`: three scenarios with their performance, accuracy and compliance runs."""
    _describe_system(root)
    for scenario in ("Offline", "Server", "Interactive"):
        folder = root / BENCHMARK / scenario
        for part in ("performance/run_1", "accuracy", "TEST06/accuracy"):
            (folder / part).mkdir(parents=True)
        write_logs(folder / "performance/run_1", samples(scenario), scenario, *_LIMITS_NS.get(scenario, (1, 1)))
        (folder / "accuracy/accuracy.txt").write_text(f"\nResults\n\n{SCORES}\nhash={'0' * 64}\n")
        (folder / "accuracy" / DETAIL).write_text(accuracy_log(scenario))
        (folder / "measurements.json").write_text(json.dumps(_MEASUREMENTS))
        (folder / "TEST06/verify_accuracy.txt").write_text(
            "First token check pass: True\nEOS check pass: True\nSample length check pass: True\n"
            "TEST06 verification complete\n"
        )
    return root


def make_endpoints_tree(root: Path) -> Path:
    """Write the tree below `root`: the same three scenarios by the client's own files."""
    _describe_system(root)
    for scenario in ("Offline", "Server", "Interactive"):
        folder = root / BENCHMARK / scenario
        for part in ("performance", "accuracy", "audit"):
            (folder / part).mkdir(parents=True)
        write_summary(folder / "performance/result_summary.json", samples(scenario), online=scenario != "Offline")
        (folder / "accuracy/accuracy_results.json").write_text(json.dumps({"accuracy_scores": [SCORED]}))
        (folder / "audit/audit_consistency_output_test.json").write_text(json.dumps(_AUDIT))
        (folder / "config.yaml").write_text(yaml.safe_dump(_config(scenario)))
        (folder / "measurements.json").write_text(json.dumps(_MEASUREMENTS))
    return root


def _describe_system(root: Path) -> None:
    systems = root / "closed/ORG/systems"
    systems.mkdir(parents=True)
    (systems / f"{SYSTEM}.json").write_text(json.dumps(DESCRIPTION))


def _config(scenario: str) -> dict[str, Any]:
    load = {"type": "max_throughput"} if scenario == "Offline" else {"type": "poisson", "target_qps": 20}
    indices, schedule = list(seeds("v6.1").values())[1:]
    return {
        "type": "offline" if scenario == "Offline" else "online",
        "settings": {
            "load_pattern": load,
            "runtime": {
                "min_duration_ms": 600_000,
                "dataloader_random_seed": indices,
                "scheduler_random_seed": schedule,
            },
        },
    }


def write_summary(path: Path, sim: Simulated, *, online: bool) -> None:
    """Write `result_summary.json`; a Poisson load's rates are over the time until the last query issued is answered."""
    n, tokens = len(sim), int(sim.tokens_out.sum())
    window_ns = int(sim.done_ns[-1]) if online else int(sim.done_ns.max())
    summary: dict[str, Any] = {
        "version": "0.5",
        "n_samples_issued": n,
        "n_samples_completed": n,
        "n_samples_failed": 0,
        "duration_ns": int(sim.done_ns.max()),
        "state": "complete",
        "complete": True,
        "latency": series(sim.latency_ns),
        "ttft": series(sim.ttft_ns) if online else {},
        "tpot": series(sim.tpot_ns) if online else {},
        "output_sequence_lengths": {
            "total": tokens,
            "min": int(sim.tokens_out.min()),
            "max": int(sim.tokens_out.max()),
            "avg": tokens / n,
        },
        "legacy_loadgen_window_duration_ns": window_ns if online else None,
        "qps": (n - 1 if online else n) / (window_ns / 1e9),
        "tps": tokens / (window_ns / 1e9),
    }
    path.write_text(json.dumps(summary, indent=2))


def series(values: np.ndarray) -> dict[str, Any]:
    """One quantity; early stopping's estimate of a percentile is a sample somewhat above it."""
    ordered, n = np.sort(values), len(values)
    found: dict[str, Any] = {"min": int(ordered[0]), "max": int(ordered[-1]), "avg": float(values.mean())}
    found["std_dev"] = float(values.std(ddof=1))
    for name, above in (("percentiles", 1.0), ("early_stopping_percentiles", 0.8)):
        found[name] = {str(p): int(ordered[int(n * (1 - above * (1 - p / 100)))]) for p in (50.0, 90.0, 95.0, 99.0)}
    return found


def samples(scenario: str) -> Simulated:
    """Answers of an imagined system that holds Interactive's limits: Offline all at once, else at 20 a second."""
    rng = np.random.default_rng(["Offline", "Server", "Interactive"].index(scenario))
    tokens_out = rng.integers(100, 129, SAMPLES)
    due_s = np.zeros(SAMPLES) if scenario == "Offline" else np.cumsum(rng.exponential(0.05, SAMPLES))
    waited_s = np.sort(rng.uniform(1, 640, SAMPLES)) if scenario == "Offline" else 0.0
    first_s = due_s + waited_s + rng.uniform(0.1, 0.3, SAMPLES)
    done_s = first_s + (tokens_out - 1) * rng.uniform(0.012, 0.02, SAMPLES)
    times = [np.round(values * 1e9).astype(np.int64) for values in (due_s, first_s, done_s)]
    return Simulated(np.zeros(SAMPLES, dtype=int), *times, rng.integers(100, 1500, SAMPLES), tokens_out)


def accuracy_log(scenario: str) -> str:
    """The detail log of an accuracy run."""
    values: dict[str, Any] = {
        "loadgen_version": "5.1.0 @ 0123456789",
        "effective_scenario": "Offline" if scenario == "Offline" else "Server",
        "effective_test_mode": "AccuracyOnly",
        "effective_performance_sample_count": SAMPLES,
        "qsl_reported_total_count": SAMPLES,
        **{f"effective_{key}": value for key, value in SEEDS.items()},
        "power_begin": "07-01-2025 10:00:00.000",
        "power_end": "07-01-2025 10:11:00.000",
    }
    meta = {"is_error": False, "is_warning": False}
    return "".join(f":::MLLOG {json.dumps({'key': k, 'value': v, 'metadata': meta})}\n" for k, v in values.items())


TREES = {"loadgen-tree": make_loadgen_tree, "endpoints-tree": make_endpoints_tree}
"""True trees by the name that forgeries call their base; each writes itself below a folder."""
