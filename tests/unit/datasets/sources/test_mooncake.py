"""A trace's prompts have the lengths it gives, and begin alike where its hash_ids do."""

from __future__ import annotations

import json
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
from tests.token_counters import Counter

from assay.benchmarks import get_benchmark
from assay.config import DatasetConfig
from assay.datasets import Dataset, load_dataset
from assay.errors import UserError

SMOL = get_benchmark("smollm2-135m")
AROUND = 3


def row(timestamp: int, length: int, *ids: int, output: int = 5) -> dict[str, Any]:
    return {"timestamp": timestamp, "input_length": length, "output_length": output, "hash_ids": list(ids)}


def load(tmp_path: Path, *rows: dict[str, Any], counter: Counter | None = None, **keys: Any) -> Dataset:
    path = tmp_path / "trace.jsonl"
    path.write_text("\n".join(json.dumps(given) for given in rows))
    counter = counter or Counter(around=AROUND)
    return load_dataset(SMOL, DatasetConfig(path=path, **{"block_tokens": 16, **keys}), counter)


def words(dataset: Dataset) -> list[list[str]]:
    return [(sample.prompt or "").split() for sample in dataset.samples]


def shared(one: list[str], other: list[str]) -> int:
    return len(list(takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))))


def test_lengths_times_and_answers_are_the_traces(tmp_path: Path) -> None:
    dataset = load(tmp_path, row(1000, 40, 0, 1, 2), row(1250, 17, 7, 8, output=9))
    assert [len(text) + AROUND for text in words(dataset)] == [40, 17]
    assert [(sample.max_tokens, sample.arrival_ns) for sample in dataset.samples] == [(5, 0), (9, 250_000_000)]
    assert dataset.generated
    assert dataset.note == (
        "the trace gives lengths, the texts are random words; "
        "prompt lengths are exact: every prompt was counted by a counter"
    )


def test_equal_hash_ids_at_the_beginning_are_equal_tokens(tmp_path: Path) -> None:
    made = words(load(tmp_path, row(0, 48, 1, 2, 3), row(0, 48, 1, 2, 4), row(0, 48, 5, 2, 3), row(0, 20, 1, 9)))
    assert shared(made[0], made[1]) == 32
    assert shared(made[0], made[3]) == 16
    assert shared(made[0], made[2]) == 0
    assert made[0][16:32] == made[2][16:32]


def test_tokens_beyond_the_hash_ids_are_each_requests_own(tmp_path: Path) -> None:
    one, other = words(load(tmp_path, row(0, 64, 1), row(0, 64, 1)))
    assert (shared(one, other), len(one)) == (16, 64 - AROUND)


def test_rows_may_have_neither_times_nor_hash_ids(tmp_path: Path) -> None:
    bare = {"input_length": 30, "output_length": 2}
    dataset = load(tmp_path, bare, {**bare, "hash_ids": []})
    assert [sample.arrival_ns for sample in dataset.samples] == [None, None]
    assert words(dataset)[0] != words(dataset)[1]


def test_the_seed_decides_the_texts_and_the_checksum(tmp_path: Path) -> None:
    rows = (row(0, 48, 1, 2, 3), row(5, 30, 1))
    first, again, other = load(tmp_path, *rows), load(tmp_path, *rows), load(tmp_path, *rows, seed=1)
    assert first.sha256 == again.sha256 != other.sha256
    assert words(first) == words(again) != words(other)


def test_only_what_is_asked_for_is_made_and_the_whole_counted(tmp_path: Path) -> None:
    dataset = load(tmp_path, row(0, 48, 1, 2, 3), row(1, 20, 1), row(2, 20, 1), samples=2)
    assert (len(dataset), dataset.total) == (2, 3)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (row(9, 33, 1, 2, 3, 4), "line 2: 4 hash_ids for 33 tokens, at 16 tokens a block: set dataset.block_tokens"),
        (row(9, 0), "line 2: the field 'input_length' must be a whole number, at least 1"),
        (row(9, 20, -1), "line 2: the field 'hash_ids' must be a list of whole numbers"),
        (row(4, 20), "timestamps must be there for every row and never go back"),
        ({"input_length": 5, "output_length": 5}, "timestamps must be there for every row"),
        (row(9, AROUND), "a prompt of 3 tokens can't be made: 3 tokens are put around every prompt"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, bad: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        load(tmp_path, row(5, 20, 1), bad)
