"""The benchmarks of connections and of streams by worker, small: they measure what they say, however fast that is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"


def measured(name: str, *options: str) -> dict[str, Any]:
    command = [sys.executable, str(BENCHMARKS / name), *options, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["simulated"]
    return found


def test_connections_are_opened_at_their_pace_and_each_carries_a_request() -> None:
    found = measured("connections.py", "--connections", "300", "--connect-timeout-s", "60")
    assert (found["open"], found["answered"], found["opened_again_for_answers"]) == (300, 300, 0)
    assert found["tcp_sockets_in_use"] >= 600
    assert min(found["client_bytes_a_connection"], found["open_cpu_us_a_connection"]) > 0


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core for the client and one for the servers")
def test_two_workers_share_one_endpoints_streams() -> None:
    load = ("--streams", "16", "--rounds", "12", "--tokens", "8", "--ttft-ms", "20", "--ramp-s", "0.1")
    found = measured("streams.py", *load, "--workers", "1", "2", "--servers", "2")
    assert found["by_workers"].keys() == {"1", "2"}
    for case in found["by_workers"].values():
        assert case["requests_at_full_load"] > 0
        assert case["ttft_error_p99_ms"] > 0
