"""The thread that watches a run's folder: what it raises is written and told, and nothing of it reaches the run."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from tests.courses import Load, Server, course, record

from assay.alerts import AlertOptions, AlertWatch, watch
from assay.runs import RunFolder, TelemetryJournal
from assay.runs.alerts import AlertEvent, read_alerts
from assay.runs.progress import append_event

GIB = 1 << 30
LOAD = Load(200_000)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    monkeypatch.setattr(watch, "_EVERY_S", 0.01)
    found = RunFolder(tmp_path / "run")
    found.parts.mkdir(parents=True)
    return found


def test_what_goes_wrong_is_written_and_told(folder: RunFolder) -> None:
    servers = [Server("a", fails=lambda at_s: at_s > 20), Server("b")]
    journal = TelemetryJournal(folder.telemetry_journal)
    told: list[AlertEvent] = []
    heard = threading.Event()

    def tell(event: AlertEvent) -> None:
        told.append(event)
        if {event.rule for event in told} >= {"errors", "disk"}:
            heard.set()

    alerts = AlertWatch(folder, AlertOptions().rules, record(servers, LOAD), None, tell, pytest.fail)
    alerts.start()
    for event in course(servers, LOAD, 1):  # until both are told, however seldom this machine lets the thread look
        append_event(folder.progress, event)
        journal.add("controller", "output_disk_free_bytes", event.time_ns, 0.1 * GIB)
        journal.flush()
        if heard.wait(0.002):
            break
    alerts.stop()
    assert {(event.rule, event.subject) for event in told} >= {("errors", "a"), ("disk", "controller")}
    assert read_alerts(folder.alerts) == told


def test_a_file_that_cant_be_read_ends_the_watch_and_is_told_once(folder: RunFolder) -> None:
    folder.progress.write_bytes(b'{"version":9}\n')
    failed: list[str] = []
    heard = threading.Event()

    def fail(what: str) -> None:
        failed.append(what)
        heard.set()

    alerts = AlertWatch(folder, AlertOptions().rules, record([Server("a")], LOAD), None, lambda event: None, fail)
    alerts.start()
    assert heard.wait(60)
    alerts.stop()
    assert failed == ["the run isn't watched for alerts any more"]
    assert not folder.alerts.exists()
