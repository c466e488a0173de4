"""Hardware and software in words: sizes and times with their units, versions left as they are."""

from __future__ import annotations

from typing import Any

from assay.report.environment import endpoint_tables, system_tables
from assay.runs.record import EndpointFacts

GPU = {"name": "Test GPU", "memory_total_bytes": 80 << 30, "driver_version": "550.54", "power_limit_w": 700}
NODE = {"name": "n1", "hostname": "n1.example", "memory_total_bytes": 1 << 30, "driver": "535.10", "utc_ns": 5}


def test_numbers_get_units_and_versions_keep_their_digits() -> None:
    system = {"nodes": [NODE], "versions": {"python": "3.11.10"}, "version": 1}
    nodes, versions = system_tables(system)
    assert list(nodes.rows) == [("Host name", "n1.example"), ("Memory", "1 GiB"), ("Driver", "535.10")]
    assert list(versions.rows) == [("python", "3.11.10")]
    assert versions.folded


def test_accelerators_are_counted_and_described() -> None:
    first, *others = [{**GPU, "index": place, "temperature_c": 30.0 + place, "processes": 0} for place in range(3)]
    (table,) = system_tables({"nodes": [{"name": "n1", "accelerators": [first, *others]}]})
    sign = "\N{MULTIPLICATION SIGN}"
    assert list(table.rows) == [
        ("Accelerators", f"3 {sign} Test GPU, 80 GiB, driver 550.54, power limit 700 W"),
        ("Accelerators before the run", "30 to 32 °C; 0 processes"),
    ]


def test_what_is_not_there_is_no_error() -> None:
    node = {**NODE, "accelerators": [], "cpu_governor": None, "problems": ["nvml: cannot open"], "load_1m": 0.0}
    nodes, looked = system_tables({"nodes": [node], "cpu_ceiling": None})
    assert ("Accelerators", "none") in nodes.rows
    assert not any("cannot open" in cell for row in nodes.rows for cell in row)
    assert list(looked.rows) == [("n1", "nvml: cannot open")]
    assert looked.folded


def test_a_controller_that_is_a_node_is_told_once() -> None:
    (only,) = system_tables({"nodes": [NODE], "controller": {"hostname": "n1.example", "cpu_count": 2}})
    assert only.caption == "Nodes' hardware and software"
    _, other = system_tables({"nodes": [NODE], "controller": {"hostname": "elsewhere", "cpu_count": 2}})
    assert ("Processors that a process may use", "2") in other.rows


def test_what_accelerators_a_server_of_others_has_is_unknown_until_its_node_was_looked_at() -> None:
    known: dict[str, Any] = {"name": "a", "url": "http://a:1", "node": "n1", "model": "m", "window": 8}
    there = EndpointFacts(engine="external", engine_version="0.9", **known)
    started = EndpointFacts(engine="embedded", engine_version="0.9", **known)

    def told(endpoint: EndpointFacts, *nodes: dict[str, Any]) -> str:
        (table, *_) = endpoint_tables([endpoint], nodes)
        return table.rows[0][table.columns.index("Accelerators")]

    assert told(there) == "unknown"
    assert told(there, {"name": "n1", "accelerators": [GPU]}) == "unknown", "which of them it uses nobody said"
    assert told(there, {"name": "n1", "accelerators": []}) == "none"
    assert told(started) == "none"
    assert told(there.model_copy(update={"accelerators": ["Test GPU"]})).endswith("Test GPU")


def test_many_nodes_share_one_column() -> None:
    nodes = [{**NODE, "name": f"n{place}", "driver": "550" if place == 3 else "535.10"} for place in range(6)]
    (table,) = system_tables({"nodes": nodes})
    assert ("Driver", "535.10; n3: 550") in table.rows


def test_a_server_that_was_there_before_has_no_settings_that_its_engine_told() -> None:
    known: dict[str, Any] = {"name": "a", "url": "http://a:1", "node": "a", "model": "m", "window": 8}
    there = EndpointFacts(engine="external", engine_version="0.9", settings={"server": "vllm"}, **known)
    (table,) = endpoint_tables([there])
    assert table.rows[0][table.columns.index("Engine")] == "not started by Assay: vllm 0.9"
    started = there.model_copy(update={"engine": "vllm", "settings": {"max_num_seqs": 8}})
    assert [table.caption for table in endpoint_tables([started])][1].startswith("Engine settings")
