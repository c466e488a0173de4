"""A window that is full at the client: told where the wait for it, and not the server, makes most of TTFT."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.closed_loop import samples
from tests.synthetic import Plan, write_run

from assay.analysis.run import analyse_run
from assay.analysis.samples import Samples
from assay.analysis.summary import summarise
from assay.analysis.waiting import waiting
from assay.runs import RequestWriter, RunRecord, read_record, read_requests, write_json

COUNT, WINDOW = 60, 4
QUICK_NS = 57_000_000


def record(folder: Path, window: int | None = WINDOW) -> RunRecord:
    found = read_record(write_run(folder, Plan(scenario="Server", samples=60, qps=4.0, chunks=False)))
    found.endpoints = found.endpoints[:1]
    found.endpoints[0].name, found.endpoints[0].window = "a", window
    return found


def queued(wait_s: float, first_ns: int = QUICK_NS) -> Samples:
    """Four at a time, a second each; every sample was due `wait_s` before it was sent."""
    sent_s = np.arange(COUNT) // WINDOW * 1.0
    plain = samples(sent_s, sent_s + 1.0)
    return replace(plain, start_ns=plain.sent_ns - round(wait_s * 1e9), first_ns=plain.sent_ns + first_ns)


def test_most_of_ttft_at_the_client_with_its_window_full(tmp_path: Path) -> None:
    found = waiting(queued(20.0), record(tmp_path))
    assert found is not None
    assert found.words == (
        "TTFT p50 is 20.1 s, 57 ms from sending: the rest is waiting at the client, whose window for a (4) was full"
    )


@pytest.mark.parametrize(
    ("given", "window"),
    [
        (queued(0.0), WINDOW),
        (queued(0.005), WINDOW),  # some milliseconds
        (queued(1.0, first_ns=5_000_000_000), WINDOW),  # the server takes most of it
        (queued(20.0), WINDOW + 1),  # the window was never full: the client was late, which is told as that
        (queued(20.0), None),
    ],
)
def test_nothing_to_tell(tmp_path: Path, given: Samples, window: int | None) -> None:
    assert waiting(given, record(tmp_path, window)) is None


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"max_num_seqs": 4}, False),
        ({"max_num_seqs": 8}, True),
        ({"max_num_seqs": 4, "data_parallel": 2}, True),
        ({"max_num_seqs": None}, True),  # nobody said how many
    ],
)
def test_a_window_as_large_as_what_the_server_works_on_holds_nothing_back(
    tmp_path: Path, settings: dict[str, Any], told: bool
) -> None:
    """The server would have let the next one wait in its own queue."""
    run = record(tmp_path)
    run.endpoints[0].settings = settings
    assert (waiting(queued(20.0), run) is not None) == told


def test_only_where_requests_follow_a_schedule(tmp_path: Path) -> None:
    offline = record(tmp_path)
    offline.scenario = "Offline"
    assert waiting(queued(20.0), offline) is None


def test_a_tail_that_waits_is_told_as_the_tail(tmp_path: Path) -> None:
    late = queued(20.0)
    few = replace(late, start_ns=np.where(np.arange(COUNT) < 3, late.start_ns, late.sent_ns))
    found = waiting(few, record(tmp_path))
    assert found is not None
    assert found.percentile == "p99"


def test_it_is_a_finding_and_a_notice(tmp_path: Path) -> None:
    folder = write_run(tmp_path, Plan(scenario="Server", samples=80, qps=4.0, chunks=False))
    assert not any("window" in notice for notice in summarise(folder).notices)
    rows = read_requests(folder.requests).to_pylist()
    for row in rows:
        for name in ("issued_ns", "scheduled_ns"):
            row[name] -= 30_000_000_000
    with RequestWriter(folder.requests) as writer:
        writer.write(rows)
    narrow = read_record(folder)
    for endpoint in narrow.endpoints:
        endpoint.window = 1
    write_json(folder.record, narrow)
    assert "client-window" in {finding.rule for finding in analyse_run(folder).findings}
    assert any("client's window bounded the result" in notice for notice in summarise(folder).notices)
