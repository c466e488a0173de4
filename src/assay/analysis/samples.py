"""A run's samples as columns: one entry a sample that succeeded, in the order of its start."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from assay.runs.requests import read_request_columns, read_requests
from assay.runs.shapes import LoadShape

Ints = NDArray[np.int64]

MISSING = -1


@dataclass(frozen=True, eq=False)
class Samples:
    """Samples whose deciding attempt succeeded. Times are ns on one clock; `MISSING` where there is none.

    `start_ns` is the scheduled time where there is a schedule (Server, Interactive, Rate, Trace, Sessions), the first
    sending in Concurrency, else LoadGen's issue.
    """

    endpoints: tuple[str, ...]
    sample_id: Ints
    qsl_idx: Ints
    endpoint: Ints = field(metadata={"doc": "index into `endpoints`"})
    start_ns: Ints
    sent_ns: Ints
    first_ns: Ints
    last_ns: Ints
    done_ns: Ints
    input_tokens: Ints
    output_tokens: Ints
    streamed_tokens: Ints = field(metadata={"doc": "those that arrived one by one: without hidden reasoning"})
    first_answer_ns: Ints = field(metadata={"doc": "first token that isn't reasoning"})
    reasoning_tokens: Ints = field(metadata={"doc": "of the output, by the server's usage, hidden ones included"})
    cached_tokens: Ints
    prompt_tokens_sent: Ints
    prompt_tokens_guessed: Ints = field(metadata={"doc": "of text whose tokens aren't known; only their order is sure"})
    prompt_tokens_counted: Ints = field(metadata={"doc": "by the server"})
    until_ns: int | None = None
    """Where the load was bounded by time: rates count what was done until then. None too where answers that were in
    flight then came in one piece: nobody knows what was done of them by then, and rates count all, until its end."""
    over_ns: int = MISSING
    """When the last sample that failed was given up: a run isn't over before."""
    unanswered_ns: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """When each sample that got no answer was last sent, or was issued where it never was; in no order."""

    def __len__(self) -> int:
        return len(self.sample_id)

    def where(self, mask: NDArray[np.bool_]) -> Samples:
        """The samples that `mask` selects; they are over when the last of them is."""
        return _Part(self, np.flatnonzero(mask))

    @cached_property
    def of_endpoint(self) -> list[Samples]:
        """The samples of each endpoint, in the order of `endpoints`."""
        return self.grouped(self.endpoint, len(self.endpoints))

    def grouped(self, groups: NDArray[np.integer[Any]], count: int) -> list[Samples]:
        """The samples of each of `count` groups, where `groups` tells each sample's."""
        rows = np.argsort(groups, kind="stable")
        bounds = np.searchsorted(groups[rows], np.arange(count + 1))
        return [_Part(self, rows[begin:end]) for begin, end in pairwise(bounds)]

    @property
    def begin_ns(self) -> int:
        """The first sample's start."""
        return int(self.start_ns.min())

    @property
    def end_ns(self) -> int:
        """The last sample's end, an answer or not: what failed took its time too."""
        return max(int(self.done_ns.max()), self.over_ns)

    @property
    def working_ns(self) -> Ints:
        """From when on each sample is in progress, evenly until its end: from its sending.

        In a load that its time ended, no longer before its first token than the least that any of the samples took for
        it: a request that waits in the server's queue isn't partly done.
        """
        sent_ns = np.where(self.sent_ns == MISSING, self.start_ns, self.sent_ns)
        known = self.first_ns != MISSING
        if self.until_ns is None or not known.any():
            return sent_ns
        least_ns = int((self.first_ns - sent_ns)[known].min())
        return np.where(known, np.maximum(sent_ns, self.first_ns - least_ns), sent_ns)

    @property
    def share_in_time(self) -> NDArray[np.float64]:
        """How much of each sample rates count: the part of its time in progress that lies before the end."""
        if self.until_ns is None:
            return np.ones(len(self))
        begin_ns = self.working_ns
        share: NDArray[np.float64] = (self.until_ns - begin_ns) / np.maximum(self.done_ns - begin_ns, 1)
        return np.clip(share, 0.0, 1.0)

    @property
    def duration_s(self) -> float:
        return (self.end_ns - self.begin_ns) / 1e9

    @property
    def counted(self) -> bool:
        """Whether the output tokens of all samples are known; a sum over a part of them would stand for no rate."""
        return not (self.output_tokens == MISSING).any()

    @property
    def paced(self) -> bool:
        """Whether it is known when the tokens of answers arrived, of any that has several."""
        return bool(self.has_tpot.any()) or not (self.output_tokens >= 2).any()

    def without_pace(self) -> Samples:
        """The same where nobody knows when any token but the first arrived: no sample has a time per output token."""
        return replace(self, streamed_tokens=np.minimum(self.streamed_tokens, 1))

    @property
    def latency_ns(self) -> Ints:
        """Start to last token."""
        return self.last_ns - self.start_ns

    @property
    def ttft_ns(self) -> Ints:
        """Start to first token."""
        return self.first_ns - self.start_ns

    @property
    def answer_ttft_ns(self) -> Ints:
        """Start to first token that isn't reasoning, of the samples that have one."""
        has = self.first_answer_ns != MISSING
        times: Ints = self.first_answer_ns[has] - self.start_ns[has]
        return times

    @property
    def reasons(self) -> bool:
        """Whether the model thinks before it answers, seen or hidden."""
        seen = (self.first_answer_ns != MISSING) & (self.first_answer_ns > self.first_ns)
        return bool(seen.any() or (self.reasoning_tokens > 0).any())

    @property
    def service_latency_ns(self) -> Ints:
        """Sent to last token: without the wait for a free place at an endpoint."""
        return self.last_ns - self.sent_ns

    @property
    def service_ttft_ns(self) -> Ints:
        """Sent to first token."""
        return self.first_ns - self.sent_ns

    @cached_property
    def has_tpot(self) -> NDArray[np.bool_]:
        """Samples of at least two tokens: the others have no time per output token."""
        return self.streamed_tokens >= 2

    @cached_property
    def tpot_ns(self) -> Ints:
        """(latency - TTFT) / (streamed tokens - 1), LoadGen's formula, of the samples in `has_tpot`."""
        chosen = self.has_tpot
        span = (self.last_ns - self.first_ns)[chosen]
        return span // (self.streamed_tokens[chosen] - 1)


_OF_ALL = ("endpoints", "until_ns", "over_ns", "unanswered_ns")
_COLUMN_FIELDS = tuple(f.name for f in fields(Samples) if f.name not in _OF_ALL)


class _Part(Samples):
    """Some of the samples of another. A column is picked when it is asked for, so a part costs its rows' places alone:
    those of every endpoint, and of every chart's group, with all columns would be several copies of a large run."""

    def __init__(self, of: Samples, rows: Ints) -> None:
        whole, within = (of._whole, of._rows[rows]) if isinstance(of, _Part) else (of, rows)
        values = {"_whole": whole, "_rows": within, "endpoints": of.endpoints, "until_ns": of.until_ns}
        self.__dict__.update(values, over_ns=MISSING, unanswered_ns=np.zeros(0, dtype=np.int64))

    _whole: Samples
    _rows: Ints

    def __len__(self) -> int:
        return len(self._rows)

    def __getattr__(self, name: str) -> Ints:
        if name not in _COLUMN_FIELDS:
            raise AttributeError(name)
        column: Ints = getattr(self._whole, name)[self._rows]
        return column


def read_samples(
    path: Path, endpoints: tuple[str, ...], *, from_sending: bool = False, shape: LoadShape | None = None
) -> Samples:
    """Read the successful samples of a `requests.parquet`.

    Args:
        path: the file.
        endpoints: the run's endpoints in their order; any other that the file names follows them.
        from_sending: samples start when they are first sent (fixed concurrency).
        shape: the load's, where the pacer drove it.
    """
    keys = read_requests(path, ["final", "status"])
    final = np.asarray(keys["final"].to_numpy(), dtype=bool)
    good = np.asarray(pc.fill_null(pc.equal(keys["status"].cast(pa.string()), "ok"), False).to_numpy(), dtype=bool)
    rows = np.flatnonzero(final & good)
    start = _first_sent(path, rows) if from_sending else _due(path, rows)
    (sample,) = (_ints(column)[rows] for column in read_request_columns(path, ["sample_id"]))
    order = np.lexsort((sample, start))
    rows, start, sample = rows[order], start[order], sample[order]
    endpoints, endpoint = _endpoints(path, endpoints, rows)
    columns = {"start_ns": start, "sample_id": sample, "endpoint": endpoint}
    names = [name for name in _COLUMN_FIELDS if name not in columns]
    over_ns = MISSING
    for name, column in zip(names, read_request_columns(path, names), strict=True):
        whole = _ints(column)
        nowhere = column.null_count == len(column)  # and then it needs no memory
        columns[name] = np.broadcast_to(np.int64(MISSING), len(rows)) if nowhere else whole[rows]
        if name == "done_ns" and final.any():
            over_ns = int(whole[final].max())
    streamed = columns["streamed_tokens"]
    columns["streamed_tokens"] = np.where(streamed == MISSING, columns["output_tokens"], streamed)
    until_ns = None
    if shape is not None and len(rows):
        begin_ns = int(start.min())
        window_s = shape.window_s(int(final.sum()), (over_ns - begin_ns) / 1e9)
        until_ns = None if window_s is None else begin_ns + int(window_s * 1e9)
        if until_ns is not None and _cut_in_one_piece(columns, until_ns):
            until_ns = None
    unanswered_ns = _last_sent(path, np.flatnonzero(final & ~good))
    return Samples(endpoints, **columns, until_ns=until_ns, over_ns=over_ns, unanswered_ns=unanswered_ns)


def _cut_in_one_piece(columns: dict[str, Ints], until_ns: int) -> bool:
    """Whether answers of several tokens that ended after `until_ns` came at once, or nobody knows when they began."""
    cut = columns["done_ns"] > until_ns
    at_once = (columns["first_ns"] == MISSING) | (columns["first_ns"] == columns["last_ns"])
    return bool((cut & at_once & (columns["output_tokens"] != 1)).any())


def _due(path: Path, rows: Ints) -> Ints:
    """When each of the rows was due; where there is no schedule, issued."""
    due, issued = (_ints(column)[rows] for column in read_request_columns(path, ["scheduled_ns", "issued_ns"]))
    return np.where(due == MISSING, issued, due)


def _last_sent(path: Path, rows: Ints) -> Ints:
    """When each of the rows was sent; where it never was, issued."""
    if not len(rows):
        return rows
    sent, issued = (_ints(column)[rows] for column in read_request_columns(path, ["sent_ns", "issued_ns"]))
    return np.where(sent == MISSING, issued, sent)


def _first_sent(path: Path, rows: Ints) -> Ints:
    """When each of the rows' samples was first sent; the time of issue where that never got so far."""
    whole = read_requests(path, ["sample_id", "attempt", "sent_ns", "issued_ns"])
    wanted = whole.select(["sample_id", "issued_ns"]).take(rows)
    first = whole.filter(pc.equal(whole["attempt"], 1))
    place = pc.index_in(wanted["sample_id"], value_set=first["sample_id"].combine_chunks())
    return _ints(pc.coalesce(first["sent_ns"].combine_chunks().take(place.combine_chunks()), wanted["issued_ns"]))


def _endpoints(path: Path, known: tuple[str, ...], rows: Ints) -> tuple[tuple[str, ...], Ints]:
    """The endpoints, those first that are known, and the place among them of each row's."""
    (column,) = read_request_columns(path, ["endpoint"])
    names = column.cast(pa.string()).take(rows)
    found = known + tuple(sorted(set(pc.unique(names).to_pylist()) - {None, *known}))
    return found, _ints(pc.index_in(names, value_set=pa.array(found, pa.string())))


def _ints(column: pa.ChunkedArray | pa.Array) -> Ints:
    values = pc.fill_null(column.cast(pa.int64()), MISSING).to_numpy()
    return np.asarray(values, dtype=np.int64)
