"""Prompts and conversations as JSON lines, with and without what may stand beside them."""

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
CHAT = [
    {"role": "system", "content": "be brief"},
    {"role": "user", "content": "one?"},
    {"role": "assistant", "content": "1"},
    {"role": "user", "content": [{"type": "text", "text": "two"}, {"type": "text", "text": "then?"}], "think_ms": 1.5},
    {"role": "assistant", "content": "2"},
]
HISTORY = (
    Message("system", "be brief"),
    Message("user", "one?"),
    Message("assistant", "1"),
    Message("user", "two\nthen?"),
)


def load(tmp_path: Path, *rows: Any, **keys: Any) -> Dataset:
    path = tmp_path / "data.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return load_dataset(SMOL, DatasetConfig(path=path, **keys))


def test_a_prompt_goes_as_it_is(tmp_path: Path) -> None:
    sample = load(tmp_path, {"prompt": " Hi {article} ", "max_tokens": 7}).samples[0]
    assert (sample.prompt, sample.messages, sample.reference, sample.max_tokens) == (" Hi {article} ", None, None, 7)


@pytest.mark.parametrize("name", ["reference", "output", "highlights"])
def test_a_reference_has_three_names(tmp_path: Path, name: str) -> None:
    dataset = load(tmp_path, {"prompt": "a", name: "b"}, {"prompt": "a", name: "c", "max_tokens": None})
    assert dataset.references == ["b", "c"]
    assert load(tmp_path, {"prompt": "a", name: "b"}, {"prompt": "a"}).references is None


def test_the_longest_answer_holds_for_samples_that_name_none(tmp_path: Path) -> None:
    samples = load(tmp_path, {"prompt": "a"}, {"prompt": "b", "max_tokens": 7}, max_tokens=30).samples
    assert [sample.max_tokens for sample in samples] == [30, 7]


def test_a_conversation_is_asked_its_last_question(tmp_path: Path) -> None:
    dataset = load(tmp_path, {"messages": CHAT}, {"messages": CHAT[:2], "reference": "x"})
    last, first = dataset.samples
    assert (last.messages, last.reference, last.session, last.think_ns) == (HISTORY, "2", None, None)
    assert (first.messages, first.reference) == (HISTORY[:2], "x")


def test_with_sessions_every_question_is_a_sample_with_its_history(tmp_path: Path) -> None:
    rows = ({"messages": CHAT, "timestamp": 5, "max_tokens": 9}, {"messages": CHAT[:2]})
    one, two, other = load(tmp_path, *rows, sessions=True).samples
    assert [sample.index for sample in (one, two, other)] == [0, 1, 2]
    assert (one.messages, one.reference, one.session, one.think_ns, one.arrival_ns) == (
        HISTORY[:2],
        "1",
        one.session,
        None,
        5_000_000,
    )
    assert (two.messages, two.reference, two.session, two.think_ns, two.arrival_ns) == (
        HISTORY,
        "2",
        one.session,
        1_500_000,
        None,
    )
    assert (one.max_tokens, two.max_tokens, other.max_tokens) == (9, 9, None)
    assert len({one.session, other.session, None}) == 3


def test_a_line_that_names_its_session_is_one_turn_whatever_history_it_carries(tmp_path: Path) -> None:
    rows = [
        {"session": "a", "messages": CHAT[:2]},
        {"session": "a", "messages": CHAT[:4], "think_ms": 250},
        {"session": "b", "messages": CHAT},
    ]
    samples = load(tmp_path, *rows, sessions=True).samples
    assert [(sample.session, sample.think_ns) for sample in samples] == [
        ("a", None),
        ("a", 250_000_000),
        ("b", 1_500_000),
    ]
    assert [sample.messages for sample in samples] == [HISTORY[:2], HISTORY, HISTORY]


def test_turns_in_lines_of_their_own_keep_their_session(tmp_path: Path) -> None:
    rows = [{"prompt": "a", "session": 3}, {"prompt": "b", "session": 3, "think_ms": 250}]
    samples = load(tmp_path, *rows).samples
    assert [(sample.session, sample.think_ns) for sample in samples] == [("3", None), ("3", 250_000_000)]


def test_samples_count_questions_and_not_lines(tmp_path: Path) -> None:
    dataset = load(tmp_path, {"messages": CHAT}, {"messages": CHAT}, sessions=True, samples=3)
    assert (dataset.total, len(dataset)) == (4, 3)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"prompt": "a", "messages": CHAT}, "give it a prompt or messages, and not both"),
        ({"prompt": ""}, "the field 'prompt' must be a text"),
        ({"prompt": "a", "reference": 5}, "the field 'reference' must be a text"),
        ({"prompt": "a", "max_tokens": 0}, "'max_tokens' must be a whole number, at least 1"),
        ({"prompt": "a", "max_tokens": 1.5}, "'max_tokens' must be a whole number"),
        ({"prompt": "a", "max_tokens": True}, "'max_tokens' must be a whole number"),
        ({"prompt": "a", "timestamp": -1}, "'timestamp' must be a time in ms, 0 or more"),
        ({"prompt": "a", "think_ms": "1"}, "'think_ms' must be a time in ms"),
        ({"messages": []}, "'messages' must be a list that isn't empty"),
        ({"messages": CHAT[:1]}, "no message of a user"),
        ({"messages": [{"role": "human", "content": "a"}]}, r"message 1: expected an object with content and a role"),
        ({"messages": [{"role": "user", "content": None}]}, "message 1: the content must be a text"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "only parts of type text can be sent"),
    ],
)
def test_a_mistake_is_named_by_line(tmp_path: Path, row: Any, message: str) -> None:
    with pytest.raises(UserError, match=f"data.jsonl, line 2.*{message}"):
        load(tmp_path, {"prompt": "good"}, row)
