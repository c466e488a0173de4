"""`alerts.jsonl`: followed while it grows, joined late, and read after a crash."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from assay.errors import UserError
from assay.runs import RunFolder
from assay.runs.alerts import AlertEvent, AlertReader, StandingAlerts, append_alert, read_alerts


def alert(time_ns: int = 5, **changes: Any) -> AlertEvent:
    facts = {
        "time_ns": time_ns, "clock_offset_ns": 10**18, "event": "raised", "rule": "temperature", "node": "node-a",
        "device": "gpu0", "since_ns": 1, "value": 93.0, "limit": 90.0, "unit": "°C",
        "words": "gpu0 of node-a is at 93 °C for 10 s (limit 90 °C).",
    }  # fmt: skip
    return AlertEvent(**{**facts, **changes})


def test_alerts_come_back_as_they_were_written_and_are_followed(tmp_path: Path) -> None:
    path = RunFolder(tmp_path).alerts
    reader = AlertReader(path)
    assert reader.poll() == []
    append_alert(path, alert())
    assert reader.poll() == [alert()]
    append_alert(path, alert(6, event="cleared"))
    assert reader.poll() == [alert(6, event="cleared")]
    assert read_alerts(path) == [alert(), alert(6, event="cleared")]
    assert alert().utc_ns == 10**18 + 5


def test_who_joins_late_begins_with_the_newest_alerts(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    for time_ns in range(4):
        append_alert(path, alert(time_ns, words="w" * (1 << 19)))
    assert [event.time_ns for event in AlertReader(path, late=True).poll()] == [3]


def test_a_line_that_a_killed_process_left_is_ended_and_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    path.write_bytes(b'{"version":1,"event":"rai')
    append_alert(path, alert())
    reader = AlertReader(path)
    assert reader.poll() == [alert()]
    assert reader.torn == 1


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ({"version": 2}, "can't be read as alerts: it is of version 2, this assay reads 1"),
        ({"version": 1, "event": "shouted"}, "can't be read as alerts: time_ns: Field required"),
    ],
)
def test_what_is_no_alert_of_this_version_is_told(tmp_path: Path, line: Any, words: str) -> None:
    path = tmp_path / "alerts.jsonl"
    path.write_bytes(orjson.dumps(line) + b"\n")
    with pytest.raises(UserError, match=words) as error:
        read_alerts(path)
    assert str(error.value).startswith(str(path))


def test_an_alert_stands_until_the_same_one_is_cleared() -> None:
    other = alert(2, device="gpu1")
    standing = StandingAlerts()
    standing.take([alert(), other])
    standing.take([alert(6, event="cleared"), alert(7, event="cleared", rule="throttling")])
    assert standing.now == [other]


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ({}, "gpu0 of node-a"),
        ({"device": ""}, "node-a"),
        ({"device": "", "endpoint": "node-a-0"}, "node-a-0"),
        ({"device": "", "node": ""}, ""),
    ],
)
def test_what_an_alert_is_about_is_said_shortest(about: dict[str, str], words: str) -> None:
    assert alert(**about).subject == words
