"""Prompts of random common words, as long as asked, perhaps with a beginning that groups of them share."""

from __future__ import annotations

import numpy as np

from assay.config_dataset import SyntheticConfig
from assay.datasets.lengths import WordMaker, WordNumbers, check_made, draw, fit, word_maker
from assay.datasets.model import Sample
from assay.datasets.sources.source import Reading, Request
from assay.errors import UserError

DEFAULT_SAMPLES = 1000
_INPUT, _OUTPUT, _PREFIX, _TEXT = range(4)  # streams of random numbers, apart from each other


def make_synthetic(synthetic: SyntheticConfig, request: Request) -> Reading:
    """As many samples as asked for, or `DEFAULT_SAMPLES`. The same seed and counter give the same samples.

    Raises `UserError` where a prompt is to be shorter than its prefix or than what is put around it.
    """
    seed, count = request.config.seed, request.config.samples or DEFAULT_SAMPLES
    inputs = draw(synthetic.input, count, np.random.default_rng([seed, _INPUT]))
    outputs = draw(synthetic.output, count, np.random.default_rng([seed, _OUTPUT]))
    prefix = synthetic.prefix
    check_made([*inputs, prefix.tokens * prefix.groups if prefix else 0])
    maker = word_maker(request.counter)
    if prefix is not None and min(inputs) <= prefix.tokens + maker.around:
        raise UserError(
            f"dataset.synthetic: a prompt of {min(inputs)} tokens has no room for its prefix of {prefix.tokens} and a "
            f"word of its own ({maker.around:g} tokens are put around every prompt, and input counts the whole "
            "prompt). Set input (its low, where it is drawn) higher."
        )
    beginnings = _prefixes(synthetic, maker, seed)
    words = [
        _joined(beginnings, index, maker.pick(tokens, np.random.default_rng([seed, _TEXT, index])))
        for index, tokens in enumerate(inputs)
    ]
    texts, note = fit(maker, words, inputs)
    samples = [
        Sample(index=index, prompt=text, max_tokens=most)
        for index, (text, most) in enumerate(zip(texts, outputs, strict=True))
    ]
    return Reading(samples, note)


def title(synthetic: SyntheticConfig) -> str:
    """What the data set is called."""
    prefix = synthetic.prefix
    shared = f", the first {prefix.tokens} shared in {prefix.groups} groups" if prefix else ""
    return f"synthetic, {synthetic.input} tokens in{shared}, {synthetic.output} out"


def _prefixes(synthetic: SyntheticConfig, maker: WordMaker, seed: int) -> list[WordNumbers]:
    if synthetic.prefix is None:
        return []
    return [
        maker.pick(synthetic.prefix.tokens, np.random.default_rng([seed, _PREFIX, group]))
        for group in range(synthetic.prefix.groups)
    ]


def _joined(beginnings: list[WordNumbers], index: int, own: WordNumbers) -> WordNumbers:
    return np.concatenate([beginnings[index % len(beginnings)], own]) if beginnings else own
