"""Prompts of a wanted length: lengths drawn at random, and texts of common words that take as many tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from assay.config_dataset import Lengths
from assay.datasets.common_words import COMMON_WORDS
from assay.errors import AssayError, UserError

WordNumbers = NDArray[np.int64]
"""A text as places in a `WordMaker`'s words, shape (words,)."""

_FEWEST_WORDS = 32
_MOST_MADE = 1_000_000_000
_OPENERS = 32
_ROUNDS = 4
_CHECKED = 200  # prompts built alike; beyond these, counting more would only cost time
_CALIBRATION_WORDS = (16, 64, 192, 512)
_CHECK_WORDS = (100, 350)
_WORST_ERROR = 0.1
_LEAST_A_WORD = 0.1  # tokens: no vocabulary has ten common words in one, and a count that stands still isn't quite 0


class CannotCountError(AssayError):
    """A counter turns out to be unable to count; says why."""


class TokenCounter(Protocol):
    """Counts tokens as the server under test does."""

    @property
    def source(self) -> str:
        """How it knows, in words that go on after "by": "the tokenizer", "the usage of a few requests"."""

    @property
    def exact(self) -> bool:
        """Whether any text can be counted at little cost. Otherwise only a few short ones are asked for."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text sent as a prompt, with all that a chat template puts around it.

        Raises CannotCountError where it can't after all; so may `exact`.
        """


def draw(lengths: Lengths, count: int, generator: np.random.Generator) -> list[int]:
    """`count` lengths, tokens."""
    if lengths.tokens is not None:
        return [lengths.tokens] * count
    low, high = lengths.low or 1, lengths.high
    if lengths.mean is None or lengths.std is None:
        assert high is not None
        return [int(value) for value in generator.integers(low, high, size=count, endpoint=True)]
    variance = np.log1p((lengths.std / lengths.mean) ** 2)
    drawn = generator.lognormal(np.log(lengths.mean) - variance / 2, np.sqrt(variance), size=count)
    return [int(value) for value in np.clip(np.rint(drawn), low, high)]


def check_made(lengths: Sequence[int]) -> None:
    """Raises `UserError` where prompts of these lengths, tokens, would fill the memory in which they are made."""
    if (total := sum(lengths)) > _MOST_MADE:
        raise UserError(
            f"dataset: prompts of {total} tokens altogether would have to be made, and {_MOST_MADE} are the most: ask "
            "for fewer samples (a load begins again at their end) or for shorter ones."
        )


@dataclass(frozen=True, slots=True)
class WordMaker:
    """Common words, and what they cost in tokens: `around` for every prompt and `a_word` for each of its words."""

    words: tuple[str, ...]
    openers: int
    """How many of the words, from the first, may begin a text: without a space before it a word can take more."""
    around: float
    a_word: float
    note: str
    counter: TokenCounter | None = None
    """Counts every text; None where that can't be done or would cost too much."""

    def pick(self, tokens: int, generator: np.random.Generator) -> WordNumbers:
        """Words that take `tokens` tokens, at least one word; the first of them may begin a text."""
        numbers = generator.integers(len(self.words), size=max(1, round(tokens / self.a_word)))
        numbers[0] %= self.openers
        return numbers

    def cut(self, numbers: WordNumbers, tokens: int) -> WordNumbers:
        """The first words of a text, so many that the whole prompt has `tokens` tokens.

        Raises `UserError` where what is put around a prompt takes them all.
        """
        room = round((tokens - self.around) / self.a_word)
        if room < 1:
            raise UserError(
                f"dataset: a prompt of {tokens} tokens can't be made: {self.around:g} tokens are put around every "
                "prompt (the chat template, the beginning of the text). Ask for longer ones."
            )
        return np.resize(numbers, room)

    def text(self, numbers: WordNumbers) -> str:
        return " ".join([self.words[number] for number in numbers.tolist()])


def word_maker(counter: TokenCounter | None) -> WordMaker:
    """What words cost, as far as `counter` can tell."""
    why_not = "nothing that counts tokens was there"
    if counter is not None:
        try:
            return _from_single_tokens(counter) if counter.exact else _calibrated(counter)
        except CannotCountError as error:
            why_not = str(error)
    return WordMaker(COMMON_WORDS, len(COMMON_WORDS), 0.0, 1.0, f"prompt lengths are in words: {why_not}")


def fit(maker: WordMaker, words: Sequence[WordNumbers], tokens: Sequence[int]) -> tuple[list[str], str]:
    """Texts that begin with `words[i]` and have `tokens[i]` tokens as prompts; and how surely, in words."""
    cut = [maker.cut(numbers, length) for numbers, length in zip(words, tokens, strict=True)]
    texts = [maker.text(numbers) for numbers in cut]
    counter = maker.counter
    if counter is None:
        return texts, maker.note
    looked_at = range(min(len(texts), _CHECKED))
    for _ in range(_ROUNDS):
        counts = counter.count_tokens([texts[i] for i in looked_at])
        off = {i: tokens[i] - count for i, count in zip(looked_at, counts, strict=True) if count != tokens[i]}
        if not off:
            return texts, _exact_note(counter, len(looked_at), len(texts))
        if len(looked_at) < len(texts):
            looked_at = range(len(texts))  # not all are as they were built: none is taken on trust
            continue
        for i, missing in off.items():
            step = round(missing / maker.a_word) or (1 if missing > 0 else -1)
            cut[i] = np.resize(cut[i], max(1, len(cut[i]) + step))
            texts[i] = maker.text(cut[i])
    counts = counter.count_tokens(texts)
    errors = [abs(count - length) for count, length in zip(counts, tokens, strict=True)]
    if not any(errors):
        return texts, _exact_note(counter, len(texts), len(texts))
    wrong = sum(error > 0 for error in errors)
    return texts, f"{wrong} of {len(texts)} prompts have up to {max(errors)} tokens more or less than asked for"


def _exact_note(counter: TokenCounter, counted: int, made: int) -> str:
    which = "every prompt was" if counted == made else f"the first {counted} of {made} prompts, all made alike, were"
    return f"prompt lengths are exact: {which} counted by {counter.source}"


def _from_single_tokens(counter: TokenCounter) -> WordMaker:
    words = _single_tokens(counter)
    if len(words) < _FEWEST_WORDS:
        return _calibrated(counter)
    tail = " ".join(words[:_FEWEST_WORDS])
    first = words[:_OPENERS]
    counts = counter.count_tokens([f"{word} {tail}" for word in first])
    least = min(counts)
    openers = [word for word, count in zip(first, counts, strict=True) if count == least]
    ordered = openers + [word for word in words if word not in openers]
    return WordMaker(tuple(ordered), len(openers), least - 1 - _FEWEST_WORDS, 1.0, "", counter)


def _single_tokens(counter: TokenCounter) -> list[str]:
    """The common words that take one token each after another word, found by halving."""
    good: list[str] = []
    groups = [list(COMMON_WORDS)]
    while groups:
        counts = counter.count_tokens([" ".join(group * times) for group in groups for times in (1, 2)])
        halves = []
        for place, group in enumerate(groups):
            if counts[2 * place + 1] - counts[2 * place] == len(group):
                good += group
            elif len(group) > 1:
                halves += [group[: len(group) // 2], group[len(group) // 2 :]]
        groups = halves
    return sorted(good, key=COMMON_WORDS.index)


def _calibrated(counter: TokenCounter) -> WordMaker:
    """A straight line through the counts of a few texts, and how far it is off on two others."""
    generator = np.random.default_rng(0)
    sizes = [*_CALIBRATION_WORDS, *_CHECK_WORDS]
    texts = [" ".join(generator.choice(COMMON_WORDS, size=size)) for size in sizes]
    counts = counter.count_tokens(texts)
    known = len(_CALIBRATION_WORDS)
    a_word, around = np.polyfit(sizes[:known], counts[:known], 1)
    errors = [abs(around + a_word * size - count) for size, count in zip(sizes[known:], counts[known:], strict=True)]
    checks = zip(errors, counts[known:], strict=True)
    if a_word < _LEAST_A_WORD or any(error > _WORST_ERROR * count for error, count in checks):
        raise UserError(
            f"dataset: prompts of {', '.join(map(str, sizes))} words have {', '.join(map(str, counts))} tokens by "
            f"{counter.source}: lengths can't be calibrated (are prompts cut, or not counted?). Set tokenizer to the "
            "model's folder."
        )
    note = (
        f"prompt lengths are calibrated by {counter.source} ({len(sizes)} texts): "
        f"off by {max(errors):.1f} tokens at most on texts of "
        f"{' and '.join(map(str, counts[known:]))} tokens that it was checked with"
    )
    counts_all = counter if counter.exact else None
    return WordMaker(COMMON_WORDS, len(COMMON_WORDS), float(around), float(a_word), note, counts_all)
