"""Warm-up: a cold start is measured and kept out, windows are found, records are kept apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.running_simulator import simulator
from tests.simulated import run, simulators

from assay.runs import WarmupFacts, read_requests

PACE = ("--ttft-ms", "10", "--itl-ms", "2", "--output-tokens", "8")


def test_a_cold_start_is_measured_and_not_mixed_in(tmp_path: Path) -> None:
    with simulators(tmp_path, [[*PACE, "--fault", "cold_start,for=20,factor=20"]]) as urls:
        result = run(tmp_path, urls, warmup_prompts=4)
    facts = result.outcome.warmup
    assert facts is not None
    assert facts.settled
    assert facts.first_ttft_ns is not None
    assert facts.first_ttft_ns >= 200_000_000  # 20 times 10 ms, the simulator's truth
    measured = read_requests(result.folder.requests, ["sent_ns", "qsl_idx"]).to_pylist()
    warmup = read_requests(result.folder.warmup, ["done_ns", "qsl_idx"]).to_pylist()
    assert len(warmup) == facts.requests
    assert max(row["done_ns"] for row in warmup) < min(row["sent_ns"] for row in measured)
    assert min(row["qsl_idx"] for row in warmup) == 32  # behind the samples: none of them is seen early


def cold_intervals(folder: Path, **changes: Any) -> tuple[int, WarmupFacts]:
    """How many intervals of measured samples were slow because the server was cold, by the server's own count.

    One request at a time, so that one batch size is used; its first 24 intervals take up to 50 times as long.
    """
    folder.mkdir()
    with simulator(folder, *PACE, "--cold-factor", "50", "--cold-intervals", "24") as server:
        result = run(folder, [server.url()], "SingleStream", samples=4, **changes)
        truth = [line for line in server.stop() if not line.get("summary")]
    measured = [line for line in truth if int(line["user"]) < 4]
    assert len(measured) == result.ledger.completed >= 4
    assert result.outcome.warmup is not None
    return sum(line["cold"] for line in measured), result.outcome.warmup


def test_the_first_run_on_a_cold_server_finds_it_warm(tmp_path: Path) -> None:
    cold, without = cold_intervals(tmp_path / "without", warmup_prompts=0)
    assert cold == 24
    assert not without.settled
    assert without.tolerance is None
    cold, facts = cold_intervals(tmp_path / "with", warmup_prompts=4)
    assert cold == 0
    assert facts.places == {"sim0": 1}
    assert len(facts.waves["sim0"]) >= 4  # two cold ones, and two to see that it is steady


def test_a_window_is_found_near_what_the_server_runs_at_once(tmp_path: Path) -> None:
    with simulators(tmp_path, [[*PACE, "--max-num-seqs", "32"]]) as urls:
        result = run(tmp_path, urls, warmup_prompts=4, window=None, warmup={"limit_s": 20})
    assert 16 <= result.outcome.windows["sim0"] <= 128


def test_an_endpoint_that_fails_its_warmup_is_left_out(tmp_path: Path) -> None:
    with simulators(tmp_path, [PACE]) as urls:
        result = run(tmp_path, [*urls, "http://127.0.0.1:9"], warmup_prompts=4)
    assert result.outcome.status == "finished"
    assert [endpoint.ok for endpoint in result.ledger.endpoints] == [32, 0]
