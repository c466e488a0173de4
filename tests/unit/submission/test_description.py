"""What is measured of a system, and what is left to be asked for because nodes differ or weren't looked at."""

from __future__ import annotations

from typing import Any

from assay.runs import EndpointFacts, RunRecord, SystemRecord
from assay.runs.api import ApiFacts
from assay.runs.node_facts import AcceleratorFacts, NodeFacts
from assay.submission.description import measured

GIB = 1 << 30
CARD = AcceleratorFacts(
    index=0,
    name="NVIDIA H100 80GB HBM3",
    memory_total_bytes=80 * GIB,
    driver_version="575.57.08",
    sm_clock_max_mhz=1980,
)


def node(name: str, **changes: Any) -> NodeFacts:
    facts: dict[str, Any] = {
        "name": name, "os": "Debian GNU/Linux 13", "kernel": "6.12.0", "cpu_model": "AMD EPYC 9534",
        "memory_total_bytes": 1512 * GIB, "accelerators": [CARD] * 8,
    }  # fmt: skip
    return NodeFacts(**(facts | changes))


def record(*endpoints: tuple[str, int]) -> RunRecord:
    """A run on endpoints: the node of each, and how many accelerators it has."""
    return RunRecord(
        id="r", assay_version="1", benchmark="llama3.1-8b", scenario="Offline", mode="performance", official=True,
        started_utc="", clock_offset_ns=0, dataset_name="", dataset_sha256="", dataset_samples=1, samples=1,
        model="meta-llama/Llama-3.1-8B-Instruct", max_tokens=128, api=ApiFacts(form="ids"),
        endpoints=[
            EndpointFacts(
                name=f"{name}-{number}", url="", node=name, accelerators=["H100"] * count, engine="vllm",
                engine_version="0.24.0", model="m", window=8,
            )
            for number, (name, count) in enumerate(endpoints)
        ],
    )  # fmt: skip


def system(*nodes: NodeFacts) -> SystemRecord:
    versions = {"python": "3.12.1", "assay": "1.0", "mlcommons-loadgen": "6.0.17", "numpy": "2.1"}
    return SystemRecord(controller=node("controller", accelerators=[]), nodes=list(nodes), versions=versions)


def test_a_cluster_of_like_nodes() -> None:
    assert measured(record(("a", 4), ("a", 4), ("b", 8)), system(node("a"), node("b"), node("idle"))) == {
        "number_of_nodes": "2",
        "accelerators_per_node": "8",
        "accelerator_model_name": "H100",
        "accelerator_memory_capacity": "80 GiB",
        "accelerator_frequency": "1980 MHz",
        "host_processor_model_name": "AMD EPYC 9534",
        "host_memory_capacity": "1512 GiB",
        "operating_system": "Debian GNU/Linux 13 (6.12.0)",
        "framework": "vllm 0.24.0",
        "other_software_stack": "driver 575.57.08, Python 3.12.1, LoadGen 6.0.17, Assay 1.0",
        "starting_weights_filename": "meta-llama/Llama-3.1-8B-Instruct",
        "input_data_types": "int32",
    }


def test_what_nodes_differ_in_is_left_to_be_asked_for() -> None:
    found = measured(record(("a", 8), ("b", 4)), system(node("a"), node("b", cpu_model="Intel Xeon 8580")))
    assert found["number_of_nodes"] == "2"
    assert "host_processor_model_name" not in found
    assert "accelerators_per_node" not in found
    assert found["accelerator_model_name"] == "H100"


def test_nothing_is_said_of_a_node_that_was_not_looked_at() -> None:
    found = measured(record(("a", 8), ("elsewhere", 8)), system(node("a")))
    assert found.keys() == {"framework", "other_software_stack", "starting_weights_filename", "input_data_types"}


def test_a_node_without_accelerators_is_not_asked_about_them() -> None:
    found = measured(record(("a", 0)), system(node("a", accelerators=[])))
    assert found["accelerators_per_node"] == "0"
    assert found["accelerator_interconnect"] == "N/A"
