"""`system.yaml`: what is asked for, all at once, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from tests.submissions import ANSWERS, write_answers

from assay.benchmarks.mlperf.system_fields import asked_in
from assay.errors import UserError
from assay.submission.answers import filled, read_answers

# What the checker of mlcommons/inference b66003e1 (tools/submission, constants.py) asks for beside division and
# submitter; all but the second list must say something.
_SYSTEM = """
status system_name system_type system_type_detail number_of_nodes host_processor_model_name
host_processors_per_node host_processor_core_count host_processor_frequency host_processor_caches
host_processor_interconnect host_memory_capacity host_memory_configuration host_storage_capacity host_storage_type
host_networking host_network_card_count host_networking_topology accelerators_per_node accelerator_model_name
accelerator_frequency accelerator_memory_capacity accelerator_memory_configuration accelerator_host_interconnect
accelerator_interconnect accelerator_interconnect_topology accelerator_on-chip_memories cooling framework
operating_system other_software_stack hw_notes sw_notes
"""
_MAY_BE_EMPTY = """
accelerator_frequency accelerator_interconnect_topology accelerator_on-chip_memories host_processor_caches
host_processor_frequency host_processor_interconnect hw_notes sw_notes system_type_detail
"""
_NETWORK = """
net_software_stack_loadgen net_software_stack_sut network_media network_protocol network_rate network_topology
network_type nic_loadgen nic_sut number_connections number_nic_loadgen number_nic_sut
"""
_RESULT = """
input_data_types retraining starting_weights_filename weight_data_types weight_transformations
"""
CHECKERS, OF_A_NETWORK, OF_A_RESULT = (set(words.split()) for words in (_SYSTEM, _NETWORK, _RESULT))
MEANINGFUL = CHECKERS - set(_MAY_BE_EMPTY.split())
MEASURED = {"number_of_nodes": "2", "accelerators_per_node": "1", "accelerator_model_name": "H100"}


def test_every_field_of_the_checkers_is_asked_for() -> None:
    fields = {field.name: field for field in asked_in("closed")}
    assert fields.keys() == CHECKERS | OF_A_RESULT | {"source"}
    assert {name for name in CHECKERS if not fields[name].may_be_empty} == MEANINGFUL
    assert {field.name for field in asked_in("network")} - fields.keys() == OF_A_NETWORK


def test_all_that_is_missing_is_told_at_once_as_lines_to_copy() -> None:
    with pytest.raises(UserError, match="can't be measured") as caught:
        filled("closed", MEASURED, {"cooling": "air"}, "system.yaml")
    lines = str(caught.value).partition("\n\n")[2]
    asked = yaml.safe_load(lines)
    assert asked.keys() == (MEANINGFUL | OF_A_RESULT | {"source"}) - MEASURED.keys() - {"cooling"}
    assert filled("closed", MEASURED, {name: str(value) for name, value in asked.items()} | {"cooling": "air"}, "")


def test_an_answer_may_say_in_other_words_what_was_read_of_a_driver() -> None:
    found = filled("closed", MEASURED | ANSWERS, {"accelerator_model_name": "NVIDIA H100-SXM-80GB"} | REST, "")
    assert found["accelerator_model_name"] == "NVIDIA H100-SXM-80GB"
    assert found["number_of_nodes"] == "2"
    assert found["host_processor_caches"] == ""


REST = {
    "starting_weights_filename": "weights", "framework": "engine 1", "other_software_stack": "driver 1",
    "host_processor_model_name": "CPU", "host_memory_capacity": "1 TB",
}  # fmt: skip


def test_what_was_counted_stays() -> None:
    with pytest.raises(UserError, match="number_of_nodes is 4, and the runs had 2"):
        filled("closed", MEASURED, {"number_of_nodes": "4"}, "system.yaml")


def test_text_stays_as_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "system.yaml").write_text("retraining: no\nhost_network_card_count: 0\nsystem_type: datacenter\n")
    found = read_answers(tmp_path / "system.yaml")
    assert found == {"retraining": "no", "host_network_card_count": "0", "system_type": "datacenter"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("colour: red\n", "colour is no field"),
        ("cooling: [air, water]\n", "cooling must be text"),
        ("hw_notes: |\n  one\n  two\n", "hw_notes must be text on one line"),
        ("accelerators_per_node: 8 GPUs\n", "accelerators_per_node must be a whole number; found '8 GPUs'"),
        ("status: planned\n", "status must be one of available; preview; rdi; found 'planned'"),
        ("- a list\n", "expected `field: text` lines"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "system.yaml").write_text(text)
    with pytest.raises(UserError, match=words):
        read_answers(tmp_path / "system.yaml")


def test_every_mistake_is_told(tmp_path: Path) -> None:
    path = write_answers(tmp_path / "system.yaml", status="planned", colour="red", system_type="desk")
    with pytest.raises(UserError) as caught:
        read_answers(path)
    assert len(str(caught.value).splitlines()) == 3
