"""The benchmark of a whole run on many endpoints, small: it measures what it says. How fast it was decides nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[3] / "benchmarks" / "fleet_run.py"


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core for the client and one for the simulators")
def test_a_small_fleet_is_run_and_measured(tmp_path: Path) -> None:
    small = ("--endpoints", "12", "--window", "2", "--seconds", "2", "--chunks-per-s-a-core", "800")
    command = [sys.executable, str(BENCHMARK), *small, "--warmup-prompts", "0", "--json", "--folder", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["simulated"]
    assert found["endpoints"] == 12
    assert found["ledger_balanced"]
    assert found["samples"] >= 12
    assert 0 < found["combined_over_ideal"] < 1.01
    assert {"assay.commands.main", "assay.load.driver", "assay.load.worker", "assay.simulator"} <= set(found["peak_mb"])
    assert min(found["seconds"].values()) > 0
    assert found["run_folder_mb"] > 0


def test_the_ideal_is_every_place_taking_the_next_answer_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(BENCHMARK.parent), *sys.path])
    import numpy as np

    from fleet_truth import Pace, Served, ideal_s

    pace = Pace(ttft_ms=100.0, itl_ms=50.0, tokens_per_chunk=4, places=1)
    tokens = np.array([4, 8, 9, 4])  # 0.1, 0.15, 0.2 and 0.1 s on two places
    served = Served(tokens, tokens, tokens, tokens, lateness_p99_us=0.0)
    assert ideal_s(served, pace, endpoints=2) == pytest.approx(0.3)


def test_a_process_that_has_ended_and_isnt_waited_for_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(BENCHMARK.parent), *sys.path])
    from fleet_processes import Watcher

    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
        watcher = Watcher([ended.pid, os.getpid()])
        watcher._look()
    assert ended.pid not in watcher.seen
    assert watcher.seen[os.getpid()].peak_bytes > 0
