"""Servers that send token ids, only a usage, or only text: what the record says of each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.simulated import FAST, Run, run, simulators
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from assay.runs import read_requests

USAGE_ONLY: dict[str, Any] = {"return_token_ids": False}
TEXT_ONLY: dict[str, Any] = {"return_token_ids": False, "extra": {"stream_options": None}}


@pytest.fixture
def tokenizer(tmp_path: Path) -> str:
    """Words of the simulator's texts; all it doesn't know is one token."""
    made = Tokenizer(WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    made.pre_tokenizer = Whitespace()
    made.save(str(tmp_path / "tokenizer.json"))
    return str(tmp_path / "tokenizer.json")


def answers(folder: Path, body: dict[str, Any], tokenizer: str | None, mode: str = "performance") -> Run:
    with simulators(folder, [FAST]) as urls:
        return run(folder, urls, samples=8, body=body, tokenizer=tokenizer, mode=mode)


@pytest.mark.parametrize(("body", "source"), [({}, "ids"), (USAGE_ONLY, "usage")])
def test_told_by_the_server(tmp_path: Path, body: dict[str, Any], source: str) -> None:
    result = answers(tmp_path, body, None)
    rows = read_requests(result.folder.requests).to_pylist()
    assert {row["token_source"] for row in rows} == {source}
    assert {row["output_tokens"] for row in rows} == {8}
    assert all((row["output_ids"] is None) == (source == "usage") for row in rows)
    assert result.outcome.estimated_tokens == 0


def test_text_alone_is_counted_with_the_tokenizer_afterwards(tmp_path: Path, tokenizer: str) -> None:
    result = answers(tmp_path, TEXT_ONLY, tokenizer)
    rows = read_requests(result.folder.requests).to_pylist()
    assert {row["token_source"] for row in rows} == {"tokenizer"}
    assert all(row["output_tokens"] > 0 for row in rows)
    assert result.ledger.estimated_tokens == 8  # LoadGen was told the number of chunks
    assert result.ledger.completed == 8


def test_text_alone_without_a_tokenizer_is_not_invented(tmp_path: Path) -> None:
    rows = read_requests(answers(tmp_path, TEXT_ONLY, None).folder.requests).to_pylist()
    assert {(row["token_source"], row["output_tokens"]) for row in rows} == {(None, None)}


def test_text_alone_still_gives_an_accuracy_log(tmp_path: Path, tokenizer: str) -> None:
    result = answers(tmp_path, TEXT_ONLY, tokenizer, mode="accuracy")
    logged = json.loads(result.folder.loadgen_accuracy.read_text())
    assert len(logged) == 8
    assert all(len(np.frombuffer(bytes.fromhex(entry["data"]), np.int32)) > 0 for entry in logged)


def test_usage_stands_beside_the_texts_own_count_where_a_tokenizer_is_known(tmp_path: Path, tokenizer: str) -> None:
    rows = read_requests(answers(tmp_path, USAGE_ONLY, tokenizer).folder.requests).to_pylist()
    assert {(row["token_source"], row["output_tokens"]) for row in rows} == {("usage", 8)}
    assert all(row["text_tokens"] > 0 for row in rows)


def test_ids_need_no_second_count(tmp_path: Path, tokenizer: str) -> None:
    rows = read_requests(answers(tmp_path, {}, tokenizer).folder.requests).to_pylist()
    assert {row["text_tokens"] for row in rows} == {None}
    assert {row["answer_model"] for row in rows} == {"simulated"}
