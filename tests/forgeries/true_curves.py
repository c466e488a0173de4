"""A true submission to MLPerf Endpoints to forge: one system's curve with llama3.1-8b, seven points and Offline.

The samples are made up; nothing here was measured.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from tests.forgeries.true_trees import SAMPLES, SCORED, series

SYSTEM, MODEL = "8xH100", "llama3.1-8b"
CURVE = Path("ORG/1/results", SYSTEM, MODEL)
POINTS = (8, 10, 12, 20, 40, 80, 128)
MOST = POINTS[-1]
OFFLINE = SAMPLES
_SCORED_AT = (8, 10, 20, 80, OFFLINE)
_SEEDS = {
    "scheduler_rng_seed": 10487924139932647040,
    "sample_index_rng_seed": 586478644936801402,
    "model_seed": 9315206023656308754,
}
_WARMUP = {
    "duration_s": 60.0,
    "requests_issued": 200,
    "requests_completed": 200,
    "data_source": "generated prompts",
    "concurrency": 8,
    "initialization_steps": ["weights loaded"],
    "logs_retained": True,
}


def make_curve_tree(root: Path, points: Sequence[int] = (*POINTS, OFFLINE)) -> Path:
    """Write ORG/1 below `root`, with all its points or some."""
    submission = root / "ORG/1"
    for folder in ("docs", "src/engine"):
        (submission / folder).mkdir(parents=True)
    (submission / "src/engine/README.md").write_text("How to build and start it.\n")
    add_curve(submission / "results" / SYSTEM, points)
    return root


def add_curve(system: Path, points: Sequence[int] = (*POINTS, OFFLINE)) -> None:
    """Write a system's folder in results."""
    summaries = {number: _summary(number, system.name) for number in points}
    rates = {number: summary["tps"] for number, summary in summaries.items()}
    for number, summary in summaries.items():
        folder = system / MODEL / f"r{number}"
        folder.mkdir(parents=True)
        (folder / "point.yaml").write_text(yaml.safe_dump(_config(number)))
        (folder / "result_summary.json").write_text(json.dumps(summary))
        description = {
            "system_name": system.name,
            "max_supported_concurrency": MOST,
            "node_types": [
                {
                    "number_of_nodes": 1,
                    "accelerator_info": [
                        {"accelerator_model_name": "NVIDIA H100 SXM 80GB", "accelerators_per_node": 8}
                    ],
                    "cooling": "air-cooled",
                }
            ],
            "tps_utilization": round(rates[number] / max(rates.values()), 4),
        }
        (folder / "system_desc.json").write_text(json.dumps(description))
        if number in _SCORED_AT:
            (folder / "accuracy_results.json").write_text(json.dumps({"accuracy_scores": [SCORED]}))
    power = {
        "cpu": {"num_cpu": 2, "tdp_per_cpu": 350},
        "accelerator": {"num_accelerator": 8, "tdp_per_accelerator": 700},
    }
    (system / "system_power.json").write_text(json.dumps(power))


def _config(number: int) -> dict[str, Any]:
    offline = number == OFFLINE
    return {
        "concurrency": number,
        "region": "submitters_choice" if number not in (8, 10, 20, 80) else _region(number),
        "offline": "dedicated" if offline else "none",
        "dataset": "cnn_dailymail",
        "division": "Standardized",
        "max_supported_concurrency": MOST,
        "model_name": MODEL,
        "model_precision": "FP8",
        "link_to_model": "https://example.org/model",
        "dataset_name": "CNN/DailyMail",
        "dataset_type": "Accuracy + Performance",
        "dataset_link": "https://example.org/data",
        "shared_src": "src/engine",
        "shared_docs": "docs",
        "seed_set": "A",
        "target_cohort": "2026-11-C0",
        "runtime_settings": {
            "load_pattern": "max_throughput" if offline else "concurrency",
            "stream_all_chunks": True,
            "runtime": dict(_SEEDS),
        },
        "warmup": dict(_WARMUP),
    }


def _region(number: int) -> str:
    """With 8 the least and 128 the most the regions end at 13 and at 32."""
    return {8: "low_latency", 10: "low_concurrency", 20: "med_concurrency", 80: "high_concurrency"}[number]


def _summary(number: int, system: str) -> dict[str, Any]:
    """A closed loop of `number` requests in flight, or everything at once; whole passes, for 1,200 s at least."""
    rng = np.random.default_rng([number, *system.encode()])
    offline = number == OFFLINE
    slots = 160 if offline else number
    pace_s = 0.004 + 0.0001 * slots
    passes = math.ceil(1250 * slots / (SAMPLES * (0.1 + 114 * pace_s)))
    n = passes * SAMPLES
    tokens = rng.integers(100, 129, n)
    first_s = rng.uniform(0.05, 0.15, n)
    token_s = rng.uniform(0.95, 1.05, n) * pace_s
    whole_s = first_s + (tokens - 1) * token_s
    duration_s = float(whole_s.sum()) / slots
    nanoseconds = {name: np.round(values * 1e9).astype(np.int64) for name, values in
                   (("latency", whole_s), ("ttft", first_s), ("tpot", token_s))}  # fmt: skip
    if offline:
        nanoseconds = {"latency": np.sort(rng.uniform(1, duration_s, n) * 1e9).astype(np.int64)}
    return {
        "n_samples_issued": n,
        "n_samples_completed": n,
        "n_samples_failed": 0,
        "duration_ns": int(duration_s * 1e9),
        "state": "complete",
        "complete": True,
        **{name: series(values) for name, values in nanoseconds.items()},
        "output_sequence_lengths": {
            "total": int(tokens.sum()),
            "min": int(tokens.min()),
            "max": int(tokens.max()),
            "avg": float(tokens.mean()),
        },
        "qps": n / duration_s,
        "tps": int(tokens.sum()) / duration_s,
    }
