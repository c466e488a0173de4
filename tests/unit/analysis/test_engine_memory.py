"""Weights and KV cache as shares of an accelerator."""

from __future__ import annotations

from typing import Any

import pytest
from tests.synthetic import Plan, write_run

from assay.analysis.engine_tries import Seen, memory_shares, tuned
from assay.report.engine_tries import tuned_blocks
from assay.report.page import Table, Text
from assay.runs import RunEntry, RunRecord, RunStatus, read_record
from assay.runs.node_facts import AcceleratorFacts, NodeFacts
from assay.runs.record import MemoryFacts
from assay.runs.system import SystemRecord

GIB = 1 << 30
TOLD = MemoryFacts(weights_bytes=16 * GIB, kv_cache_bytes=56 * GIB, kv_cache_tokens=400_000)


@pytest.fixture
def record(tmp_path: Any) -> RunRecord:
    found = read_record(write_run(tmp_path, Plan(samples=8)))
    found.endpoints[0].memory = TOLD
    return found


def system(node: str, gib: int | None) -> dict[str, Any]:
    cards = [AcceleratorFacts(index=0, name="card", memory_total_bytes=None if gib is None else gib * GIB)]
    nodes = [NodeFacts(name=node, accelerators=cards)]
    return SystemRecord(controller=NodeFacts(name="here"), nodes=nodes, versions={}).model_dump(mode="json")


def test_shares_are_of_the_nodes_own_accelerator(record: RunRecord) -> None:
    found = memory_shares(record, system(record.endpoints[0].node, 80))
    assert found is not None
    assert (found.weights, found.kv_cache, found.both) == (0.2, 0.7, pytest.approx(0.9))


def test_without_either_it_is_unknown(record: RunRecord) -> None:
    node = record.endpoints[0].node
    assert memory_shares(record, system(node, None)) is None
    assert memory_shares(record, system("another", 80)) is None
    assert memory_shares(record, {}) is None
    record.endpoints[0].memory = None
    assert memory_shares(record, system(node, 80)) is None


def test_the_page_holds_them_against_the_target(record: RunRecord) -> None:
    entry = RunEntry(key="k", scenario="Offline", mode="performance", nodes=["n"], stage="short", run="r")
    entry.status = RunStatus.COMPLETED
    shares = memory_shares(record, system(record.endpoints[0].node, 80))
    found = tuned([entry], [], {"r": Seen(None, None, shares)})
    (table,) = [b for b in tuned_blocks(found, 0.8) if isinstance(b, Table) and b.caption.startswith("Shares of")]
    assert table.rows == [("as configured", "20.0 %", "70.0 %", "90.0 %", "no", "400,000")]
    unknown = tuned([entry], [])
    assert any("Memory: not measured" in b.text for b in tuned_blocks(unknown, 0.8) if isinstance(b, Text))
    assert not any("Memory" in b.text for b in tuned_blocks(unknown, None) if isinstance(b, Text))
