"""Server at a rate at which LoadGen hands over several samples at once."""

from __future__ import annotations

from pathlib import Path

from tests.simulated import run, simulators

from assay.load.loadgen import COALESCED_FROM_QPS
from assay.runs import answered, read_requests

RATE = 2.0 * COALESCED_FROM_QPS
SAMPLES = 400


def test_samples_that_come_together_keep_their_own_times_and_are_each_accounted_for(tmp_path: Path) -> None:
    pace = ["--ttft-ms", "1", "--itl-ms", "0.1", "--output-tokens", "4"]
    with simulators(tmp_path, [pace, pace]) as urls:
        result = run(
            tmp_path, urls, "Server", samples=50, window=256, max_tokens=8,
            loadgen={"target_qps": RATE, "queries": SAMPLES}, timeouts={"stall_s": 30.0, "request_s": 60.0},
        )  # fmt: skip
    assert (result.ledger.completed, result.ledger.problems) == (SAMPLES, [])
    assert '"requested_server_coalesce_queries", "value": true' in result.folder.loadgen_detail.read_text()
    columns = ["sample_id", "final", "status", "scheduled_ns", "issued_ns", "sent_ns"]
    rows = answered(read_requests(result.folder.requests, columns)).to_pylist()
    assert sorted(row["sample_id"] for row in rows) == list(range(SAMPLES))
    assert all(row["scheduled_ns"] <= row["issued_ns"] <= row["sent_ns"] for row in rows)
    assert len({row["scheduled_ns"] for row in rows}) == SAMPLES
