"""`assay run` on the embedded engine and a real model, as a user without a GPU runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.paths import shared_data

ASSAY = [sys.executable, "-m", "assay.commands.main"]

pytestmark = [pytest.mark.engine, pytest.mark.slow]


def assay(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([*ASSAY, *arguments], cwd=folder, capture_output=True, text=True, timeout=580)
    if "couldn't be downloaded" in done.stderr or "engine needs openvino_genai" in done.stderr:
        pytest.skip(done.stderr)
    return done


@pytest.mark.timeout(600)  # two slow cores that compute in f32, and others at work on them
def test_offline_and_server_with_accuracy(tmp_path: Path) -> None:
    # One wave of warm-up before each load: until rates are steady is the warm-up's own tests' matter, and dear here.
    once = ["load.warmup_prompts=2", "load.warmup_limit_s=1"]
    settings = ["scenarios=[Offline,Server]", "dataset.samples=4", "queries={}", *once]
    done = assay(tmp_path, "run", "--json", *(word for setting in settings for word in ("--set", setting)))
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)["results"]
    assert len(results) == 4
    for result in results:
        assert result["status"] == "completed"
        assert result["loadgen"]["errors"] == 0
        assert not result["verdict"]["valid"]
        # A model that was misread, or prompts without its chat template, score near 0.
        assert result["accuracy"] is None or result["accuracy"]["scores"]["rouge1"]["value"] > 15
    for answers in (tmp_path / "results").glob("*/runs/*/answers.jsonl"):
        lines = [json.loads(line) for line in answers.read_text().splitlines()]
        assert sorted(line["qsl_idx"] for line in lines) == list(range(4))
        assert all(line["answer"] and "<|im_end|>" not in line["answer"] for line in lines)
    for run in (tmp_path / "results").glob("*/runs/*"):
        assert '"is_error": true' not in (run / "mlperf_log_detail.txt").read_text()
        assert json.loads((run / "ledger.json").read_text())["problems"] == []
        audit = json.loads((run / "audit.json").read_text())
        assert {finding["verdict"] for finding in audit["findings"]} == {"supported"}


def test_real_articles_from_a_file_and_the_engine_killed_in_the_middle(tmp_path: Path) -> None:
    dataset = shared_data() / "cnn_dailymail_30.json"
    settings = ["scenarios=[Offline]", "modes=[performance]", "dataset.samples=null", "load.warmup_prompts=0"]
    command = [*ASSAY, "run", "--dataset", str(dataset), *(w for setting in settings for w in ("--set", setting))]
    with (tmp_path / "stderr").open("w") as errors:
        process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=errors, text=True)
        os.kill(_server_of_a_running_test(tmp_path, process), signal.SIGKILL)
        process.communicate(timeout=120)
    assert process.returncode == 1
    (run,) = (tmp_path / "results").glob("*/runs/*")
    record, ledger = (json.loads((run / name).read_text()) for name in ("run.json", "ledger.json"))
    assert record["status"] == "failed"
    assert "every endpoint failed: local: " in record["reason"]
    assert ledger["issued"] == 30 == ledger["completed"] + ledger["failed"] + ledger["lost"]
    assert ledger["lost"] > 0
    assert ledger["problems"] == []
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(tmp_path) not in listed
    assert not Path(f"/proc/{_guard_pid(tmp_path)}").exists()


def _guard_pid(folder: Path) -> int:
    (path,) = folder.glob("results/*/deployment.json")
    return int(json.loads(path.read_text())["servers"][0]["handle"]["pid"])


def _server_of_a_running_test(folder: Path, process: subprocess.Popen[str]) -> int:
    """The engine's process, once LoadGen has issued its samples."""
    while process.poll() is None:
        for path in folder.glob("results/*/runs/*/progress.jsonl"):
            if '"issued":30' in path.read_text():
                return int(Path(f"/proc/{(pid := _guard_pid(folder))}/task/{pid}/children").read_text().split()[0])
        time.sleep(0.1)
    raise AssertionError((folder / "stderr").read_text())
