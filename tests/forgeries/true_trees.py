"""A true submission tree to forge: llama3.1-8b as LoadGen 5.1 logs it. Made-up samples, nothing here was measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from tests.unit.audit.loadgen_files import SEEDS, write_logs
from tests.unit.audit.queue_runs import Simulated

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
_MEASUREMENTS = {
    "input_data_types": "int32",
    "retraining": "No",
    "starting_weights_filename": "Llama-3.1-8B-Instruct",
    "weight_data_types": "fp8",
    "weight_transformations": "quantization",
}


def make_loadgen_tree(root: Path) -> Path:
    """Write the tree below `root`: three scenarios with their performance, accuracy and compliance runs."""
    systems = root / "closed/ORG/systems"
    systems.mkdir(parents=True)
    (systems / f"{SYSTEM}.json").write_text(json.dumps(DESCRIPTION))
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


def samples(scenario: str) -> Simulated:
    """Answers of an imagined system that holds Interactive's limits: Offline all at once, else at 20 a second."""
    rng = np.random.default_rng(8)
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


TREES = {"loadgen-tree": make_loadgen_tree}
"""True trees by the name that forgeries call their base; each writes itself below a folder."""
