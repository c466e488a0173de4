"""The quality gate, at its edges."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.paths import shared_data

from assay.benchmarks import get_benchmark
from assay.scoring import RougeScores, quality_gate

LLAMA = get_benchmark("llama3.1-8b")
REFERENCE = RougeScores(38.7792, 15.9075, 24.4957, 35.793, 8_167_644, 13_368, {}, np.zeros(0, dtype=np.int64))


def test_the_reference_itself_passes() -> None:
    gate = quality_gate(LLAMA, REFERENCE)
    assert gate.verdict == "pass"
    assert gate.passed
    assert len(gate.details) == 5


@pytest.mark.parametrize(
    ("metric", "least"), [("rouge1", 38.3914), ("rouge2", 15.7484), ("rougeL", 24.2507), ("rougeLsum", 35.4351)]
)
def test_each_score_needs_99_percent(metric: str, least: float) -> None:
    below = round(least - 0.0001, 4)
    assert quality_gate(LLAMA, replace(REFERENCE, **{metric: round(least + 0.0001, 4)})).verdict == "pass"
    failed = quality_gate(LLAMA, replace(REFERENCE, **{metric: below}))
    assert failed.verdict == "fail"
    assert [line for line in failed.details if line.startswith("fails")] == [
        line for line in failed.details if f"{metric} {below:.4f}" in line
    ]


@pytest.mark.parametrize(
    ("gen_len", "verdict"), [(7_350_879, "fail"), (7_350_880, "pass"), (8_984_408, "pass"), (8_984_409, "fail")]
)
def test_length_stays_within_a_tenth(gen_len: int, verdict: str) -> None:
    assert quality_gate(LLAMA, replace(REFERENCE, gen_len=gen_len)).verdict == verdict


def test_a_part_of_the_dataset_is_not_comparable() -> None:
    gate = quality_gate(LLAMA, replace(REFERENCE, gen_num=5000))
    assert gate.verdict == "not comparable: 5000 samples of 13368"
    assert not gate.passed


def test_without_a_reference_nothing_is_claimed() -> None:
    bare = LLAMA.model_copy(update={"quality": None})
    assert quality_gate(bare, REFERENCE).verdict == "no reference"


def published(path: Path) -> RougeScores:
    line = re.search(r"^\{'rouge1'.*\}$", path.read_text(), re.MULTILINE)
    assert line is not None
    found = ast.literal_eval(line.group(0))
    rouges = {metric: float(found[metric]) for metric in ("rouge1", "rouge2", "rougeL", "rougeLsum")}
    return RougeScores(
        **rouges, gen_len=found["gen_len"], gen_num=found["gen_num"], per_sample={}, sample_index=REFERENCE.sample_index
    )


def published_gates(division: str) -> dict[str, str]:
    """Verdict by submitter and folder."""
    root = shared_data() / "mlperf_v5.1" / division
    edge = get_benchmark("llama3.1-8b-edge")
    return {
        str(path.relative_to(root)): quality_gate(edge if "edge" in str(path) else LLAMA, published(path)).verdict
        for path in root.rglob("accuracy.txt")
    }


def test_published_closed_results_pass() -> None:
    assert set(published_gates("closed").values()) == {"pass"}


def test_a_published_result_over_fewer_samples_is_not_compared() -> None:
    verdicts = {path.partition("/")[0]: verdict for path, verdict in published_gates("open").items()}
    assert verdicts["NVIDIA"] == "pass"
    assert verdicts["GATEOverflow"] == "not comparable: 4761 samples of 5000"
