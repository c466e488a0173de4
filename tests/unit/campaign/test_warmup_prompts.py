"""Warm-up prompts: as long as the run's, answers too, and never one of the run's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.campaigns import config
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from assay.benchmarks import get_benchmark
from assay.campaign.warmup_prompts import how_many, warmup_prompts
from assay.datasets import PromptTokeniser
from assay.load.encoders import Prompt

OWN = get_benchmark("own-prompts")
LLAMA = get_benchmark("llama3.1-8b")
GENERATOR = np.random.default_rng(5)
LENGTHS = [int(length) for length in GENERATOR.integers(40, 400, size=200)]
LIMITS = [int(limit) for limit in GENERATOR.integers(10, 200, size=200)]


def ids_alone() -> list[Prompt]:
    return [Prompt(GENERATOR.integers(5, 5000, size=length).astype(np.int32)) for length in LENGTHS]


def texts() -> list[Prompt]:
    return [Prompt(None, " ".join(GENERATOR.choice(["some", "common", "words"], size=n))) for n in LENGTHS]


@pytest.fixture
def words(tmp_path: Path) -> PromptTokeniser:
    """A token a word or mark."""
    tokenizer = Tokenizer(WordLevel({"?": 0}, unk_token="?"))
    tokenizer.pre_tokenizer = Whitespace()  # type: ignore[assignment]
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    return PromptTokeniser(tmp_path / "tokenizer.json", None)


def lengths_of(prompts: list[Prompt]) -> list[int]:
    return sorted(prompt.length for prompt in prompts)


@pytest.mark.parametrize("form", ["ids", "text", "tokenised"])
def test_any_wave_is_as_long_as_the_runs_prompts(form: str, words: PromptTokeniser) -> None:
    own = texts() if form == "text" else ids_alone()
    made = warmup_prompts(
        LLAMA if form == "tokenised" else OWN, own, LIMITS, words if form == "tokenised" else None, 96
    )
    for wave in (made[:32], made[32:64], made[64:]):
        mean = np.mean([prompt.length for prompt, _ in wave])
        assert mean == pytest.approx(np.mean([prompt.length for prompt in own]), rel=0.06)
        assert np.mean([most for _, most in wave]) == pytest.approx(np.mean(LIMITS), rel=0.2)
    longest = max(prompt.length for prompt in own)
    assert max(prompt.length for prompt, _ in made) <= (1.03 * longest if form == "text" else longest)


def test_no_two_are_alike_and_none_is_the_runs(words: PromptTokeniser) -> None:
    own = ids_alone()
    for benchmark, tokeniser in ((OWN, None), (LLAMA, words)):
        made = warmup_prompts(benchmark, own, LIMITS, tokeniser, 64)
        seen = {prompt.text for prompt, _ in made}
        assert len(seen) == 64
        assert not {prompt.ids.tobytes() for prompt, _ in made if prompt.ids is not None} & {
            prompt.ids.tobytes() for prompt in own if prompt.ids is not None
        }
    again = warmup_prompts(OWN, own, LIMITS, None, 64)
    assert [prompt.text for prompt, _ in again] == [p.text for p, _ in warmup_prompts(OWN, own, LIMITS, None, 64)]


def test_the_template_is_around_made_texts(words: PromptTokeniser) -> None:
    ((prompt, _), *_) = warmup_prompts(LLAMA, ids_alone(), LIMITS, words, 1)
    assert prompt.text is not None
    assert prompt.text.startswith("Summarize the following article:\n\n1: ")


LOADS = {"kind": "bench", "loads": [{"kind": "concurrency", "concurrency": 32, "duration_s": 1}]}
BENCH: dict[str, Any] = {"benchmark": "own-prompts", "campaign": LOADS}


@pytest.mark.parametrize(
    ("changes", "samples", "tokens", "number"),
    [
        ({"load": {"warmup_prompts": 3}}, 100, 10, 3),
        ({"load": {}, "engine": {"kind": "simulated", "window": 64}}, 1000, 100, 256),
        ({"load": {}, "engine": {"kind": "simulated", "window": 64}}, 8, 100, 32),
        ({"load": {}, **BENCH, "engine": {"kind": "simulated", "window": 1}}, 1000, 100, 128),
        ({"load": {}, "engine": {"kind": "simulated", "window": 1024}}, 13_368, 870, 2048),
        ({"load": {}, "engine": {"kind": "simulated", "window": 64}}, 1000, 100_000, 40),
    ],
)
def test_there_are_enough_for_four_waves(
    tmp_path: Path, changes: dict[str, Any], samples: int, tokens: int, number: int
) -> None:
    assert how_many(config(tmp_path, cluster={}, **changes), [tokens] * samples) == number
