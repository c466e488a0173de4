"""What a node's facts and files mean for a run: rows that say what to do."""

from __future__ import annotations

import pytest

from assay.deploy.check.hardware import GIB, cluster_rows, node_rows
from assay.deploy.check.software import alike_row, software_rows
from assay.runs.node_facts import AcceleratorFacts, NodeFacts
from assay.serving.health import CheckOutcome, CheckRow
from assay.serving.needs import Needs
from assay.serving.nodes import NodeOptions

OPTIONS = NodeOptions.model_validate({"name": "a", "accelerators": 2})


def node(name: str = "a", **changes: object) -> NodeFacts:
    device = AcceleratorFacts(
        index=0, name="GPU", driver_version="1", ecc_uncorrected=0, memory_used_bytes=0, processes=0
    )
    facts = NodeFacts(
        name=name,
        cpu_count=8,
        memory_available_bytes=64 * GIB,
        disk_free_bytes=99 * GIB,
        cpu_governor="performance",
        accelerator_source="nvml",
        accelerators=[device, device.model_copy(update={"index": 1})],
    )
    return facts.model_copy(update=changes)


def second(**changes: object) -> NodeFacts:
    """A node whose second accelerator differs."""
    facts = node()
    return node(accelerators=[facts.accelerators[0], facts.accelerators[1].model_copy(update=changes)])


def test_a_sound_node_passes_everything() -> None:
    assert {row.outcome for row in node_rows(node(), OPTIONS)} == {CheckOutcome.PASSED}


@pytest.mark.parametrize(
    ("facts", "check", "detail"),
    [
        (node(memory_available_bytes=GIB), "memory", "1.0 GiB available"),
        (node(disk_free_bytes=0), "disk", "0.0 GiB free"),
        (node(load_1m=6.0), "cpu idle", "load 6.00 on 8 CPUs"),
        (node(cpu_governor="powersave"), "cpu governor", "powersave"),
        (node(accelerators=[], problems=["nvml: no"]), "accelerators", "accelerators 0, 1 not found (nvml: no)"),
        (second(name="OTHER"), "accelerators", "2 x GPU and OTHER"),
        (second(ecc_uncorrected=2), "ecc", "uncorrected errors on 1: 2"),
        (second(throttle_reasons=["hardware slowdown"]), "throttling", "clocks held down on 1: hardware slowdown"),
        (second(processes=1, memory_used_bytes=30 * GIB), "accelerators idle", "1: 30.0 GiB used by 1 processes"),
    ],
)
def test_what_is_wrong_is_told_with_its_mend(facts: NodeFacts, check: str, detail: str) -> None:
    failed = [row for row in node_rows(facts, OPTIONS) if row.outcome is CheckOutcome.FAILED]
    assert [row.check for row in failed] == [check]
    assert detail in failed[0].detail
    assert failed[0].mend


def test_clocks_set_on_purpose_are_no_throttling() -> None:
    rows = node_rows(second(throttle_reasons=["applications clocks setting"]), OPTIONS)
    assert all(row.outcome is CheckOutcome.PASSED for row in rows)


def test_drivers_must_be_alike() -> None:
    other = second(driver_version="2").model_copy(update={"name": "b"})
    assert cluster_rows([node()]) == []
    assert cluster_rows([node(), node("b")])[0].outcome is CheckOutcome.PASSED
    assert cluster_rows([node(), other])[0].outcome is CheckOutcome.FAILED


def seen(**files: list[object]) -> dict[str, object]:
    return {"python": "3.11", "module": True, "folder": True, "files": {"config.json": [2, "aa"], **files}}


def outcome(row: CheckRow | None) -> CheckOutcome | None:
    return row.outcome if row else None


@pytest.mark.parametrize(
    ("package", "over_ssh", "words"),
    [
        ("assay", True, "run `assay node install` here"),
        ("openvino_genai", True, "run `assay node install` here"),
        ("assay", False, "install a bundle there (`assay bundle` makes one)"),
        ("vllm", True, "install it there"),
    ],
)
def test_what_is_missing_has_a_command_that_brings_it(package: str, over_ssh: bool, words: str) -> None:
    nothing = {**seen(), "files": {}, "folder": False, "module": False}
    engine, model = software_rows("a", nothing, Needs(package, model_folder="/models/m"), over_ssh=over_ssh)
    assert engine.mend.startswith(words)
    assert ("`assay node install --model DIR`" in model.mend) is over_ssh


def test_a_model_must_be_there_and_alike() -> None:
    needs = Needs("vllm", model_folder="/models/m")
    rows = software_rows("a", {**seen(), "files": {}, "folder": False, "module": False}, needs, over_ssh=False)
    assert [(row.check, row.outcome, row.required) for row in rows] == [
        ("engine", CheckOutcome.FAILED, True),
        ("model", CheckOutcome.FAILED, True),
    ]
    same, other = seen(weights=[9, "bb"]), seen(weights=[9, "cc"])
    assert outcome(alike_row({"a": same, "b": same}, None)) is CheckOutcome.PASSED
    assert outcome(alike_row({"a": same, "b": other}, None)) is CheckOutcome.FAILED
    assert outcome(alike_row({"a": same}, {"weights": "bb"})) is CheckOutcome.PASSED
    assert outcome(alike_row({"a": same}, {"weights": "dd"})) is CheckOutcome.FAILED
    assert outcome(alike_row({"a": same}, {"absent": "dd"})) is CheckOutcome.FAILED
    assert alike_row({"a": {**seen(), "files": {}}}, None) is None
