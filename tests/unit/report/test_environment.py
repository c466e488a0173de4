"""Hardware and software in words: sizes and times with their units, versions left as they are."""

from __future__ import annotations

from assay.report.environment import system_tables

NODE = {"name": "n1", "hostname": "n1.example", "memory_total_bytes": 1 << 30, "driver": "535.10", "utc_ns": 5}


def test_numbers_get_units_and_versions_keep_their_digits() -> None:
    system = {"nodes": [NODE], "client_calibration": {"ttft_error_p99_ns": 2_500_000}, "version": 1}
    nodes, rest = system_tables(system)
    assert list(nodes.rows) == [("hostname", "n1.example"), ("memory_total_bytes", "1 GiB"), ("driver", "535.10")]
    assert list(rest.rows) == [("client_calibration.ttft_error_p99_ns", "2.500 ms")]


def test_a_controller_that_is_a_node_is_told_once() -> None:
    (only,) = system_tables({"nodes": [NODE], "controller": {"hostname": "n1.example", "cpu_count": 2}})
    assert only.caption == "Nodes' hardware and software"
    _, other = system_tables({"nodes": [NODE], "controller": {"hostname": "elsewhere", "cpu_count": 2}})
    assert ("controller.cpu_count", "2") in other.rows


def test_many_nodes_share_one_column() -> None:
    nodes = [{**NODE, "name": f"n{place}", "driver": "550" if place == 3 else "535.10"} for place in range(6)]
    (table,) = system_tables({"nodes": nodes})
    assert ("driver", "535.10; n3: 550") in table.rows
