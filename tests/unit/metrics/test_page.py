"""The page for Prometheus, as its own parser reads it: every figure is that of the campaign's files."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families as plain_families
from tests.following import SECOND, alert, begin, campaign, entry, progress, sample, sketch
from tests.scraping import Values, page_values

from assay.benchmarks import get_benchmark, write_benchmark
from assay.metrics import Live, prometheus
from assay.metrics.family import MOST
from assay.metrics.hardware import _GPU, _HOST
from assay.metrics.prometheus import LiveCollector
from assay.metrics.table import METRICS
from assay.runs import CampaignFolder, EndpointFacts, RunRecord, RunStatus, SystemRecord, write_json
from assay.runs.alerts import append_alert
from assay.runs.progress import DoneEvent, EndpointProgress, append_event

MS = 1_000_000
RUN = {"campaign": "c", "run": "run-0", "scenario": "Offline"}


def page(folder: CampaignFolder | None) -> Values:
    """Every sample of the page by its name and labels."""
    return page_values(Live(lambda: folder))


def of(found: Values, name: str, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


def names(found: Values) -> set[str]:
    return {name for name, _ in found}


def record(folder: CampaignFolder, **nodes: str) -> None:
    """What the run is recorded to measure: these endpoints, each on its node."""
    endpoints = [
        EndpointFacts(name=name, url="http://h", node=node, engine="e", model="m", window=1)
        for name, node in nodes.items()
    ]
    write_json(
        folder.run("run-0").record,
        RunRecord(
            id="run-0", assay_version="0", benchmark="b", scenario="Offline", mode="performance", official=False,
            started_utc="2026-01-01T00:00:00Z", clock_offset_ns=0, dataset_name="d", dataset_sha256="",
            dataset_samples=1, samples=1, model="m", max_tokens=1, endpoints=endpoints,
        ),
    )  # fmt: skip


def test_before_there_is_a_campaign_the_page_says_that_it_works() -> None:
    found = page(None)
    assert names(found) == {"assay_up", "assay_build_info"}
    assert of(found, "assay_up") == 1


def test_a_run_under_load_is_told_with_its_endpoints_and_their_nodes(tmp_path: Path) -> None:
    folder = campaign(tmp_path / "c", [entry(0, "run-0"), entry(1)])
    record(folder, **{"node-a": "rack-1", "node-b": "rack-2"})
    begin(folder, "run-0", progress(2, 40, ttft=sketch(10 * MS, 20 * MS), out=("node-b",), failed=3))
    found = page(folder)
    assert of(found, "assay_completed_samples_total", **RUN) == 40
    assert of(found, "assay_failed_samples_total", **RUN) == 3
    assert of(found, "assay_output_tokens_total", **RUN) == 4000
    assert of(found, "assay_run_left_seconds", **RUN) == 90
    assert of(found, "assay_run_elapsed_seconds", **RUN) == 2
    assert of(found, "assay_run_phase", **RUN, phase="load") == 1
    assert of(found, "assay_run_phase", **RUN, phase="drain") == 0
    assert of(found, "assay_ttft_seconds_count", **RUN) == 2
    assert of(found, "assay_ttft_seconds_sum", **RUN) == 0.03
    assert of(found, "assay_ttft_seconds_bucket", **RUN, le="+Inf") == 2
    first, second = (
        {**RUN, "endpoint": name, "node": node} for name, node in (("node-a", "rack-1"), ("node-b", "rack-2"))
    )
    assert of(found, "assay_endpoint_completed_samples_total", **first) == 30
    assert of(found, "assay_endpoint_completed_samples_total", **second) == 10
    assert of(found, "assay_endpoint_in_service", **first) == 1
    assert of(found, "assay_endpoint_in_service", **second) == 0
    assert of(found, "assay_endpoints", **RUN, state="out_of_service") == 1


def test_runs_are_counted_by_how_they_ended(tmp_path: Path) -> None:
    ended = [entry(0, "run-0", RunStatus.COMPLETED), entry(1, "run-1", RunStatus.FAILED)]
    found = page(campaign(tmp_path / "c", [*ended, entry(2), entry(3)]))
    states = {"completed": 1, "not_completed": 1, "to_come": 2}
    assert {state: of(found, "assay_campaign_runs", campaign="c", state=state) for state in states} == states
    assert "assay_campaign_left_seconds" not in names(found)
    assert of(found, "assay_campaign_over", campaign="c") == 0


def test_the_last_values_stay_when_a_campaign_is_over(tmp_path: Path) -> None:
    folder = campaign(tmp_path / "c", [entry(0, "run-0")])
    begin(folder, "run-0", progress(1, 40))
    live = Live(lambda: folder)
    page_values(live)
    campaign(tmp_path / "c", [entry(0, "run-0", RunStatus.COMPLETED)], ended_utc="2026-01-01T01:00:00Z")
    append_event(
        folder.run("run-0").progress, DoneEvent(time_ns=2 * SECOND, clock_offset_ns=0, status=RunStatus.COMPLETED)
    )
    for _ in range(2):
        found = page_values(live)
        assert of(found, "assay_completed_samples_total", **RUN) == 40
        assert of(found, "assay_run_phase", **RUN, phase="done") == 1
        assert of(found, "assay_campaign_over", campaign="c") == 1


def test_damaged_files_are_told_as_that(tmp_path: Path) -> None:
    folder = campaign(tmp_path / "c", [entry(0, "run-0")])
    begin(folder, "run-0", progress(1, 40))
    folder.run("run-0").progress.write_text('{"version": 99}\n')
    found = page(folder)
    assert of(found, "assay_up") == 0
    assert names(found) == {"assay_up", "assay_build_info"}


def test_thousands_of_endpoints_are_counted_and_a_thousand_told(tmp_path: Path) -> None:
    folder = campaign(tmp_path / "c", [entry(0, "run-0")])
    many = {f"e{number:04}": EndpointProgress(completed=1, out=number > 1999) for number in range(MOST + 1500)}
    begin(folder, "run-0", progress(1, 40).model_copy(update={"endpoints": many}))
    found = page(folder)
    told = sorted(dict(labels)["endpoint"] for name, labels in found if name == "assay_endpoint_in_service")
    assert told == [f"e{number:04}" for number in range(MOST)]
    assert of(found, "assay_endpoints", **RUN, state="in_service") == 2000
    assert of(found, "assay_endpoints", **RUN, state="out_of_service") == 500


def test_hardware_is_told_in_base_units(tmp_path: Path) -> None:
    folder = campaign(tmp_path / "c", [entry(0, "run-0")])
    sample(
        folder, "run-0", ("node-a", "cpu_percent", 1, 25), ("node-a", "load_1m", 1, 3.5),
        ("node-a", "gpu0_power_w", 1, 650),
        ("node-a", "gpu0_utilization_percent", 1, 80), ("node-a", "gpu0_sm_clock_mhz", 1, 1980),
        ("node-a", "gpu0_throttle_reasons", 1, 0x4), ("node-a", "gpu1_throttle_reasons", 1, 0x40),
        ("node-a", "gpu1_temperature_c", 1, 91), ("node-a", "gpu0_power_w", 2, 700), ("node-a", "e0/vllm:x", 2, 1),
        ("node-a", "gpu0_energy_j", 2, 1234.5), ("node-a", "gpu0_pcie_tx_bytes_total", 2, 5),
        ("node-a", "cpu1_energy_j", 2, 8), ("node-a", "clock_offset_ns", 2, -2_000_000),
        ("controller", "client_cpu_percent", 2, 90),
    )  # fmt: skip
    found, node = page(folder), {**RUN, "node": "node-a"}
    assert of(found, "assay_node_heard", **node) == 1
    assert of(found, "assay_node_cpu_ratio", **node) == 0.25
    assert of(found, "assay_node_load_1m", **node) == 3.5
    assert of(found, "assay_gpu_power_watts", **node, gpu="0") == 700
    assert of(found, "assay_gpu_utilisation_ratio", **node, gpu="0") == 0.8
    assert of(found, "assay_gpu_clock_hertz", **node, gpu="0") == 1.98e9
    assert of(found, "assay_gpu_energy_joules_total", **node, gpu="0") == 1234.5
    assert of(found, "assay_gpu_pcie_sent_bytes_total", **node, gpu="0") == 5
    assert of(found, "assay_cpu_energy_joules_total", **node, package="1") == 8
    assert of(found, "assay_node_clock_offset_seconds", **node) == -0.002
    assert of(found, "assay_client_cpu_ratio", **RUN, node="controller") == 0.9
    assert of(found, "assay_gpu_slowed", **node, gpu="0") == 0
    assert of(found, "assay_gpu_slowed", **node, gpu="1") == 1
    assert of(found, "assay_gpu_temperature_celsius", **node, gpu="1") == 91
    assert ("assay_gpu_power_watts", frozenset({**node, "gpu": "1"}.items())) not in found


def test_a_node_that_fell_silent_keeps_no_old_readings(tmp_path: Path) -> None:
    folder = campaign(tmp_path / "c", [entry(0, "run-0")])
    sample(folder, "run-0", ("node-a", "cpu_percent", 1, 25), ("node-b", "cpu_percent", 1, 25))
    assert of(page(folder), "assay_node_cpu_ratio", **RUN, node="node-b") == 0.25
    sample(folder, "run-0", ("node-b", "cpu_percent", 1, 25), ("node-a", "cpu_percent", 60, 25))
    found = page(folder)
    assert of(found, "assay_node_heard", **RUN, node="node-a") == 1
    assert of(found, "assay_node_heard", **RUN, node="node-b") == 0
    assert ("assay_node_cpu_ratio", frozenset({**RUN, "node": "node-b"}.items())) not in found


def test_alerts_are_told_while_they_stand(tmp_path: Path) -> None:
    folder = campaign(tmp_path / "c", [entry(0, "run-0")])
    append_alert(folder.run("run-0").alerts, alert("memory", "node-a"))
    append_alert(folder.run("run-0").alerts, alert("memory", "node-b").model_copy(update={"device": "gpu1"}))
    live, one = Live(lambda: folder), {**RUN, "rule": "memory", "endpoint": "", "gpu": ""}
    found = page_values(live)
    assert of(found, "assay_alert", **{**one, "node": "node-a"}) == 1
    assert of(found, "assay_alert", **{**one, "node": "node-b", "gpu": "1"}) == 1
    assert of(found, "assay_standing_alerts", **RUN) == 2
    append_alert(folder.run("run-0").alerts, alert("memory", "node-a", "cleared"))
    found = page_values(live)
    assert ("assay_alert", frozenset({**one, "node": "node-a"}.items())) not in found
    assert of(found, "assay_standing_alerts", **RUN) == 1


def test_the_older_text_form_says_the_same(tmp_path: Path) -> None:
    folder = campaign(tmp_path / "c", [entry(0, "run-0")])
    begin(folder, "run-0", progress(1, 40, ttft=sketch(10 * MS)))
    registry = CollectorRegistry()
    registry.register(LiveCollector(Live(lambda: folder)))
    plain = {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in plain_families(generate_latest(registry).decode())
        for sample in family.samples
    }
    assert plain == page(folder)


def test_a_name_ends_in_its_unit_and_stands_in_the_table_once() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    assert all(metric.name.endswith(f"_{metric.unit}") for metric in METRICS if metric.unit)
    assert all(metric.name.startswith("assay_") for metric in METRICS)


def test_every_metric_of_the_table_is_told_where_there_is_something_to_tell(tmp_path: Path) -> None:
    folder = campaign(tmp_path / "c", [entry(0, "run-0").model_copy(update={"scenario": "Server"})])
    write_benchmark(folder.benchmark, get_benchmark("smollm2-135m"))  # its Server has limits
    begin(folder, "run-0", progress(1, 40))
    append_alert(folder.run("run-0").alerts, alert("memory", "node-a"))
    memory: dict[str, Any] = {"memory_total_bytes": 1 << 40}
    node = {"name": "node-a", **memory, "accelerators": [{"index": 0, "name": "GPU", **memory}]}
    write_json(folder.run("run-0").system, SystemRecord(controller={"name": "controller"}, nodes=[node], versions={}))
    sampled = [*_HOST, "cpu0_energy_j", *(f"gpu0_{name}" for name in [*_GPU, "throttle_reasons"])]
    sample(folder, "run-0", *(("node-a", name, 1, 1) for name in sampled))
    histograms = {metric.name for metric in METRICS if metric.kind == "histogram"}
    ends = {f"{name}_{end}" for name in histograms for end in ("bucket", "sum", "count")}
    told = {name.removesuffix("_total") for name in names(page(folder))}
    assert told == ({metric.name for metric in METRICS} - histograms) | ends


def test_a_reader_that_stalls_is_cut_off(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(prometheus, "_PATIENCE_S", 0.01)
    address = urlsplit(prometheus.serve_metrics(Live(lambda: None), "127.0.0.1", 0))
    assert address.hostname is not None
    with socket.create_connection((address.hostname, address.port or 0), timeout=60) as asks_nothing:
        assert asks_nothing.recv(1) == b""
    monkeypatch.setattr(prometheus, "_PATIENCE_S", 60)
    with urlopen(address.geturl(), timeout=60) as page:
        assert b"assay_up" in page.read()
    assert "".join(capfd.readouterr()) == ""
