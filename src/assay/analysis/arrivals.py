"""Tokens that came together, of each answer.

Chunks belong to one arrival where they came together: within a twentieth of the answer's mean time a token, and within
a millisecond; a gateway that lets go of what it held writes it at once, but over a network it is read in pieces.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from assay.analysis.samples import MISSING
from assay.analysis.statistics import Floats, Ints

SEVERAL = 4
"""Tokens of the shortest answers that are looked at."""
LONG = 16
"""Tokens of the shortest answers of which it is asked how many came together in the mean."""
MANY = 8.0
"""Tokens that came together in the mean: fewer are of no interest."""
_TOGETHER = 0.05
_TOGETHER_NS = 1_000_000
_ROUNDED = 1e-6


def arrivals(table: pa.Table) -> tuple[Floats, Floats, Floats]:
    """Of each answer: its tokens, those of its largest arrival, and the mean over tokens of those that came with it.

    The last two are 0 where they can't be of interest: of fewer than `SEVERAL` tokens, or a largest arrival of fewer
    than all but one and a mean of fewer than `MANY`. Most answers of most servers are streams, which is seen in a
    fraction of the time that looking at each chunk takes.
    """
    tokens = _tokens(table)
    largest, mean = np.zeros(len(tokens)), np.zeros(len(tokens))
    rows = _suspects(table, tokens)
    if rows.any():
        largest[rows], mean[rows] = _exactly(table if rows.all() else table.filter(pa.array(rows)), tokens[rows])
    return tokens, largest, mean


def _suspects(table: pa.Table, tokens: Floats) -> NDArray[np.bool_]:
    """Answers of whose largest arrival or mean more isn't known than that they may be of interest.

    An arrival of k chunks takes k - 1 short gaps, and has k times the tokens of the largest chunk at most.
    """
    lengths, times = _times(table)
    ends = np.cumsum(lengths)
    gaps = np.diff(times)
    near = np.flatnonzero(gaps <= _TOGETHER_NS) + 1
    answer = np.searchsorted(ends, near, side="right")
    short = (near != (ends - lengths)[answer]) & (gaps[near - 1] <= _together(table, tokens)[answer])
    chunk = _largest_chunk(table, tokens, lengths)
    most = (np.bincount(answer[short], minlength=len(tokens)) + 1) * chunk + _ROUNDED
    excess = np.maximum(chunk * lengths / np.maximum(tokens, 1), 1.0)  # a server may say more tokens than it counts
    of_interest = (lengths == 0) | (most >= tokens - 1) | ((tokens >= LONG) & (most * excess >= MANY))
    return np.asarray((tokens >= SEVERAL) & of_interest)


def _largest_chunk(table: pa.Table, tokens: Floats, lengths: Ints) -> Floats:
    """What no chunk of an answer has more tokens than."""
    lists = table["chunk_tokens"].combine_chunks()
    even = tokens / np.maximum(lengths, 1)
    said = pc.max(lists.flatten()).as_py() or 0
    return np.where(_lengths(lists, MISSING) == lengths, float(said), even)


def _exactly(table: pa.Table, tokens: Floats) -> tuple[Floats, Floats]:
    """The tokens of each answer's largest arrival, and the mean."""
    first, last = _ints(table["first_ns"]), _ints(table["last_ns"])
    lengths, times = _times(table)
    answer = np.repeat(np.arange(len(tokens)), lengths)
    weights = _weights(table, tokens, lengths, answer)
    begins = np.ones(len(times), dtype=bool)
    begins[1:] = (answer[1:] != answer[:-1]) | (np.diff(times) > _together(table, tokens)[answer[1:]])
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
    return np.round(largest, 6), squares / np.maximum(tokens, 1)


def _times(table: pa.Table) -> tuple[Ints, Ints]:
    """How many chunks each answer has, and when all of them came, one answer after another."""
    lists = table["chunk_ns"].combine_chunks()
    return _lengths(lists, 0), np.asarray(lists.flatten().to_numpy(zero_copy_only=False), dtype=np.int64)


def _lengths(lists: pa.ListArray, missing: int) -> Ints:
    lengths = pc.fill_null(pc.list_value_length(lists), missing)
    return np.asarray(lengths.to_numpy(zero_copy_only=False), dtype=np.int64)


def _together(table: pa.Table, tokens: Floats) -> Floats:
    """The longest gap within an arrival, ns, of each answer."""
    spans = np.maximum(_ints(table["last_ns"]) - np.maximum(_ints(table["sent_ns"]), 0), 0)
    return np.minimum(_TOGETHER_NS, _TOGETHER * spans / np.maximum(tokens, 1))


def _tokens(table: pa.Table) -> Floats:
    """Those that were streamed; where nobody counted, the chunks."""
    streamed = _ints(pc.coalesce(table["streamed_tokens"], table["output_tokens"]))
    chunks = _lengths(table["chunk_ns"].combine_chunks(), 0)
    return np.where(streamed == MISSING, chunks, streamed).astype(np.float64)


def _weights(table: pa.Table, tokens: Floats, lengths: Ints, answer: Ints) -> Floats:
    """Tokens of each chunk; an even share of the answer's where the server doesn't say."""
    lists = table["chunk_tokens"].combine_chunks()
    known = _lengths(lists, MISSING) == lengths
    if known.all():
        return np.asarray(lists.flatten().to_numpy(zero_copy_only=False), dtype=np.float64)
    even = (tokens / np.maximum(lengths, 1))[answer]
    even[known[answer]] = lists.filter(pa.array(known)).flatten().to_numpy(zero_copy_only=False)
    return np.asarray(even, dtype=np.float64)


def _ints(column: pa.ChunkedArray) -> Ints:
    return np.asarray(pc.fill_null(column.cast(pa.int64()), MISSING).to_numpy(), dtype=np.int64)
