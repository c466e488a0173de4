"""Traces as Mooncake publishes them: `{"timestamp": ms, "input_length", "output_length", "hash_ids": [ids]}`.

A trace has no texts. Prompts are made so that equal hash_ids at the beginning of two prompts mean equal tokens: one id
stands for a block of `dataset.block_tokens` tokens, the last one of a prompt for what is left.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from assay.datasets.lengths import WordMaker, WordNumbers, check_made, fit, word_maker
from assay.datasets.model import Sample
from assay.datasets.sources.rows import Row
from assay.datasets.sources.source import Reading, Request, RowFormat
from assay.errors import UserError

_BLOCK, _TAIL = 0, 1  # apart from each other, whatever the ids


def _read(rows: Sequence[Row], request: Request) -> Reading:
    block = request.config.block_tokens
    lengths = [row.integer("input_length", 1) for row in rows]
    check_made(lengths)
    ids = [_hash_ids(row, length, block) for row, length in zip(rows, lengths, strict=True)]
    starts = [row.optional_ns("timestamp") for row in rows]
    known = [start for start in starts if start is not None]
    if known and (len(known) < len(rows) or known != sorted(known)):
        raise UserError(f"dataset of {rows[0].where}: timestamps must be there for every row and never go back.")
    maker = word_maker(request.counter)
    blocks = _Blocks(maker, block, request.config.seed)
    words = [blocks.words(number, own, length) for number, (own, length) in enumerate(zip(ids, lengths, strict=True))]
    texts, note = fit(maker, words, lengths)
    samples = [
        Sample(
            index=index,
            prompt=text,
            max_tokens=row.integer("output_length", 1),
            arrival_ns=None if start is None else start - known[0],
        )
        for index, (row, text, start) in enumerate(zip(rows, texts, starts, strict=True))
    ]
    return Reading(samples, f"the trace gives lengths, the texts are random words; {note}")


def _hash_ids(row: Row, length: int, block: int) -> list[int]:
    if not row.has("hash_ids") or row.fields["hash_ids"] == []:
        return []
    found = row.items("hash_ids")
    if any(type(value) is not int or value < 0 for value in found):
        raise UserError(f"{row.where}: the field 'hash_ids' must be a list of whole numbers.")
    if len(found) > -(-length // block):
        raise UserError(
            f"{row.where}: {len(found)} hash_ids for {length} tokens, at {block} tokens a block: "
            "set dataset.block_tokens to the trace's block size."
        )
    return found


class _Blocks:
    """The words of every block, the same whenever its id is met."""

    def __init__(self, maker: WordMaker, tokens: int, seed: int) -> None:
        self._maker = maker
        self._tokens = tokens
        self._seed = seed
        self._made: dict[int, WordNumbers] = {}

    def words(self, number: int, ids: Sequence[int], length: int) -> WordNumbers:
        """Words for at least `length` tokens: the blocks, and where they end before, a tail of request `number`."""
        parts = [self._block(identity) for identity in ids]
        left = length - len(ids) * self._tokens
        if left > 0:
            parts.append(self._maker.pick(left, np.random.default_rng([self._seed, _TAIL, number])))
        return np.concatenate(parts)

    def _block(self, identity: int) -> WordNumbers:
        if identity not in self._made:
            generator = np.random.default_rng([self._seed, _BLOCK, identity])
            self._made[identity] = self._maker.pick(self._tokens, generator)
        return self._made[identity]


FORMAT = RowFormat(
    name="mooncake",
    fields="input_length and output_length, perhaps timestamp and hash_ids",
    fits=lambda fields: "input_length" in fields and "output_length" in fields,
    read=_read,
    generates=True,
)
