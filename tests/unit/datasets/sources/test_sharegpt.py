"""ShareGPT's conversations: the first question, or every question as a turn of a session."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from assay.benchmarks import get_benchmark
from assay.config import DatasetConfig
from assay.datasets import Dataset, Message, load_dataset
from assay.errors import UserError

SMOL = get_benchmark("smollm2-135m")


def turns(*texts: str) -> list[dict[str, str]]:
    return [{"from": who, "value": value} for who, value in (text.split(":", 1) for text in texts)]


def load(tmp_path: Path, *conversations: Any, **keys: Any) -> Dataset:
    path = tmp_path / "ShareGPT_V3.json"
    path.write_text(json.dumps([{"id": "x", "conversations": given} for given in conversations]))
    return load_dataset(SMOL, DatasetConfig(path=path, **keys))


def test_the_first_question_is_a_prompt_and_its_answer_the_reference(tmp_path: Path) -> None:
    sample = load(tmp_path, turns("human:a?", "gpt:A", "human:b?", "gpt:B")).samples[0]
    assert (sample.prompt, sample.messages, sample.reference, sample.session) == ("a?", None, "A", None)


def test_with_sessions_every_question_is_a_sample(tmp_path: Path) -> None:
    same = turns("human:a?", "gpt:A", "human:b?")
    samples = load(tmp_path, same, same, sessions=True).samples
    assert [sample.reference for sample in samples] == ["A", None, "A", None]
    assert samples[1].messages == (Message("user", "a?"), Message("assistant", "A"), Message("user", "b?"))
    # The published file has one id many times.
    assert samples[0].session == samples[1].session != samples[2].session == samples[3].session


def test_what_a_system_says_comes_first(tmp_path: Path) -> None:
    sample = load(tmp_path, turns("system:s", "user:a?", "bing:A")).samples[0]
    assert (sample.prompt, sample.messages) == (None, (Message("system", "s"), Message("user", "a?")))


def test_a_conversation_that_begins_with_an_answer_begins_at_its_question(tmp_path: Path) -> None:
    sample = load(tmp_path, turns("gpt:go on", "human:a?", "gpt:A")).samples[0]
    assert (sample.prompt, sample.reference) == ("a?", "A")


def test_conversations_without_a_question_are_left_out_and_counted(tmp_path: Path) -> None:
    dataset = load(tmp_path, [], turns("human:a?"), turns("gpt:A"), turns("human: "))
    assert ([sample.index for sample in dataset.samples], dataset.total) == ([0], 1)
    assert dataset.note == "3 of 4 conversations without a question were left out"
    with pytest.raises(UserError, match="has no samples: 1 of 1 conversations without a question"):
        load(tmp_path, [])


def test_a_mistake_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"entry 2, turn 1: expected an object with value, a text, and from \(human"):
        load(tmp_path, turns("human:a?"), turns("robot:a?"))
    with pytest.raises(UserError, match="entry 1: the field 'conversations' must be a list"):
        load(tmp_path, "text")
