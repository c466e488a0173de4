"""The quality gate, at its edges."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.paths import shared_data

from assay.benchmarks import QualityTargets, get_benchmark
from assay.scoring import Scores, quality_gate, read_accuracy_txt

LLAMA = get_benchmark("llama3.1-8b")
REFERENCE = Scores(
    "rouge",
    {"rouge1": 38.7792, "rouge2": 15.9075, "rougeL": 24.4957, "rougeLsum": 35.793, "gen_len": 8_167_644},
    13_368,
    {},
)


def with_score(metric: str, value: float) -> Scores:
    return replace(REFERENCE, values={**REFERENCE.values, metric: value})


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
    assert quality_gate(LLAMA, with_score(metric, round(least + 0.0001, 4))).verdict == "pass"
    failed = quality_gate(LLAMA, with_score(metric, below))
    assert failed.verdict == "fail"
    assert [line for line in failed.details if line.startswith("fails")] == [
        line for line in failed.details if f"{metric} {below:.4f}" in line
    ]


@pytest.mark.parametrize(
    ("gen_len", "verdict"), [(7_350_879, "fail"), (7_350_880, "pass"), (8_984_408, "pass"), (8_984_409, "fail")]
)
def test_length_stays_within_a_tenth(gen_len: int, verdict: str) -> None:
    assert quality_gate(LLAMA, with_score("gen_len", gen_len)).verdict == verdict


def test_a_part_of_the_dataset_is_not_comparable() -> None:
    gate = quality_gate(LLAMA, replace(REFERENCE, samples=5000))
    assert gate.verdict == "not comparable: 5000 samples of 13368"
    assert not gate.passed


def test_without_a_reference_nothing_is_claimed() -> None:
    bare = LLAMA.model_copy(update={"quality": None})
    assert quality_gate(bare, REFERENCE).verdict == "no reference"


def published(path: Path) -> Scores:
    values, samples = read_accuracy_txt(path.read_text())
    assert samples is not None
    return Scores("rouge", values, samples, {})


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


def test_a_benchmark_names_its_own_metrics_and_ranges() -> None:
    quality = QualityTargets(targets={"exact_match": (80.0, None), "words": (1, 5)}, samples=4, source="a test")
    own = LLAMA.model_copy(update={"scorer": "exact_match", "quality": quality})
    scores = Scores("exact_match", {"exact_match": 80.0, "words": 5.0}, 4, {})
    assert quality_gate(own, scores).passed
    assert quality_gate(own, replace(scores, values={"exact_match": 79.9, "words": 5.0})).verdict == "fail"
    missing = quality_gate(own, replace(scores, values={"exact_match": 90.0}))
    assert missing.verdict == "fail"
    assert any("words isn't among what exact_match scores" in line for line in missing.details)
