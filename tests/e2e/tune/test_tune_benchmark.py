"""The benchmark of the search runs on its simulated servers, and comes near their true rates."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[3] / "benchmarks" / "tune.py"


def test_each_way_finds_about_the_true_rate_of_simulated_servers() -> None:
    command = [sys.executable, str(SCRIPT), "--json", "--seeds", "1", "--lengths", "4000"]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert found["simulated"]
    for way in (found, found["bisection"], found["aiperf"]):
        assert set(way["servers"]) == {"places", "decoding", "prefill"}
        for server in way["servers"].values():
            assert server["without_answer"] == 0
            assert abs(server["off_mean"]) < 0.15
            assert server["requests_median"] > 0
    assert found["bisection"]["requests_a_probe"] == 4000
    assert found["aiperf"]["our_requests"] == round(found["requests_median"] / found["aiperf"]["requests_median"], 3)


def test_with_few_requests_each_server_has_its_figures() -> None:
    command = [sys.executable, str(SCRIPT.with_name("tune_budget.py")), "--json", "--seeds", "1", "--requests", "20000"]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert found["simulated"]
    for name in ("places", "decoding", "prefill", "sharp"):
        assert found[name]["without_answer"] or abs(found[name]["off_mean"]) < 0.3
