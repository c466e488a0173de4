"""What nodes tell of themselves: the probe's lines, and which of them reach a run."""

from __future__ import annotations

import pytest

from assay.runs.metric_names import CLOCK_OFFSET
from assay.telemetry import NodeActivity
from assay.telemetry.activity import Activity, parse_activity
from assay.telemetry.probe import chosen_devices, host_activity

LINE = b'{"at_ns": 5, "host": {"load_1m": 0.5}, "gpus": {"1": {"power_w": 1, "x_mhz": null, "throttle_mask": 64}}}'


def test_a_line_holds_the_host_and_its_accelerators() -> None:
    told = parse_activity(LINE)
    assert told.at_ns == 5
    assert told.values == ((None, "load_1m", 0.5), (1, "gpu1_power_w", 1.0), (1, "gpu1_throttle_reasons", 64.0))


@pytest.mark.parametrize("line", [LINE[:-5], b"", b"welcome\n", b"3", b"{}", b'{"host": {}}'])
def test_other_lines_tell_nothing(line: bytes) -> None:
    assert parse_activity(line) == Activity()


def test_only_nodes_of_the_run_in_progress_are_heard() -> None:
    rows: list[tuple[str, str, float]] = []
    activity = NodeActivity()
    activity.heard("a", LINE)
    activity.begin({"a"}, lambda node, metric, _, value: rows.append((node, metric, value)))
    activity.heard("a", LINE)
    activity.heard("b", LINE)
    activity.end()
    activity.heard("a", LINE)
    assert rows == [("a", "load_1m", 0.5), ("a", "gpu1_power_w", 1.0), ("a", "gpu1_throttle_reasons", 64.0)]


def test_values_of_one_line_have_the_time_of_its_arrival(monkeypatch: pytest.MonkeyPatch) -> None:
    times: list[int] = []
    activity = NodeActivity()
    activity.begin({"a"}, lambda _node, _metric, time_ns, _value: times.append(time_ns))
    monkeypatch.setattr("time.monotonic_ns", iter([7, 8]).__next__)
    activity.heard("a", LINE)
    activity.heard("a", LINE)
    assert times == [7, 7, 7, 8, 8, 8]


def test_a_nodes_clock_is_told_as_its_offset_from_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[tuple[str, str, float]] = []
    activity = NodeActivity()
    activity.begin({"a"}, lambda node, metric, _, value: rows.append((node, metric, value)))
    monkeypatch.setattr("time.time_ns", lambda: 1_000_000_000)
    activity.heard("a", b'{"at_ns": 5, "host": {"utc_ns": 1250000000}, "gpus": {}}')
    assert rows == [("a", CLOCK_OFFSET, 250_000_000)]


def test_cpu_is_measured_between_two_readings() -> None:
    assert host_activity((10, 100), (40, 200))["cpu_percent"] == 30.0
    assert host_activity((10, 100), (10, 100))["cpu_percent"] is None


def test_devices_are_those_named_else_those_that_cuda_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert chosen_devices(["--every", "1"]) is None
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3")
    assert chosen_devices(["--every", "1"]) == {2, 3}
    assert chosen_devices(["--every", "1", "--only", "0"]) == {0}
    assert chosen_devices(["--every", "1", "--only", ""]) == set()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-8f2a")
    assert chosen_devices(["--every", "1"]) is None
