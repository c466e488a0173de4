"""Made-up official campaigns of llama3.1-8b that could be submitted, and what spoils one. Nothing here was measured."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import yaml
from tests.synthetic import Node, Plan, write_campaign

from assay.analysis import summarise
from assay.benchmarks.mlperf import COMPLIANCE
from assay.runs import CampaignFolder, RunFolder, read_campaign, read_record, write_json, write_run_manifest

SAMPLES = 13_368
EOS = 128_009
NODES = (Node("node-a", speed=4.0, slots=24), Node("node-b", speed=4.0, slots=24))
SCORES = (
    "\nResults\n\n{'rouge1': '38.8', 'rouge2': '15.95', 'rougeL': '24.5', 'rougeLsum': '35.8', "
    "'gen_len': 8167644, 'gen_num': 13368}\n"
)
ANSWERS = {
    "status": "available",
    "system_name": "2 nodes of 1x Synthetic GPU 80GB",
    "system_type": "datacenter",
    "host_processors_per_node": "2",
    "host_processor_core_count": "32",
    "host_memory_configuration": "16x 16 GB",
    "host_storage_capacity": "1 TB",
    "host_storage_type": "NVMe SSD",
    "host_networking": "Ethernet 100 Gb/s",
    "host_network_card_count": "1",
    "host_networking_topology": "one switch",
    "accelerator_memory_configuration": "HBM3",
    "accelerator_host_interconnect": "PCIe",
    "accelerator_interconnect": "none",
    "accelerator_memory_capacity": "80 GB",
    "operating_system": "Debian 13",
    "cooling": "air",
    "input_data_types": "int32",
    "retraining": "no",
    "weight_data_types": "bf16",
    "weight_transformations": "none",
    "source": "https://example.org/engine, tag 1.0",
}
CONFIG = {
    "name": "synthetic",
    "benchmark": "llama3.1-8b",
    "scenarios": ["Offline", "Server"],
    "official": True,
    "target_qps": {"Server": 20.0},
    "engine": {"kind": "simulated", "max_num_seqs": 24},
}


def write_answers(path: Path, **changes: str | None) -> Path:
    """`system.yaml`; a change of None leaves the field out."""
    answers = {name: value for name, value in (ANSWERS | changes).items() if value is not None}
    path.write_text(yaml.safe_dump(answers))
    return path


def official_campaign(
    parent: Path,
    scenarios: Sequence[str] = ("Offline", "Server"),
    *,
    identity: str = "campaign",
    change: Callable[[str, Plan], Plan] = lambda key, plan: plan,
) -> CampaignFolder:
    """A closed campaign with every run that llama3.1-8b needs; `change` makes another plan of one, by its key."""
    plans = {}
    for scenario in scenarios:
        paced = scenario != "Offline"
        plan = Plan(
            nodes=NODES, scenario=scenario, samples=SAMPLES, official=True, simulated=False, chunks=False,
            telemetry=False, qps=20.0 if paced else None,
        )  # fmt: skip
        plans[f"{scenario}-performance-r0".lower()] = plan
        plans[f"{scenario}-accuracy-r0".lower()] = replace(plan, mode="accuracy")
        plans[f"{scenario}-test06-r0".lower()] = replace(plan, samples=100, settings={"samples_per_query": 100})
    folder = write_campaign(
        parent, {key: change(key, plan) for key, plan in plans.items()}, kind="official", identity=identity
    )
    for entry in read_campaign(folder).runs:
        _complete(folder.run(str(entry.run)))
    return folder


def _complete(run: RunFolder) -> None:
    """What a synthetic run lacks of a real one, and what closes it."""
    record = read_record(run)
    run.config.write_text(yaml.safe_dump(CONFIG))
    (run.path / "user.conf").write_text("llama3_1-8b.Server.target_qps = 20.0\n")
    if record.mode == "accuracy":
        run.accuracy_txt.write_text(SCORES)
        write_log(run, answers(record.scenario, 600))
    elif "test06" in run.id:
        write_json(run.record, record.model_copy(update={"compliance": "TEST06"}))
        _log_test06(run)
        write_log(run, answers(record.scenario, 100))
    else:
        run.loadgen_accuracy.write_text("[\n]\n")
    close(run)


def close(run: RunFolder) -> None:
    """Close a run, or close it again after a change that is to pass for its own."""
    write_json(run.result, summarise(run))
    run.manifest.unlink(missing_ok=True)
    write_run_manifest(run, "")


def change_record(run: RunFolder, **changes: Any) -> None:
    """Change what a closed run says of itself, as though it had been so."""
    write_json(run.record, read_record(run).model_copy(update=changes))
    close(run)


def answers(scenario: str, count: int) -> list[dict[str, Any]]:
    """Entries of LoadGen's accuracy log: made-up ids, every other answer ended by the model."""
    rng = np.random.default_rng(5)
    found = []
    for number in range(count):
        ids = rng.integers(0, 128_000, int(rng.integers(2, 20)))
        if number % 2:
            ids[-1] = EOS
        entry = {"seq_id": number, "qsl_idx": number, "data": hexadecimal(ids), "token_count": len(ids)}
        if scenario != "Offline":
            entry["token_data"] = hexadecimal(ids[:1])
        found.append(entry)
    return found


def hexadecimal(ids: Any) -> str:
    return np.asarray(ids, dtype="<i4").tobytes().hex().upper()


def write_log(run: RunFolder, entries: list[dict[str, Any]]) -> None:
    run.loadgen_accuracy.write_bytes(b"[\n" + b",\n".join(map(orjson.dumps, entries)) + b"\n]\n")


def _log_test06(run: RunFolder) -> None:
    """The settings of its audit.config, as LoadGen logs them."""
    with run.loadgen_detail.open("a") as file:
        for name, value in COMPLIANCE["TEST06"].items():
            entry = {"key": f"requested_{name}", "value": value, "metadata": {"is_error": False, "is_warning": False}}
            file.write(f":::MLLOG {orjson.dumps(entry).decode()}\n")


def digests(folder: Path) -> dict[str, str]:
    """Every file below a folder, by its path: the first digits of its SHA-256."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()[:16] for path in files}
