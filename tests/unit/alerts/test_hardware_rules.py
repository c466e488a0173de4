"""Each rule on telemetry, with its cause planted in synthetic series."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pytest
from tests.courses import SECOND, Load, Server, course, record

from assay.alerts.options import Rules
from assay.alerts.run import RunAlerts
from assay.runs import SystemRecord
from assay.runs.alerts import AlertEvent
from assay.runs.telemetry import JOURNAL_SCHEMA

GIB = 1 << 30
SYSTEM = SystemRecord(
    controller={"name": "controller", "memory_total_bytes": 16 * GIB},
    nodes=[
        {
            "name": "node-a",
            "memory_total_bytes": 64 * GIB,
            "accelerators": [{"index": 0, "name": "GPU", "memory_total_bytes": 80 * GIB}],
        }
    ],
    versions={},
)
Series = Callable[[int], float]
"""From a second to the value."""
PLANTED: list[tuple[str, str, str, float, float, str, str]] = [
    # rule, node, metric, while it is well, while it isn't, what it is about, some of its words
    ("throttling", "node-a", "gpu0_throttle_reasons", 0x4, 0x44, "gpu0 of node-a", "hardware thermal slowdown"),
    ("temperature", "node-a", "gpu0_temperature_c", 71, 93, "gpu0 of node-a", "gpu0 of node-a is at 93 °C"),
    ("gpu_memory", "node-a", "gpu0_memory_used_bytes", 70 * GIB, 79.5 * GIB, "gpu0 of node-a", "79.5 of 80.0 GiB"),
    ("memory", "node-a", "memory_used_bytes", 50 * GIB, 63 * GIB, "node-a", "node-a uses 63.0 of 64.0 GiB of memory"),
    ("memory", "controller", "memory_used_bytes", 8 * GIB, 15.9 * GIB, "controller", "15.9 of 16.0 GiB"),
    ("kv_cache", "node-a", "a/vllm:kv_cache_usage_perc", 0.6, 0.99, "a", "99 % of the KV cache of a is in use"),
    ("clock_offset", "node-a", "clock_offset_ns", 3e6, 0.25e9, "node-a", "0.250 s ahead of this machine's"),
    ("clock_offset", "node-a", "clock_offset_ns", -3e6, -0.25e9, "node-a", "0.250 s behind this machine's"),
    ("disk", "controller", "output_disk_free_bytes", 90 * GIB, 0.5 * GIB, "controller", "0.50 GiB are free"),
    ("client_bound", "controller", "client_cpu_percent", 40, 97, "controller", "uses 97 % of a core"),
]


def watched(node: str, metric: str, series: Series, seconds: int, rules: Rules | None = None) -> list[AlertEvent]:
    load = Load(100)
    run = RunAlerts(rules or Rules(), record([Server("a")], load), SYSTEM)
    found: list[AlertEvent] = []
    for second in range(1, seconds):
        rows = {"node": [node], "metric": [metric], "time_ns": [second * SECOND], "value": [series(second)]}
        run.take_telemetry(pa.RecordBatch.from_pydict(rows, schema=JOURNAL_SCHEMA))
        found += run.judge(second * SECOND, pytest.fail)
    return found


@pytest.mark.parametrize(("rule", "node", "metric", "well", "ill", "subject", "words"), PLANTED)
def test_a_planted_cause_is_raised_and_cleared(
    rule: str, node: str, metric: str, well: float, ill: float, subject: str, words: str
) -> None:
    found = watched(node, metric, lambda second: ill if 100 < second < 300 else well, 500)
    assert [(event.rule, event.event, event.subject) for event in found] == [
        (rule, "raised", subject),
        (rule, "cleared", subject),
    ]
    raised, cleared = found
    assert 100 * SECOND < raised.time_ns < 190 * SECOND
    assert 300 * SECOND <= cleared.time_ns < 400 * SECOND
    assert words in raised.words


@pytest.mark.parametrize(("rule", "node", "metric", "well", "ill", "subject", "words"), PLANTED)
def test_a_moment_of_it_is_none(
    rule: str, node: str, metric: str, well: float, ill: float, subject: str, words: str
) -> None:
    assert not watched(node, metric, lambda second: ill if 100 < second < 105 else well, 200)


@pytest.mark.parametrize(("rule", "node", "metric", "well", "ill", "subject", "words"), PLANTED)
def test_each_can_be_switched_off(
    rule: str, node: str, metric: str, well: float, ill: float, subject: str, words: str
) -> None:
    rules = Rules.model_validate({rule: False})
    assert not watched(node, metric, lambda second: ill if 100 < second < 300 else well, 500, rules)


def test_a_value_that_swings_about_its_limit_is_raised_once() -> None:
    """Hysteresis: it must come back by the margin, for as long as it had to be over."""
    found = watched("node-a", "gpu0_temperature_c", lambda second: 91 if second % 40 < 20 else 88, 600)
    assert [event.event for event in found] == ["raised"]


def test_what_isnt_finite_or_known_is_passed_over() -> None:
    assert not watched("node-a", "gpu0_temperature_c", lambda second: float("nan"), 100)
    assert not watched("node-b", "memory_used_bytes", lambda second: 1e15, 100)
    assert not watched("node-a", "a/vllm:num_requests_running", lambda second: 1e9, 100)


def test_the_power_cap_is_no_throttling() -> None:
    assert not watched("node-a", "gpu0_throttle_reasons", lambda second: 0x4, 200)


def test_preemptions_are_held_against_answers() -> None:
    load = Load(2000)
    run = RunAlerts(Rules(), record([Server("a")], load), SYSTEM)
    found: list[AlertEvent] = []
    for event in course([Server("a")], load, 1):
        run.take_progress([event])
        second = event.time_ns // SECOND
        count = 0 if second < 50 else min(400.0, 2.0 * (second - 50))
        rows = {
            "node": ["node-a"],
            "metric": ["a/vllm:num_preemptions_total"],
            "time_ns": [event.time_ns],
            "value": [count],
        }
        run.take_telemetry(pa.RecordBatch.from_pydict(rows, schema=JOURNAL_SCHEMA))
        found += run.judge(event.time_ns, pytest.fail)
    assert [(event.rule, event.event, event.subject) for event in found][:1] == [("preemptions", "raised", "a")]
    assert "a preempted" in found[0].words


def test_a_load_process_that_says_nothing_is_a_stall() -> None:
    load = Load(400)
    run = RunAlerts(Rules(), record([Server("a")], load), None)
    events = [event for event in course([Server("a")], load, 1) if event.time_ns < 20 * SECOND]
    run.take_progress(events)
    silent = [run.judge(second * SECOND, pytest.fail) for second in range(20, 200)]
    (event,) = [event for found in silent for event in found]
    assert (event.rule, event.subject) == ("stall", "")
    assert "the load's process has said nothing for" in event.words


def test_a_rule_that_fails_is_left_out_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("assay.alerts.run.errors", broken)
    failed: list[str] = []
    load = Load(2000)
    servers = [Server("a", out=lambda at_s: 20 < at_s < 50), Server("b")]
    run = RunAlerts(Rules(), record(servers, load), None)
    found: list[AlertEvent] = []
    for event in course(servers, load, 1):
        run.take_progress([event])
        found += run.judge(event.time_ns, failed.append)
    assert failed == ["errors"]
    assert "endpoint_out" in {event.rule for event in found}
