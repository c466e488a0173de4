"""Streams that aren't: answers many of whose tokens arrived at one time, so that nobody knows when they were made.

Chunks belong to one arrival where they came together: within a twentieth of the answer's mean time a token, and within
a millisecond; a gateway that lets go of what it held writes it at once, but over a network it is read in pieces. An
answer of at least `_SEVERAL` tokens isn't a stream if all of them, or all but one, came in one arrival; one of at least
`_LONG` if `_MANY` came together in the mean over its tokens. Engines that make several tokens in a step stay well below
that. An endpoint doesn't stream where `_SHARE` of its answers aren't streams.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from assay.analysis.listing import names
from assay.analysis.samples import MISSING
from assay.analysis.statistics import Floats, Ints
from assay.runs.requests import answered, read_request_batches

_SEVERAL = 4
_LONG = 16
_MANY = 8.0
_SHARE = 0.5  # from here on the median is of answers without a time between tokens
_TOGETHER = 0.05
_TOGETHER_NS = 1_000_000
HELD = "Answers came in"
"""How what is said of an endpoint without streams begins."""
_COLUMNS = ("final", "status", "endpoint", "sent_ns", "first_ns", "last_ns", "chunk_ns", "chunk_tokens",
            "streamed_tokens", "output_tokens")  # fmt: skip


@dataclass
class Streams:
    """Answers of at least `_SEVERAL` tokens at one endpoint, and how many of them weren't streams, by shape."""

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
    tokens, largest, mean = _arrivals(table)
    several = tokens >= _SEVERAL
    whole = several & (largest >= tokens)
    after_first = several & ~whole & (largest >= tokens - 1)
    blocks = (tokens >= _LONG) & ~whole & ~after_first & (mean >= _MANY)
    names = np.asarray(table["endpoint"].cast(pa.string()).fill_null("unknown").to_pylist())
    for name in np.unique(names):
        own = names == name
        streams = found.setdefault(str(name), Streams(str(name)))
        streams.answers += int((own & several).sum())
        streams.whole += int((own & whole).sum())
        streams.after_first += int((own & after_first).sum())
        streams.blocks += int((own & blocks).sum())
        streams.block_tokens += float(mean[own & blocks].sum())


def _arrivals(table: pa.Table) -> tuple[Floats, Floats, Floats]:
    """Of each answer: its tokens, those of its largest arrival, and the mean over tokens of those that came with it."""
    tokens = _tokens(table)
    first, last = _ints(table["first_ns"]), _ints(table["last_ns"])
    lists = table["chunk_ns"].combine_chunks()
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    times = lists.flatten().to_numpy(zero_copy_only=False).astype(np.int64)
    answer = np.repeat(np.arange(len(tokens)), lengths)
    weights = _weights(table, tokens, lengths, answer)
    spans = np.maximum(last - np.maximum(_ints(table["sent_ns"]), 0), 0)
    together = np.minimum(_TOGETHER_NS, _TOGETHER * spans / np.maximum(tokens, 1))
    begins = np.ones(len(times), dtype=bool)
    begins[1:] = (answer[1:] != answer[:-1]) | (np.diff(times) > together[answer[1:]])
    places = np.nonzero(begins)[0]
    sizes = np.add.reduceat(weights, places) if len(places) else np.zeros(0)
    owners = answer[places]
    largest, squares = np.zeros(len(tokens)), np.zeros(len(tokens))
    if len(owners):
        firsts = np.nonzero(np.diff(owners, prepend=-1))[0]
        largest[owners[firsts]] = np.maximum.reduceat(sizes, firsts)
        squares[owners[firsts]] = np.add.reduceat(sizes**2, firsts)
    untimed = lengths == 0  # only the first and the last are known
    largest[untimed] = np.where(first == last, tokens, 0)[untimed]
    squares[untimed] = largest[untimed] ** 2
    return tokens, np.round(largest, 6), squares / np.maximum(tokens, 1)


def _tokens(table: pa.Table) -> Floats:
    """Those that were streamed; where nobody counted, the chunks."""
    streamed = _ints(pc.coalesce(table["streamed_tokens"], table["output_tokens"]))
    chunks = pc.fill_null(pc.list_value_length(table["chunk_ns"].combine_chunks()), 0).to_numpy(zero_copy_only=False)
    return np.where(streamed == MISSING, chunks, streamed).astype(np.float64)


def _weights(table: pa.Table, tokens: Floats, lengths: Ints, answer: NDArray[np.int64]) -> Floats:
    """Tokens of each chunk; an even share of the answer's where the server doesn't say."""
    lists = table["chunk_tokens"].combine_chunks()
    said = pc.fill_null(pc.list_value_length(lists), MISSING).to_numpy(zero_copy_only=False)
    known = said == lengths
    if known.all():
        return np.asarray(lists.flatten().to_numpy(zero_copy_only=False), dtype=np.float64)
    even = (tokens / np.maximum(lengths, 1))[answer]
    even[known[answer]] = lists.filter(pa.array(known)).flatten().to_numpy(zero_copy_only=False)
    return np.asarray(even, dtype=np.float64)


def _ints(column: pa.ChunkedArray) -> Ints:
    return np.asarray(pc.fill_null(column.cast(pa.int64()), MISSING).to_numpy(), dtype=np.int64)
