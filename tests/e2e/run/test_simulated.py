"""`assay run` as a user runs it, on simulated endpoints: verdicts, interruption, failure, what is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

ASSAY = [sys.executable, "-m", "assay.commands.main"]

CONFIG = """
name: simulated
benchmark: smollm2-135m
scenarios: [{scenarios}]
modes: [{modes}]
dataset: {{samples: 32}}
target_qps: {{Server: {qps}, Interactive: {qps}}}
queries: {queries}
engine: {simulator}
load: {{warmup_prompts: {warmup}}}
output: results
"""

pytestmark = pytest.mark.engine  # the prompts are tokenised with the embedded model's tokenizer


def configure(folder: Path, **values: Any) -> Path:
    defaults: dict[str, Any] = {
        "scenarios": "Offline",
        "modes": "performance",
        "qps": 100,
        "warmup": 2,
        "queries": "{}",
        "simulator": "{kind: simulated, window: 16, ttft_ms: 20, itl_ms: 2, output_tokens: 16}",
    }
    path = folder / "assay.yaml"
    path.write_text(CONFIG.format(**(defaults | values)))
    return path


def assay(folder: Path, *arguments: str, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*ASSAY, *arguments], cwd=folder, capture_output=True, text=True, timeout=timeout_s)


def only_campaign(folder: Path) -> Path:
    (campaign,) = [path for path in (folder / "results").iterdir() if (path / "campaign.json").exists()]
    return campaign


def processes_with(word: str) -> list[str]:
    listed = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if word in line]


def test_every_scenario_and_mode_without_an_error_in_loadgens_log(tmp_path: Path) -> None:
    configure(tmp_path, scenarios="Offline, Server, Interactive, SingleStream", modes="performance, accuracy")
    priced = ["--set", "currency=EUR", "--set", "cluster.nodes=[{name: local, cost_per_hour: 3.6}]"]
    done = assay(tmp_path, "run", "assay.yaml", "--json", *priced)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert len(answer["results"]) == 8
    for result in answer["results"]:
        assert result["status"] == "completed"
        assert result["loadgen"]["errors"] == 0
        rate, cost = (result["figures"][name] for name in ("output_tokens_per_s", "cost_per_million_output_tokens"))
        assert cost["value"] == pytest.approx(1e6 * 0.001 / rate["value"])
        assert cost["unit"] == "EUR/million output tokens"
        assert not result["verdict"]["valid"]
        assert "short run: not valid for MLPerf" in result["verdict"]["words"]
        assert (result["accuracy"] is not None) == (result["mode"] == "accuracy")
    for details in only_campaign(tmp_path).glob("runs/*/mlperf_log_detail.txt"):
        assert '"is_error": true' not in details.read_text()
    assert not processes_with(str(tmp_path))


@pytest.mark.parametrize(("qps", "verdict"), [(40, "VALID"), (400, "INVALID")])
def test_loadgens_verdict_is_reported_as_such(tmp_path: Path, qps: int, verdict: str) -> None:
    # 4 at a time, 0.05 s each: 80 samples/s at most; far more arrive in the second case.
    simulator = "{kind: simulated, window: 16, ttft_ms: 18, itl_ms: 4, output_tokens: 9, max_num_seqs: 4}"
    configure(tmp_path, scenarios="Server", qps=qps, queries="{Server: 640}", simulator=simulator)
    done = assay(tmp_path, "run", "assay.yaml", "--json")
    (result,) = json.loads(done.stdout)["results"]
    assert result["loadgen"]["result"] == verdict
    assert not result["verdict"]["valid"]  # a short run never is


def test_a_dead_server_ends_the_run_and_the_folder_says_so(tmp_path: Path) -> None:
    configure(
        tmp_path,
        warmup=0,  # so that it is a sample that the server dies of
        simulator="{kind: simulated, window: 16, ttft_ms: 20, itl_ms: 5, faults: {local: ['die,after=20']}}",
    )
    done = assay(tmp_path, "run", "assay.yaml")
    assert done.returncode == 1
    (run,) = (only_campaign(tmp_path) / "runs").iterdir()
    record = json.loads((run / "run.json").read_text())
    ledger = json.loads((run / "ledger.json").read_text())
    assert record["status"] == "failed"
    assert "every endpoint failed: local: " in record["reason"]
    told = " ".join(f"{done.stderr} {done.stdout}".split())
    assert told.count("every endpoint failed: local: ") == told.count("last lines of server local:") == 1
    assert "output tokens/s" not in told  # nothing was measured
    assert ledger["problems"] == []
    assert ledger["issued"] == ledger["completed"] + ledger["failed"] + ledger["lost"] == 32
    assert ledger["lost"] > 0
    assert "samples_per_s" not in json.loads((run / "result.json").read_text())["figures"]
    assert not processes_with(str(tmp_path))


@pytest.mark.parametrize("moment", ["data set", "starting", "[1/1]", "progress"])
def test_interrupted_at_any_moment_nothing_is_left(tmp_path: Path, moment: str) -> None:
    configure(tmp_path, simulator="{kind: simulated, window: 16, ttft_ms: 500, itl_ms: 100}")
    process = subprocess.Popen(
        [*ASSAY, "run", "assay.yaml"], cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    assert process.stderr is not None
    for line in process.stderr:
        if moment in line or (moment == "progress" and "[1/1]" in line):
            break
    if moment == "progress":
        time.sleep(4)  # into the run
    process.send_signal(signal.SIGINT)
    process.stderr.read()
    assert process.wait(timeout=20) == 130
    assert not processes_with(str(tmp_path))
    for path in (tmp_path / "results").glob("*/runs/*/run.json"):
        assert json.loads(path.read_text())["status"] == "interrupted"
        ledger = json.loads((path.parent / "ledger.json").read_text())
        assert ledger["problems"] == []


def test_a_wrong_file_is_one_message_and_exit_code_2(tmp_path: Path) -> None:
    (tmp_path / "assay.yaml").write_text("scenarios: [Offline]\nengin: {}\n")
    done = assay(tmp_path, "run", "assay.yaml")
    assert done.returncode == 2
    assert done.stderr.strip() == "assay: assay.yaml:2: engin: unknown key; did you mean 'engine'?"
    assert done.stdout == ""


def test_nothing_secret_is_written_or_listed(tmp_path: Path) -> None:
    secret = "sk-very-secret-4711"
    server = subprocess.Popen(
        [sys.executable, "-m", "assay.simulator", "--port", "0", "--port-file", "port", "--itl-ms", "1"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
    )
    try:
        while not (tmp_path / "port").exists():
            time.sleep(0.05)
        port = int((tmp_path / "port").read_text())
        (tmp_path / "assay.yaml").write_text(
            "scenarios: [Offline]\nmodes: [performance]\ndataset: {samples: 8}\n"
            f"engine: {{kind: external, model: simulated, api_key_env: TEST_KEY, server: vllm,\n"
            f"         endpoints: [{{url: 'http://127.0.0.1:{port}'}}]}}\n"
        )
        done = subprocess.run(
            [*ASSAY, "run", "assay.yaml"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            env={**os.environ, "TEST_KEY": secret},
        )
    finally:
        server.terminate()
        server.wait(timeout=10)
    assert done.returncode == 0, done.stderr
    assert secret not in done.stdout + done.stderr
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert secret.encode() not in path.read_bytes(), path


def test_help_names_every_command_quickly_enough_to_import_nothing_heavy() -> None:
    code = (
        "import sys; from assay.commands.main import main\n"
        "try: main(['--help'])\nexcept SystemExit: print(sorted(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for heavy in ("numpy", "pyarrow", "pydantic", "matplotlib", "plotly", "mlperf_loadgen", "uvloop", "rich"):
        assert f"'{heavy}'" not in done.stdout
