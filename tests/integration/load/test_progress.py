"""What a real load tells of itself: every phase, and totals and latencies that agree with its records."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.simulated import FAST, run, simulators

from assay.runs import read_requests
from assay.runs.progress import PhaseEvent, ProgressEvent, read_progress
from assay.runs.sketch import RELATIVE_ERROR


@pytest.mark.parametrize("scenario", ["Offline", "Server", "SingleStream"])
def test_the_last_event_agrees_with_the_records(tmp_path: Path, scenario: str) -> None:
    with simulators(tmp_path, [FAST, [*FAST, "--fault", "error_500,p=0.3", "--seed", "3"]]) as urls:
        result = run(tmp_path, urls, scenario, warmup_prompts=2)
    events = read_progress(result.folder.progress)
    phases = [event.phase for event in events if isinstance(event, PhaseEvent)]
    assert phases[:2] == ["warmup", "start"]
    assert phases[-1] == "closing"
    assert set(phases[2:-1]) <= {"load", "drain"}
    last = [event for event in events if isinstance(event, ProgressEvent)][-1]
    ledger = result.ledger
    assert (last.issued, last.completed, last.failed) == (ledger.issued, ledger.completed, ledger.failed)
    assert (last.in_flight, last.queued, last.phase) == (0, 0, "drain")
    assert last.expected == ledger.issued
    own = {e.endpoint: (e.ok, e.failed, e.sent - e.ok - e.failed) for e in ledger.endpoints}
    assert {n: (e.completed, e.failed, e.in_flight) for n, e in last.endpoints.items()} == own
    columns = ["status", "issued_ns", "first_ns", "last_ns", "input_tokens", "output_tokens"]
    rows = [row for row in read_requests(result.folder.requests, columns).to_pylist() if row["status"] == "ok"]
    assert last.input_tokens == sum(row["input_tokens"] for row in rows)
    assert last.output_tokens == sum(row["output_tokens"] for row in rows)
    for sketch, to in ((last.ttft, "first_ns"), (last.latency, "last_ns")):
        times = np.sort([row[to] - row["issued_ns"] for row in rows])
        assert sketch.count == len(times)
        # Issue times are taken on the same clock, twice within the same callback.
        assert sketch.quantile(0.5) == pytest.approx(times[len(times) // 2], rel=RELATIVE_ERROR + 1e-6)
    assert last.tpot.count == len(rows)
