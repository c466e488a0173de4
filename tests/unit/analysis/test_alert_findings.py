"""Alerts as findings: each with when and how long, and none beside a finding that tells the same cause."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.synthetic import Node, Plan, write_run

from assay.alerts.options import Rules
from assay.analysis import summarise
from assay.analysis.alert_findings import alert_lines, with_alerts
from assay.analysis.finding import Citation, Finding
from assay.analysis.run import analyse_run
from assay.runs import write_json
from assay.runs.alerts import AlertEvent, append_alert

SECOND = 1_000_000_000
NOON_NS = 1_767_268_800 * SECOND


def alert(event: str = "raised", since_s: int = 10, **changes: Any) -> AlertEvent:
    facts = {
        "time_ns": (since_s + 10) * SECOND, "clock_offset_ns": NOON_NS, "event": event, "rule": "temperature",
        "node": "node-a", "device": "gpu0", "since_ns": since_s * SECOND, "value": 93.0, "limit": 90.0, "unit": "°C",
        "words": "gpu0 of node-a is at 93 °C (limit 90 °C).",
    }  # fmt: skip
    return AlertEvent(**{**facts, **changes})


def known(rule: str, subject: str) -> Finding:
    evidence = [Citation(run="r", file="requests.parquet", figure="f")]
    return Finding(rule=rule, severity="note", title="t", evidence=evidence, subject=subject)


def test_an_alert_is_a_finding_with_when_and_how_long() -> None:
    (found,) = with_alerts([], "r", [alert(), alert("cleared", since_s=50)])
    assert (found.rule, found.severity, found.title) == ("alert-temperature", "warning", "gpu0 of node-a was hot.")
    assert found.evidence == [
        Citation(
            run="r", file="alerts.jsonl",
            figure="from 12:00:10 UTC for 40 s: gpu0 of node-a is at 93 °C (limit 90 °C)",
        )
    ]  # fmt: skip


def test_one_that_wasnt_cleared_stood_to_the_end_and_one_that_came_again_is_told_once() -> None:
    (found,) = with_alerts([], "r", [alert(), alert("cleared", since_s=50), alert(since_s=80)])
    assert "for 40 s; 2 times in all: " in found.evidence[0].figure
    (found,) = with_alerts([], "r", [alert()])
    assert "from 12:00:10 UTC to the run's end: " in found.evidence[0].figure


@pytest.mark.parametrize(
    ("about", "finding"),
    [
        ({"rule": "throttling"}, known("throttling", "gpu0 of node-a")),
        ({"rule": "slower_than_peers", "device": "", "endpoint": "a-0"}, known("slow-node", "node-a")),
        ({"rule": "endpoint_out", "device": "", "endpoint": "a-0"}, known("failed-attempts", "a-0")),
        ({"rule": "kv_cache", "device": "", "endpoint": "a-0"}, known("kv-cache-full", "node-a")),
        ({"rule": "client_bound", "device": "", "node": "controller"}, known("client-bound", "")),
    ],
)
def test_what_a_finding_tells_already_is_evidence_of_it(about: dict[str, str], finding: Finding) -> None:
    (found,) = with_alerts([finding], "r", [alert(**about)])
    assert found.rule == finding.rule
    assert [citation.file for citation in found.evidence] == ["requests.parquet", "alerts.jsonl"]
    other = finding.model_copy(update={"subject": "node-b"})
    assert len(with_alerts([other], "r", [alert(**about)])) == 2


def test_every_rule_has_words_of_its_own() -> None:
    for rule in Rules.model_fields:
        (found,) = with_alerts([], "r", [alert(rule=rule)])
        assert not found.title.startswith("The alert")


def test_a_runs_analysis_holds_them(tmp_path: Path) -> None:
    folder = write_run(tmp_path, Plan(samples=60, nodes=(Node("a"),)))
    write_json(folder.result, summarise(folder))
    append_alert(folder.alerts, alert())
    analysis = analyse_run(folder)
    assert "alert-temperature" in [finding.rule for finding in analysis.findings]
    assert "alerts.jsonl" in [name for name, _, _ in analysis.files]


def test_the_terminal_says_at_the_end_what_was_raised() -> None:
    lines = alert_lines([alert(), alert("cleared", since_s=50), alert(rule="disk", device="")])
    assert lines[0] == "temperature: from 12:00:10 UTC for 40 s: gpu0 of node-a is at 93 °C (limit 90 °C)"
    assert len(lines) == 2


def test_a_rule_of_a_later_version_is_told_by_its_name() -> None:
    (found,) = with_alerts([], "r", [alert(rule="moonshine")])
    assert found.title == "The alert moonshine was raised."
