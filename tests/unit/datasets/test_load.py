"""Both layouts are read; a mistake in a file is named by entry and field."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.paths import shared_data

from assay.benchmarks import get_benchmark
from assay.config import DatasetConfig
from assay.datasets import Message, Sample, load_dataset, warmup_articles
from assay.errors import UserError

LLAMA = get_benchmark("llama3.1-8b")
SMOL = get_benchmark("smollm2-135m")
GOOD = {"input": "Summarize: a", "tok_input": [128000, 5, 9], "output": "a"}


def at(path: Path, **keys: Any) -> DatasetConfig:
    return DatasetConfig(path=path, **keys)


def written(tmp_path: Path, entries: object, name: str = "cnn_eval.json") -> Path:
    path = tmp_path / name
    path.write_text(json.dumps(entries))
    return path


def lines(tmp_path: Path, *entries: object) -> Path:
    path = tmp_path / "articles.jsonl"
    path.write_text("\n".join(json.dumps(entry) for entry in entries) + "\n")
    return path


def test_real_entries_are_read_as_they_are() -> None:
    path = shared_data() / "cnn_dailymail_30.json"
    entries = json.loads(path.read_text())
    dataset = load_dataset(LLAMA, at(path))
    assert (len(dataset), dataset.total, dataset.generated) == (30, 30, False)
    assert dataset.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    for sample, entry in zip(dataset.samples, entries, strict=True):
        assert (sample.prompt, sample.reference) == (entry["input"], entry["output"])
        assert sample.tok_input is not None
        assert sample.tok_input.dtype == np.int32
        assert sample.tok_input.tolist() == entry["tok_input"]
    assert dataset.max_input_tokens == max(len(entry["tok_input"]) for entry in entries)


def test_real_prompts_are_the_benchmarks_template_around_the_article() -> None:
    before, after = LLAMA.prompt_template.split("{article}")
    for entry in json.loads((shared_data() / "cnn_dailymail_30.json").read_text()):
        article = entry["input"].removeprefix(before).removesuffix(after)
        assert LLAMA.prompt(article) == entry["input"] != article


def test_a_folder_is_searched_for_the_official_name(tmp_path: Path) -> None:
    path = written(tmp_path, [GOOD])
    assert load_dataset(LLAMA, at(tmp_path)).path == path
    with pytest.raises(UserError, match=r"has no sample_cnn_eval_5000\.json"):
        load_dataset(get_benchmark("llama3.1-8b-edge"), at(tmp_path))


def test_the_first_samples_and_the_total_are_told_apart(tmp_path: Path) -> None:
    path = written(tmp_path, [GOOD, {**GOOD, "output": "b"}, GOOD])
    dataset = load_dataset(LLAMA, at(path, samples=2))
    assert (dataset.references, dataset.total, len(dataset)) == (["a", "b"], 3, 2)
    assert dataset.sha256 == load_dataset(LLAMA, at(path)).sha256
    with pytest.raises(UserError, match="has 3 samples; 4 were asked for"):
        load_dataset(LLAMA, at(path, samples=4))


def test_without_all_references_there_are_none(tmp_path: Path) -> None:
    dataset = load_dataset(LLAMA, at(written(tmp_path, [GOOD, {"input": "x"}])))
    assert [sample.reference for sample in dataset.samples] == ["a", None]
    assert dataset.references is None


def test_a_sample_is_a_prompt_or_a_conversation() -> None:
    messages = (Message("user", "x"),)
    assert Sample(index=0, messages=messages).messages == messages
    for wrong in ({}, {"prompt": "x", "messages": messages}):
        with pytest.raises(ValueError, match="give a prompt or messages, and not both"):
            Sample(index=0, **wrong)


def test_entries_without_token_ids_are_read(tmp_path: Path) -> None:
    dataset = load_dataset(LLAMA, at(written(tmp_path, [GOOD, {"input": "x", "output": "y"}])))
    assert dataset.samples[1].tok_input is None
    assert dataset.max_input_tokens is None


def test_a_prompt_that_is_called_otherwise(tmp_path: Path) -> None:
    rows = [{"text_input": "Two and two?", "question": "q", "ground_truth": "4", "dataset": "math500"}]
    dataset = load_dataset(get_benchmark("deepseek-r1"), at(written(tmp_path, rows)))
    assert (dataset.format, dataset.samples[0].prompt, dataset.references) == ("mlperf", "Two and two?", None)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"output": "x"}, r"entry 2: the field 'input' is missing; it has output"),
        ({**GOOD, "input": 5}, "entry 2: the field 'input' must be a text"),
        ({**GOOD, "output": " "}, "entry 2: the field 'output' must be a text"),
        ({**GOOD, "tok_input": []}, "entry 2: the field 'tok_input' must be a list"),
        ({**GOOD, "tok_input": [1, "2"]}, "entry 2: the field 'tok_input' must be a list"),
        ({**GOOD, "tok_input": [1, True]}, "entry 2: the field 'tok_input' must be a list"),
        ({**GOOD, "tok_input": [-1]}, "entry 2: the field 'tok_input' has an id outside 0 to 2147483647"),
        ({**GOOD, "tok_input": [2**31]}, "entry 2: the field 'tok_input' has an id outside"),
        ("text", "entry 2: expected an object"),
    ],
)
def test_a_bad_entry_is_named(tmp_path: Path, bad: object, message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_dataset(LLAMA, at(written(tmp_path, [GOOD, bad])))


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"line 1: expected an object with named fields, found str"):
        load_dataset(LLAMA, at(written(tmp_path, "text")))
    with pytest.raises(UserError, match="has no samples"):
        load_dataset(LLAMA, at(written(tmp_path, [])))
    half = tmp_path / "half.json"
    half.write_text(json.dumps([GOOD])[:-5])
    with pytest.raises(UserError, match="downloaded to the end"):
        load_dataset(LLAMA, at(half))
    with pytest.raises(UserError, match="No such file"):
        load_dataset(LLAMA, at(tmp_path / "absent.json"))


def test_without_a_path_an_official_dataset_is_asked_for() -> None:
    with pytest.raises(UserError, match=r"needs the dataset file cnn_eval\.json, .* set dataset\.path"):
        load_dataset(LLAMA)


def test_articles_become_prompts(tmp_path: Path) -> None:
    path = lines(tmp_path, {"id": "a", "topic": "t", "article": "One {x}.", "highlights": "One"})
    sample = load_dataset(SMOL, at(path)).samples[0]
    assert sample.prompt == SMOL.prompt("One {x}.")
    assert (sample.reference, sample.tok_input, sample.index) == ("One", None, 0)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"id": "b", "highlights": "x"}, "line 2: the field 'article' is missing"),
        ({"article": "x", "highlights": "y"}, "line 2: the field 'id' is missing"),
        ({"id": "a", "article": "x", "highlights": "y"}, "line 2: id 'a' was already used in line 1"),
        ([1], "line 2: expected an object"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, bad: object, message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_dataset(SMOL, at(lines(tmp_path, {"id": "a", "article": "x", "highlights": "y"}, bad)))


def test_the_bundled_articles_load_and_the_warm_up_is_apart() -> None:
    dataset = load_dataset(SMOL)
    assert len(dataset) == dataset.total > 0
    assert dataset.generated
    assert len({sample.prompt for sample in dataset.samples}) == len(dataset)
    warmup = [SMOL.prompt(article) for article in warmup_articles()]
    assert warmup
    assert not set(warmup) & {sample.prompt for sample in dataset.samples}
