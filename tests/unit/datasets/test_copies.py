"""The official samples are recognised by their token ids, whatever a file is called."""

from __future__ import annotations

import hashlib
import json
import struct
from pathlib import Path

import numpy as np
import pytest

from assay.benchmarks import copy_of, get_benchmark
from assay.benchmarks.model import Benchmark
from assay.config_dataset import DatasetConfig
from assay.datasets import Dataset, load_dataset

LLAMA = get_benchmark("llama3.1-8b")
SAMPLES = LLAMA.dataset.total_sample_count or 0


def random_entries(count: int = SAMPLES) -> list[dict[str, object]]:
    draw = np.random.default_rng(1)
    return [{"input": f"{n}", "tok_input": draw.integers(0, 128_000, 4).tolist(), "output": "x"} for n in range(count)]


def digest_of(entries: list[dict[str, object]]) -> str:
    """As docs/data.md forms it."""
    digest = hashlib.sha256()
    for entry in entries:
        ids = entry["tok_input"]
        assert isinstance(ids, list)
        digest.update(struct.pack(f"<{len(ids) + 1}i", len(ids), *ids))
    return digest.hexdigest()


def loaded(folder: Path, entries: object, benchmark: Benchmark = LLAMA, samples: int | None = None) -> Dataset:
    path = folder / "cnn_eval.json"
    path.write_text(json.dumps(entries))
    return load_dataset(benchmark, DatasetConfig(path=path, samples=samples))


def knowing(digest: str, benchmark: Benchmark = LLAMA) -> Benchmark:
    return benchmark.model_copy(update={"dataset": benchmark.dataset.model_copy(update={"tokens_sha256": digest})})


def test_random_ids_of_the_right_number_in_a_file_of_the_right_name_are_not_the_articles(tmp_path: Path) -> None:
    dataset = loaded(tmp_path, random_entries())
    assert dataset.total == SAMPLES
    assert dataset.name == "cnn_eval.json (unverified copy)"


def test_the_whole_file_is_recognised_also_where_a_part_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = random_entries(30)
    known = knowing(digest_of(entries))
    monkeypatch.setattr("assay.benchmarks.copies.get_benchmark", lambda _: known)
    for samples in (None, 5):
        dataset = loaded(tmp_path, entries, samples=samples)
        assert (dataset.name, dataset.tokens_sha256) == (LLAMA.dataset.title, digest_of(entries))
    entries[29]["tok_input"] = [1, 2, 3]
    assert loaded(tmp_path, entries, samples=5).name == "cnn_eval.json (not the benchmark's samples)"


def test_ids_that_move_from_one_sample_to_the_next_are_others(tmp_path: Path) -> None:
    first, second = ([{"input": "a", "tok_input": ids} for ids in two] for two in ([[1, 2], [3]], [[1], [2, 3]]))
    assert loaded(tmp_path, first).tokens_sha256 != loaded(tmp_path, second).tokens_sha256


def test_samples_without_ids_have_no_digest(tmp_path: Path) -> None:
    dataset = loaded(tmp_path, [{"input": "a", "tok_input": [1]}, {"input": "b"}])
    assert (dataset.tokens_sha256, dataset.name) == ("", "cnn_eval.json (unverified copy)")


def test_a_benchmark_of_ones_own_may_state_its_digest(tmp_path: Path) -> None:
    entries = random_entries(3)
    own = LLAMA.model_copy(update={"name": "mine", "mlperf": False})
    assert loaded(tmp_path, entries, own).name == LLAMA.dataset.title, "nothing is known of it but its file's name"
    assert loaded(tmp_path, entries, knowing(digest_of(entries), own)).name == LLAMA.dataset.title
    assert "not the benchmark's" in loaded(tmp_path, entries, knowing("0" * 64, own)).name


def test_samples_for_accuracy_are_held_against_their_own_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    gpt = get_benchmark("gpt-oss-120b")
    assert gpt.accuracy is not None
    timed = gpt.dataset.model_copy(update={"tokens_sha256": "1" * 64})
    scored = gpt.accuracy.model_copy(
        update={"dataset": gpt.accuracy.dataset.model_copy(update={"tokens_sha256": "2" * 64})}
    )
    known = gpt.model_copy(update={"dataset": timed, "accuracy": scored})
    monkeypatch.setattr("assay.benchmarks.copies.get_benchmark", lambda _: known)
    for mode, own, other in (("performance", "1", "2"), ("accuracy", "2", "1")):
        recorded = gpt.in_mode(mode)  # type: ignore[arg-type]
        assert copy_of(recorded, own * 64) == "official"
        assert copy_of(recorded, other * 64) == "other"
