"""An endpoint that stopped answering while the run went on is told from one that chance, or the end, left out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.closed_loop import samples
from tests.synthetic import Node, Plan, write_run

from assay.analysis.samples import read_samples
from assay.analysis.stopped import stopped_findings, stopped_s, stopped_words
from assay.runs import read_requests
from assay.runs.ledger import EndpointLedger, Ledger


def ledger(failed: dict[str, int]) -> Ledger:
    entries = [EndpointLedger(endpoint=name, failed=count) for name, count in failed.items()]
    return Ledger(
        issued=0, completed=0, failed=0, lost=0, resent=0, attempts=0, short_outputs=0, endpoints=entries,
        failure_reasons={}, loadgen_issued=0, loadgen_completed=None, problems=[],
    )  # fmt: skip


def taken(ends_s: float, count: int = 200, every: int = 2) -> dict[str, float]:
    """One sample a second; each `every`-th is b's until `ends_s`."""
    sent_s = np.arange(count, dtype=float)
    of_b = (np.arange(count) % every == 0) & (sent_s < ends_s)
    own = replace(samples(sent_s, sent_s + 0.5), endpoints=("a", "b"), endpoint=of_b.astype(np.int64))
    return stopped_s(own, ledger({"a": 3, "b": 3}))


def test_when_it_gave_its_last_answer() -> None:
    assert taken(ends_s=50) == {"b": 48.5}


@pytest.mark.parametrize(
    ("ends_s", "every"),
    [
        (200, 2),  # to the end
        (181, 2),  # 19 samples went to the other: half a million to one
        (150, 40),  # a slow one had its turn every 40 samples
    ],
)
def test_chance_is_no_stop(ends_s: float, every: int) -> None:
    assert taken(ends_s=ends_s, every=every) == {}
    assert taken(ends_s=178) == {"b": 176.5}, "of 22 one million to one"


def test_without_a_failed_attempt_it_was_only_not_asked() -> None:
    sent_s = np.arange(200, dtype=float)
    of_b = (np.arange(200) % 2 == 0) & (sent_s < 50)
    own = replace(samples(sent_s, sent_s + 0.5), endpoints=("a", "b"), endpoint=of_b.astype(np.int64))
    assert stopped_s(own, ledger({"a": 3, "b": 0})) == {}


def alone(unanswered_s: np.ndarray) -> dict[str, float]:
    """The only endpoint: one sample a second until 40 s, and others that were sent when told and got no answer."""
    sent_s = np.arange(40, dtype=float)
    own = replace(samples(sent_s, sent_s + 0.5), unanswered_ns=(unanswered_s * 1e9).astype(np.int64))
    return stopped_s(own, ledger({"a": len(unanswered_s)}))


@pytest.mark.parametrize(
    ("unanswered_s", "found"),
    [
        (np.arange(40.0, 60.0), {"a": 39.5}),
        (np.arange(40.0, 42.0), {}),  # that the last two failed doesn't show that it is gone
        (np.arange(10.0, 30.0), {}),  # it answered after them
        (np.arange(0.25, 44.0, 2), {}),  # every third failed from the start
    ],
)
def test_the_only_endpoint_stops_where_no_sample_was_answered_any_more(
    unanswered_s: np.ndarray, found: dict[str, float]
) -> None:
    assert alone(unanswered_s) == found


def test_a_run_folder_tells_when_what_was_not_answered_was_sent(tmp_path: Path) -> None:
    folder = write_run(tmp_path, Plan(samples=60, nodes=(Node("a"),), failed=7, lost=2, chunks=False, telemetry=False))
    found = read_samples(folder.requests, ("a-0",)).unanswered_ns
    rows = read_requests(folder.requests, ["status", "sent_ns"]).to_pylist()
    assert sorted(found.tolist()) == sorted(row["sent_ns"] for row in rows if row["status"] != "ok")
    assert len(found) == 9


def test_a_notice_and_a_finding_say_whose_the_rates_are_from_then_on() -> None:
    (words,) = stopped_words({"b": 48.5}, 2)
    assert words.startswith(
        "Stopped answering before the end: 1 of 2 endpoints (b after 48.5 s): from then on the rates"
    )
    assert list(stopped_words({}, 2)) == []
    logs = {"a": "endpoints/a.log", "b": "endpoints/b.log"}
    first, second = stopped_findings("run", {"a": 50.0, "b": 48.5}, 2, logs)
    assert (first.subject, first.title, first.severity) == ("b", "Endpoint b stopped answering.", "error")
    assert "endpoints/b.log" in first.suggestion
    assert second.evidence[0].figure == ("its last answer came after 50 s; nothing was answered after the last of them")
    (sole,) = stopped_findings("run", {"a": 50.0}, 1, logs)
    assert sole.evidence[0].figure.endswith("; nothing was answered from then on")
