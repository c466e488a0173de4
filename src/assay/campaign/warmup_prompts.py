"""Prompts for the time before the clock: as long as the run's, with answers as long, and none of them the run's own."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from assay.benchmarks import Benchmark
from assay.campaign.kinds import kind_of
from assay.campaign.tune_engine.space import Space
from assay.config import Config
from assay.datasets import warmup_articles
from assay.datasets.tokenise import PromptTokeniser
from assay.engines import build_engine
from assay.load.encoders import Prompt
from assay.runs.shapes import ConcurrencyShape, LoadShape, RampShape, SessionsShape

_WAVES = 4
_FEWEST, _MOST = 16, 2048
_MOST_TOKENS = 4_000_000
_UNKNOWN_WINDOW = 512  # the largest that is looked for
_UNKNOWN_LOAD = 64
_GOLDEN = (math.sqrt(5) - 1) / 2
_CALIBRATION_WORDS = (60, 400)
_TRIES = 3
_DRAWN_FROM = 100


class WarmupPrompt(NamedTuple):
    """A prompt and the longest answer that it asks for, tokens."""

    prompt: Prompt
    most: int


def how_many(config: Config, lengths: Sequence[int]) -> int:
    """Different prompts that waves need, so that a server's prefix cache meets few of them again.

    `lengths` are those of the run's prompts, tokens: very long ones are fewer.
    """
    if (given := config.load.warmup_prompts) is not None:
        return given
    loads = config.campaign.loads
    paced = bool(loads) or config.campaign.kind == "tune-rate"
    window = build_engine(config.engine).window or (_UNKNOWN_LOAD if paced else _UNKNOWN_WINDOW)
    if kind_of(config.campaign.kind).tries_setups:
        window = max(window, Space(config).most_in_flight)
    numbers = [min(window, len(lengths)), *config.campaign.concurrencies, *map(_in_flight, loads)]
    wanted = _WAVES * max(numbers)
    mean = max(1.0, float(np.mean(lengths)))
    return max(_FEWEST, min(wanted, _MOST, int(_MOST_TOKENS / mean)))


def _in_flight(shape: LoadShape) -> int:
    match shape:
        case ConcurrencyShape(concurrency=number) | SessionsShape(concurrency=int(number)):
            return number
        case RampShape(of="concurrency") as ramp:
            return math.ceil(max(ramp.start, ramp.to))
        case _:
            return _UNKNOWN_LOAD


def warmup_prompts(
    benchmark: Benchmark,
    prompts: Sequence[Prompt],
    limits: Sequence[int],
    tokeniser: PromptTokeniser | None,
    count: int,
) -> list[WarmupPrompt]:
    """`count` prompts whose lengths, in and out, are those of the run's `prompts` with their answers' `limits`.

    Any that follow each other have long and short ones in the run's proportion, so waves of them are alike.
    """
    order = sorted(range(len(prompts)), key=lambda place: (prompts[place].length, limits[place]))
    maker = _Maker(benchmark, prompts, tokeniser)
    made = []
    for number in range(count):
        like = order[int((0.5 + number * _GOLDEN) % 1.0 * len(order))]
        made.append(WarmupPrompt(maker.make(number, prompts[like]), limits[like]))
    return made


@dataclass(frozen=True)
class _Cost:
    """Tokens of a prompt of so many words, about."""

    around: float
    a_word: float

    def words(self, tokens: int) -> int:
        return max(1, int((tokens - self.around) / self.a_word))


class _Maker:
    """Makes prompts of sentences from articles that are in no data set. Where no tokenizer is known, of tokens or words
    drawn from many of the run's prompts at random, which are equal to none of them and as long as they are."""

    def __init__(self, benchmark: Benchmark, prompts: Sequence[Prompt], tokeniser: PromptTokeniser | None) -> None:
        self._benchmark = benchmark
        self._tokeniser = tokeniser
        self._sentences = [s for article in warmup_articles() for s in article.replace("\n", " ").split(". ") if s]
        known = [prompt.ids for prompt in prompts[:_DRAWN_FROM] if prompt.ids is not None]
        self._pool = np.concatenate(known) if known else np.zeros(1, dtype=np.int32)
        self._opener = self._pool[:1]
        self._words = " ".join(_text_of(prompt) for prompt in prompts[:_DRAWN_FROM]).split() or ["word"]
        self._cost = self._calibrated() if tokeniser else None

    def make(self, number: int, like: Prompt) -> Prompt:
        """The prompt of that number, of the length of `like`."""
        if self._tokeniser is not None and self._cost is not None:
            return self._tokenised(number, like.length)
        generator = np.random.default_rng(number)
        places = generator.integers(len(self._words), size=max(0, len(_text_of(like).split()) - 1))
        text = " ".join([f"{number + 1}:", *(self._words[place] for place in places.tolist())])
        ids = None
        if like.ids is not None:
            drawn = generator.choice(self._pool, size=max(1, like.length - 1))
            ids = np.concatenate([self._opener, drawn]).astype(np.int32)
        return Prompt(ids, text, [{"role": "user", "content": text}])

    def _tokenised(self, number: int, tokens: int) -> Prompt:
        assert self._tokeniser is not None
        assert self._cost is not None
        words = self._cost.words(tokens)
        for _ in range(_TRIES):
            text = self._benchmark.prompt(self._article(number, words))
            ids = self._tokeniser.encode_prompt(text)
            if (excess := len(ids) - tokens) <= 0 or words == 1:
                break
            words = max(1, words - math.ceil(excess / self._cost.a_word))
        read = self._tokeniser.decode(ids, skip_special=False) if self._benchmark.use_chat_template else text
        return Prompt(np.asarray(ids, dtype=np.int32), read, [{"role": "user", "content": text}])

    def _calibrated(self) -> _Cost:
        assert self._tokeniser is not None
        few, many = _CALIBRATION_WORDS
        counts = [
            len(self._tokeniser.encode_prompt(self._benchmark.prompt(self._article(0, words)))) for words in (few, many)
        ]
        a_word = max(0.1, (counts[1] - counts[0]) / (many - few))
        return _Cost(counts[0] - few * a_word, a_word)

    def _article(self, number: int, words: int) -> str:
        """So many words, at least one; the first of them is the number's own."""
        shuffled = np.random.default_rng(number).permutation(len(self._sentences))
        sentences = (f"{self._sentences[place]}." for place in itertools.cycle(shuffled.tolist()))
        stream = itertools.chain([f"{number + 1}:"], (word for sentence in sentences for word in sentence.split()))
        return " ".join(itertools.islice(stream, max(1, words)))


def _text_of(prompt: Prompt) -> str:
    return prompt.text or " ".join(message["content"] for message in prompt.messages or ())
