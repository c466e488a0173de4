"""Synthetic prompts: the lengths that were asked for, shared beginnings, and how surely, in words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from tests.token_counters import Counter

from assay.benchmarks import get_benchmark
from assay.config import DatasetConfig
from assay.config_dataset import Lengths
from assay.datasets import Dataset, PromptTokeniser, TokeniserCounter, load_dataset
from assay.datasets.common_words import COMMON_WORDS
from assay.datasets.lengths import draw
from assay.errors import UserError

SMOL = get_benchmark("smollm2-135m")


def make(counter: Counter | TokeniserCounter | None, input: Any = 40, output: Any = 8, **keys: Any) -> Dataset:  # noqa: A002
    prefix = keys.pop("prefix", None)
    synthetic = {"input": input, "output": output, "prefix": prefix}
    return load_dataset(SMOL, DatasetConfig(**{"samples": 20, "synthetic": synthetic, **keys}), counter)


def texts(dataset: Dataset) -> list[str]:
    return [sample.prompt or "" for sample in dataset.samples]


@pytest.mark.parametrize(
    "counter",
    [
        Counter(),
        Counter(around=30),
        Counter(around=5, dear=COMMON_WORDS[::3], dear_first=COMMON_WORDS[1:20]),
        Counter(around=1, dear_first=COMMON_WORDS),
    ],
)
def test_lengths_are_exact_where_any_text_can_be_counted(counter: Counter) -> None:
    dataset = make(counter, {"low": 36, "high": 90})
    counts = counter.count_tokens(texts(dataset))
    assert len(set(counts)) > 5
    assert (min(counts) >= 36, max(counts) <= 90) == (True, True)
    assert dataset.note == "prompt lengths are exact: every prompt was counted by a counter"
    assert counter.count_tokens(texts(make(counter, 77))) == [77] * 20


def test_words_of_several_tokens_are_made_to_fit_or_it_is_said(tmp_path: Path) -> None:
    counter = Counter(around=2, a_word=3)
    dataset = make(counter, 47)
    assert set(counter.count_tokens(texts(dataset))) == {47}
    counter = Counter(around=0, a_word=3)
    dataset = make(counter, 47)
    assert dataset.note == "20 of 20 prompts have up to 1 tokens more or less than asked for"


def test_a_costly_counter_is_asked_for_few_texts_and_the_error_is_said() -> None:
    counter = Counter(around=12, a_word=2, exact=False)
    dataset = make(counter, 112, samples=500)
    assert counter.asked == 6
    assert counter.count_tokens(texts(dataset)) == [112] * 500
    assert dataset.note == (
        "prompt lengths are calibrated by a counter (6 texts): "
        "off by 0.0 tokens at most on texts of 212 and 712 tokens that it was checked with"
    )


def test_what_the_calibration_misses_is_in_its_note() -> None:
    note = make(Counter(exact=False, dear=COMMON_WORDS[::4]), 50).note
    assert "off by" in note
    assert "off by 0.0" not in note


def test_a_server_that_cuts_prompts_cant_calibrate() -> None:
    class Cut(Counter):
        def count_tokens(self, texts: Sequence[str]) -> list[int]:
            return [min(count, 100) for count in super().count_tokens(texts)]

    with pytest.raises(UserError, match=r"of 16, 64, 192, 512, 100, 350 words have 16, 64, 100, 100, 100, 100 tokens"):
        make(Cut(exact=False), 50)


@pytest.mark.parametrize("count", [0, 3, 77])
def test_a_server_that_says_the_same_of_every_prompt_cant_calibrate(count: int) -> None:
    class Same(Counter):
        def count_tokens(self, texts: Sequence[str]) -> list[int]:
            return [count] * len(texts)

    with pytest.raises(UserError, match=r"can't be calibrated \(are prompts cut, or not counted\?\)"):
        make(Same(exact=False), 50)


def test_without_a_counter_a_word_stands_for_a_token_and_that_is_said() -> None:
    dataset = make(None, 50)
    assert {len(text.split()) for text in texts(dataset)} == {50}
    assert dataset.note == "prompt lengths are in words: nothing that counts tokens was there"


def test_prompts_differ_and_the_seed_decides_them() -> None:
    first, again, other = make(Counter()), make(Counter()), make(Counter(), seed=7)
    assert len(set(texts(first))) == 20
    assert first.sha256 == again.sha256 != other.sha256
    assert (first.format, first.path, first.generated, first.references) == ("synthetic", None, True, None)
    # More samples of the same seed begin with the same ones.
    assert texts(make(Counter(), samples=25))[:20] == texts(first)


def test_a_group_shares_its_beginning_and_nothing_more() -> None:
    made = [text.split() for text in texts(make(Counter(around=4), 60, prefix={"tokens": 32, "groups": 3}))]
    assert all(len(words) == 56 for words in made)
    beginnings = {number % 3: made[number][:32] for number in range(3)}
    for number, words in enumerate(made):
        assert words[:32] == beginnings[number % 3]
    assert len({tuple(words) for words in beginnings.values()}) == 3
    assert len({words[32] for words in made}) > 3
    with pytest.raises(UserError, match=r"a prompt of 36 tokens has no room for its prefix of 32"):
        make(Counter(around=4), 36, prefix={"tokens": 32})


def test_answers_have_the_lengths_asked_for() -> None:
    dataset = make(Counter(), output={"low": 3, "high": 5}, samples=60)
    assert {sample.max_tokens for sample in dataset.samples} == {3, 4, 5}
    assert len(load_dataset(SMOL, DatasetConfig(synthetic={"input": 8, "output": 4}))) == 1000


def test_a_lognormal_has_its_mean_and_spread_and_is_cut_at_its_ends() -> None:
    generator = np.random.default_rng(1)
    drawn = np.array(draw(Lengths(mean=500, std=200), 40_000, generator))
    # Standard errors: 1 of the mean; the spread's is below 3 at this skewness.
    assert abs(drawn.mean() - 500) < 5
    assert abs(drawn.std() - 200) < 12
    logs = np.log(drawn)
    assert abs(((logs - logs.mean()) ** 3).mean() / logs.std() ** 3) < 0.06
    cut = draw(Lengths(mean=500, std=200, low=400, high=600), 1000, generator)
    assert (min(cut), max(cut)) == (400, 600)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"low": 1},
        {"mean": 5},
        {"tokens": 5, "low": 1, "high": 2},
        {"low": 5, "high": 4},
        0,
        "x",
        {"std": 1, "low": 1},
    ],
)
def test_lengths_that_say_nothing_or_too_much_are_refused(wrong: Any) -> None:
    with pytest.raises(ValidationError):
        Lengths.model_validate(wrong)


def test_one_source_at_a_time() -> None:
    with pytest.raises(ValidationError, match="give one of path, synthetic and hub; found path and synthetic"):
        DatasetConfig(path=Path("x"), synthetic={"input": 5, "output": 5})


@pytest.mark.engine
@pytest.mark.parametrize("chat", [True, False])
def test_a_real_tokenizer_takes_as_many_tokens_as_asked_for(chat: bool) -> None:
    pytest.importorskip("gguf", reason="needs the embedded extra")
    from assay.engines.embedded import ensure_model

    files = ensure_model()
    special = {"bos_token": "<|im_start|>", "eos_token": "<|im_end|>"}
    tokeniser = PromptTokeniser(files.tokenizer_json, files.chat_template if chat else None, special)
    dataset = make(TokeniserCounter(tokeniser), {"low": 40, "high": 700}, prefix={"tokens": 8, "groups": 2})
    ids = [tokeniser.encode_prompt(text) for text in texts(dataset)]
    wanted = draw(Lengths(low=40, high=700), 20, np.random.default_rng([0, 0]))
    assert [len(own) for own in ids] == wanted
    alike = next(place for place, pair in enumerate(zip(ids[0], ids[2], strict=False)) if pair[0] != pair[1])
    assert alike >= 8
