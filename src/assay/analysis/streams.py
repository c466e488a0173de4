"""Streams that aren't: answers many of whose tokens arrived at one time, so that nobody knows when they were made.

An answer of at least `SEVERAL` tokens isn't a stream if all of them, or all but one, came in one arrival (`arrivals`);
one of at least `LONG` if `MANY` came together in the mean over its tokens. Engines that make several tokens in a step
stay well below that. An endpoint doesn't stream where `_SHARE` of its answers aren't streams.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay.analysis.arrivals import LONG, MANY, SEVERAL, arrivals
from assay.analysis.listing import names
from assay.runs.requests import answered, read_request_batches

_SHARE = 0.5  # from here on the median is of answers without a time between tokens
HELD = "Answers came in"
"""How what is said of an endpoint without streams begins; in a verdict's reason in small letters."""
_COLUMNS = ("final", "status", "endpoint", "sent_ns", "first_ns", "last_ns", "chunk_ns", "chunk_tokens",
            "streamed_tokens", "output_tokens")  # fmt: skip


@dataclass
class Streams:
    """Answers of at least `SEVERAL` tokens at one endpoint, and how many of them weren't streams, by shape."""

    endpoint: str
    answers: int = 0
    whole: int = 0
    """All tokens in one arrival."""
    after_first: int = 0
    """All but one token in one arrival."""
    blocks: int = 0
    block_tokens: float = 0.0
    """Sum over the answers in blocks of their tokens an arrival."""

    @property
    def held(self) -> int:
        """Answers that weren't streams."""
        return self.whole + self.after_first + self.blocks

    @property
    def are_none(self) -> bool:
        return self.answers > 0 and self.held >= _SHARE * self.answers

    @property
    def shape(self) -> Literal["whole", "after_first", "blocks"]:
        """The commonest of what came instead of streams."""
        if self.whole >= max(self.after_first, self.blocks):
            return "whole"
        return "after_first" if self.after_first >= self.blocks else "blocks"

    def words(self, *, client_bound: bool) -> str:
        """What came instead of streams, in words. A client that is late reads many at once."""
        here = f"at {self.endpoint}, {self.held} of {self.answers}"
        why = (
            "the load generator may have read them late (the run is client-bound)"
            if client_bound
            else "they weren't streamed, or are held back on the way"
        )
        unknown = f"{why}, so there is no time between tokens"
        if self.shape == "whole":
            return f"answers came in one piece ({here}): {unknown}, and TTFT is that of the whole answer"
        if self.shape == "after_first":
            return f"answers came in one piece but for one token ({here}): {unknown}"
        size = self.block_tokens / self.blocks
        return f"answers came in blocks of about {size:.0f} tokens ({here}): {unknown}, and TTFT is that of a block"


def held_words(held: Sequence[Streams], *, client_bound: bool) -> list[str]:
    """What came instead of streams: a sentence for each shape, however many endpoints it came from."""
    alike: dict[str, list[Streams]] = {}
    for streams in held:
        alike.setdefault(streams.shape, []).append(streams)
    return [_together(some).words(client_bound=client_bound) for some in alike.values()]


def _together(alike: Sequence[Streams]) -> Streams:
    """Several of one shape as one, which then has that shape too."""
    return Streams(
        names([streams.endpoint for streams in alike]),
        answers=sum(streams.answers for streams in alike),
        whole=sum(streams.whole for streams in alike),
        after_first=sum(streams.after_first for streams in alike),
        blocks=sum(streams.blocks for streams in alike),
        block_tokens=sum(streams.block_tokens for streams in alike),
    )


def read_streams(path: Path) -> list[Streams]:
    """The streams of a `requests.parquet` by endpoint, a row group at a time."""
    found: dict[str, Streams] = {}
    for table in read_request_batches(path, list(_COLUMNS)):
        _count(answered(table), found)
    return [found[name] for name in sorted(found)]


def _count(table: pa.Table, found: dict[str, Streams]) -> None:
    if not len(table):
        return
    tokens, largest, mean = arrivals(table)
    several = tokens >= SEVERAL
    whole = several & (largest >= tokens)
    after_first = several & ~whole & (largest >= tokens - 1)
    blocks = (tokens >= LONG) & ~whole & ~after_first & (mean >= MANY)
    names_of = pc.fill_null(table["endpoint"].cast(pa.string()), "unknown").combine_chunks().dictionary_encode()
    endpoints = names_of.dictionary.to_pylist()
    of = np.asarray(names_of.indices.to_numpy(), dtype=np.int64)
    counts = [np.bincount(of[rows], minlength=len(endpoints)) for rows in (several, whole, after_first, blocks)]
    sizes = np.bincount(of, np.where(blocks, mean, 0.0), minlength=len(endpoints))
    for name, *of_shape, size in zip(endpoints, *counts, sizes, strict=True):
        streams = found.setdefault(name, Streams(name))
        answers, of_whole, of_after_first, of_blocks = map(int, of_shape)
        streams.answers += answers
        streams.whole += of_whole
        streams.after_first += of_after_first
        streams.blocks += of_blocks
        streams.block_tokens += float(size)
