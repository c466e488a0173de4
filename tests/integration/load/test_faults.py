"""Every way in which a simulated endpoint can fail, and where the ledger says the samples went."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.simulated import FAST, Run, run, simulators

from assay.runs import Ledger, read_requests

SAMPLES = 32


def check_books(result: Run) -> None:
    """What must hold however a run went."""
    ledger = result.ledger
    assert ledger.problems == []
    assert ledger.issued == ledger.completed + ledger.failed + ledger.lost
    for endpoint in ledger.endpoints:
        assert endpoint.sent == endpoint.ok + endpoint.failed + endpoint.lost
        assert sum(endpoint.reasons.values()) == endpoint.failed
    rows = read_requests(result.folder.requests).to_pylist()
    assert sum(row["final"] for row in rows) == ledger.issued
    assert sum(row["final"] and row["status"] == "ok" for row in rows) == ledger.completed
    assert len({row["sample_id"] for row in rows}) == ledger.issued


def failed_attempts(ledger: Ledger) -> dict[str, int]:
    total: dict[str, int] = {}
    for endpoint in ledger.endpoints:
        for reason, count in endpoint.reasons.items():
            total[reason] = total.get(reason, 0) + count
    return total


REQUEST_FAULTS = {
    "error_500": "http_5xx",
    "error_429": "http_429",
    "reset": "connection_reset",
    "half_close": "truncated",
    "garbage": "malformed",
    "malformed_sse": "malformed",
    "empty": "empty",
    "short_count": "count_mismatch",
    "hang": "stalled",
}


@pytest.mark.parametrize(("fault", "reason"), REQUEST_FAULTS.items())
def test_failed_attempts_are_sent_again_elsewhere(tmp_path: Path, fault: str, reason: str) -> None:
    servers = [[*FAST, "--fault", f"{fault},p=0.4", "--seed", "3"], FAST]
    with simulators(tmp_path, servers) as urls:
        result = run(tmp_path, urls, samples=SAMPLES, max_attempts=6)
    check_books(result)
    assert result.ledger.completed == SAMPLES
    assert result.ledger.resent > 0
    assert set(failed_attempts(result.ledger)) == {reason}
    assert failed_attempts(result.ledger)[reason] == result.ledger.attempts - SAMPLES


@pytest.mark.parametrize("scenario", ["Offline", "Server", "SingleStream"])
def test_samples_that_always_fail_are_failed_and_loadgen_still_ends(tmp_path: Path, scenario: str) -> None:
    with simulators(tmp_path, [[*FAST, "--fault", "empty,after=3"]]) as urls:
        result = run(tmp_path, urls, scenario, samples=8, max_attempts=2)
    check_books(result)
    assert result.outcome.status == "finished"
    assert result.ledger.completed == 3
    assert result.ledger.failed == result.ledger.issued - 3
    assert result.ledger.failure_reasons == {"empty": result.ledger.failed}
    detail = result.folder.loadgen_detail.read_text()
    assert '"is_error": true' not in detail


def test_a_server_that_dies_leaves_its_samples_to_the_other(tmp_path: Path) -> None:
    with simulators(tmp_path, [[*FAST, "--fault", "die,after=10"], FAST]) as urls:
        result = run(tmp_path, urls, samples=64)
    check_books(result)
    assert result.ledger.completed == 64
    assert result.ledger.resent > 0
    assert result.ledger.endpoints[0].ok < 16


def test_a_server_that_dies_and_comes_back_takes_part_again(tmp_path: Path) -> None:
    """The other one is halted until the first has answered again, however long its start takes."""
    slow = ("--ttft-ms", "50", "--itl-ms", "10", "--output-tokens", "8")
    processes: list[subprocess.Popen[bytes]] = []
    with simulators(tmp_path, [[*slow, "--fault", "die,after=12"], slow], processes) as urls:
        revival = threading.Thread(target=_revive, args=(urls[0], slow, processes))
        revival.start()
        try:
            result = run(tmp_path, urls, samples=256, window=4, timeouts={"stall_s": 90, "request_s": 120}, limit_s=150)
        finally:
            revival.join()
    check_books(result)
    assert result.ledger.completed == 256
    rows = read_requests(result.folder.requests, ["endpoint", "status", "done_ns"]).to_pylist()
    mine = [row for row in rows if row["endpoint"] == "sim0"]
    died_ns = max(row["done_ns"] for row in mine if row["status"] != "ok")
    assert any(row["done_ns"] > died_ns and row["status"] == "ok" for row in mine)


def _revive(url: str, options: Sequence[str], processes: list[subprocess.Popen[bytes]]) -> None:
    """Once the first has died: halts the second, starts the first again, and halts until that has answered."""
    dead, other = processes
    dead.wait(timeout=60)
    other.send_signal(signal.SIGSTOP)
    try:
        command = [sys.executable, "-m", "assay.simulator", "--port", url.rpartition(":")[2], *options]
        processes.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        deadline_s = time.monotonic() + 60
        while time.monotonic() < deadline_s and not _answers(url):
            time.sleep(0.1)
    finally:
        other.send_signal(signal.SIGCONT)


def _answers(url: str) -> int:
    """How many requests a simulator has answered; 0 where it isn't up."""
    try:
        with urllib.request.urlopen(f"{url}/metrics", timeout=5) as reply:
            lines = reply.read().decode().splitlines()
    except OSError:
        return 0
    return sum(int(float(line.split()[-1])) for line in lines if line.startswith("vllm:request_success_total"))


@pytest.mark.parametrize("fault", ["slow,factor=5", "cold_start,for=1,factor=20"])
def test_slow_servers_lose_nothing(tmp_path: Path, fault: str) -> None:
    with simulators(tmp_path, [[*FAST, "--fault", fault], FAST]) as urls:
        result = run(tmp_path, urls, samples=SAMPLES)
    check_books(result)
    assert result.ledger.completed == SAMPLES
    assert result.ledger.resent == 0


@pytest.mark.parametrize("scenario", ["Offline", "Server", "SingleStream"])
def test_when_all_endpoints_are_gone_the_run_ends_and_the_books_balance(tmp_path: Path, scenario: str) -> None:
    with simulators(tmp_path, [[*FAST, "--fault", "die,after=10"]]) as urls:
        result = run(tmp_path, urls, scenario, samples=64, limit_s=30)
    check_books(result)
    assert result.outcome.status == "endpoints_gone"
    assert result.ledger.completed <= 10
    assert result.ledger.lost > 0
    assert result.ledger.loadgen_completed is None


def test_nobody_there_from_the_start(tmp_path: Path) -> None:
    result = run(tmp_path, ["http://127.0.0.1:9"], warmup_prompts=4, limit_s=30)
    check_books(result)
    assert result.outcome.status == "endpoints_gone"
    assert "warm-up" in result.outcome.reason
    assert result.ledger.issued == 0


def test_one_of_four_killed_and_one_stalled_half_way(tmp_path: Path) -> None:
    slow = ("--ttft-ms", "20", "--itl-ms", "5", "--output-tokens", "16")
    servers = [slow, [*slow, "--fault", "die,after=20"], [*slow, "--fault", "hang,after=20"], slow]
    with simulators(tmp_path, servers) as urls:
        result = run(tmp_path, urls, samples=200, window=8, workers=2, limit_s=60)
    check_books(result)
    ledger = result.ledger
    assert ledger.completed + ledger.failed == 200
    assert ledger.completed >= 195
    assert ledger.loadgen_completed == 200
    assert "stalled" in ledger.endpoints[2].reasons


def test_a_run_over_its_limit_is_stopped_and_closed(tmp_path: Path) -> None:
    with simulators(tmp_path, [["--ttft-ms", "100", "--itl-ms", "100"]]) as urls:
        result = run(tmp_path, urls, samples=64, limit_s=4, timeouts={"stall_s": 30})
    check_books(result)
    assert result.outcome.status == "stopped"
    assert result.ledger.lost > 0
    assert any(endpoint.lost for endpoint in result.ledger.endpoints)
    assert not _processes_of(result)


def _processes_of(result: Run) -> list[str]:
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if str(result.folder.path) in line]
