"""Settings, versions, hardware and placement that one node alone has count as likely causes of its slowness."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.synthetic import Node, Plan, write_run

from assay.analysis import node_differences
from assay.analysis.flat import flat
from assay.analysis.node_differences import differences, endpoints_by_node, told_of_nodes
from assay.analysis.run import analyse_run
from assay.runs import EndpointFacts, RunRecord, read_record, write_json

NODES = ("a", "b", "c")


@pytest.fixture
def record(tmp_path: Path) -> RunRecord:
    plan = Plan(samples=20, nodes=tuple(Node(name) for name in NODES), chunks=False, telemetry=False)
    return read_record(write_run(tmp_path, plan))


def found(node: str, peers: list[str], record: RunRecord, system: dict[str, Any]) -> list[str]:
    return differences(node, peers, told_of_nodes(endpoints_by_node(record), system))


def endpoint(record: RunRecord, node: str) -> EndpointFacts:
    return next(each for each in record.endpoints if each.node == node)


def system(**of_a: Any) -> dict[str, Any]:
    gpu = {"name": "Test GPU", "driver_version": "550.54", "power_limit_w": 700.0, "ecc_enabled": True}
    node = {"kernel": "6.1", "cpu_count": 64, "memory_total_bytes": 1 << 38, "load_1m": 0.5}
    mine = {**node, "accelerators": [{**gpu, **of_a.pop("gpu", {})}], **of_a}
    return {"nodes": [{**node, "name": name, "accelerators": [gpu]} for name in "bc"] + [{**mine, "name": "a"}]}


def test_alike_nodes_have_no_difference(record: RunRecord) -> None:
    assert found("a", ["b", "c"], record, system(load_1m=9.0, hostname="elsewhere")) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"gpu": {"power_limit_w": 350.0}}, "the power limit (W) is 350 at a, 700 at the others"),
        ({"gpu": {"driver_version": "535.1"}}, "the driver is 535.1 at a, 550.54 at the others"),
        ({"gpu": {"ecc_enabled": False}}, "the ECC is off at a, on at the others"),
        ({"kernel": "5.4"}, "the kernel is 5.4 at a, 6.1 at the others"),
        ({"memory_total_bytes": 1 << 37}, "the memory is 128 GiB at a, 256 GiB at the others"),
    ],
)
def test_hardware_and_versions(record: RunRecord, changes: dict[str, Any], words: str) -> None:
    assert found("a", ["b", "c"], record, system(**changes)) == [words]


def test_hardware_of_any_node_of_an_endpoint(record: RunRecord) -> None:
    endpoint(record, "a").followers = ["x"]
    told = system()
    told["nodes"].append({"name": "x", "kernel": "5.4"})
    assert found("a", ["b", "c"], record, told) == ["the kernel is 5.4 and 6.1 at a, 6.1 at the others"]


def test_settings_versions_and_placement_of_the_endpoint(record: RunRecord) -> None:
    own = endpoint(record, "a")
    own.settings = {**own.settings, "max_num_seqs": 4, "seed": 3}
    own.engine_version, own.path = "0.9", "tunnel"
    assert found("a", ["b"], record, {}) == [
        "`max_num_seqs` is 4 at a, 16 at b",
        "the engine is simulator 0.9 at a, simulator 1.0 at b",
        "the path to it is tunnel at a, direct at b",
    ]


def test_what_the_others_also_differ_in_is_no_difference_of_one(record: RunRecord) -> None:
    endpoint(record, "a").window = 4
    endpoint(record, "b").window = 4
    assert found("a", ["b", "c"], record, {}) == []


def test_a_slow_nodes_setting_is_its_likely_cause(tmp_path: Path) -> None:
    plan = Plan(samples=300, nodes=(Node("a", speed=0.5), Node("b")), chunks=False, telemetry=False)
    folder = write_run(tmp_path, plan)
    data = orjson.loads(folder.record.read_bytes())
    for each, speed in zip(data["endpoints"], (1.0, 2.1), strict=True):
        each["settings"]["speed"] = speed
    write_json(folder.record, data)
    (slow,) = [finding for finding in analyse_run(folder).findings if finding.rule == "slow-node"]
    assert slow.suggestion.startswith("likely: `speed` is 1 at a, 2.1 at b; mend that on a")
    assert [citation.file for citation in slow.evidence] == ["requests.parquet", "run.json, system.json"]


@pytest.mark.parametrize(("of_b", "told"), [("f32", ["bf16 at a-0; f32 at b-0"]), ("bf16", []), (None, [])])
def test_endpoints_of_different_precisions_are_told_also_where_none_is_slow(
    tmp_path: Path, of_b: str | None, told: list[str]
) -> None:
    folder = write_run(tmp_path, Plan(samples=60, nodes=(Node("a"), Node("b")), chunks=False, telemetry=False))
    data = orjson.loads(folder.record.read_bytes())
    for each, precision in zip(data["endpoints"], ("bf16", of_b), strict=True):
        each["settings"]["precision"] = precision
    write_json(folder.record, data)
    found = [finding for finding in analyse_run(folder).findings if finding.rule == "precisions"]
    assert [finding.evidence[0].figure for finding in found] == told


def test_each_endpoints_settings_are_read_once_however_many_nodes_are_slow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = tuple(Node(f"n{number}", speed=0.5 if number < 4 else 1.0) for number in range(12))
    folder = write_run(tmp_path, Plan(samples=1200, nodes=nodes, chunks=False, telemetry=False))
    read = []

    def counting(settings: Any) -> dict[str, str]:
        read.append(settings)
        return flat(settings)

    monkeypatch.setattr(node_differences, "flat", counting)
    slow = [finding.subject for finding in analyse_run(folder).findings if finding.rule == "slow-node"]
    assert len(slow) > 1
    assert len(read) == len(nodes)
