"""A run's samples as columns: one entry a sample that succeeded, in the order of its start."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from assay.runs.requests import read_requests
from assay.runs.shapes import LoadShape

Ints = NDArray[np.int64]

MISSING = -1
_COLUMNS = [
    "sample_id", "qsl_idx", "attempt", "final", "endpoint", "status", "issued_ns", "scheduled_ns", "sent_ns",
    "first_ns", "last_ns", "done_ns", "input_tokens", "output_tokens",
    "streamed_tokens", "first_answer_ns", "reasoning_tokens", "cached_tokens", "prompt_tokens_sent",
    "prompt_tokens_guessed", "prompt_tokens_counted",
]  # fmt: skip


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
    """Where the load was bounded by time and samples ended later: rates count what was done until then."""
    over_ns: int = MISSING
    """When the last sample that failed was given up: a run isn't over before."""

    def __len__(self) -> int:
        return len(self.sample_id)

    def where(self, mask: NDArray[np.bool_]) -> Samples:
        """The samples that `mask` selects; they are over when the last of them is."""
        columns = {name: getattr(self, name)[mask] for name in _COLUMN_FIELDS}
        return Samples(self.endpoints, **columns, until_ns=self.until_ns)

    @cached_property
    def of_endpoint(self) -> list[Samples]:
        """The samples of each endpoint, in the order of `endpoints`."""
        return [self.where(self.endpoint == number) for number in range(len(self.endpoints))]

    @property
    def begin_ns(self) -> int:
        """The first sample's start."""
        return int(self.start_ns.min())

    @property
    def end_ns(self) -> int:
        """The last sample's end, an answer or not: what failed took its time too."""
        return max(int(self.done_ns.max()), self.over_ns)

    @property
    def share_in_time(self) -> NDArray[np.float64]:
        """How much of each sample rates count: the part of its time, from sending on, that lies before the end."""
        if self.until_ns is None:
            return np.ones(len(self))
        sent_ns = np.where(self.sent_ns == MISSING, self.start_ns, self.sent_ns)
        return np.clip((self.until_ns - sent_ns) / np.maximum(self.done_ns - sent_ns, 1), 0.0, 1.0)

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


_COLUMN_FIELDS = tuple(f.name for f in fields(Samples) if f.name not in ("endpoints", "until_ns", "over_ns"))


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
    whole = read_requests(path, _COLUMNS)
    table = whole.filter(pc.and_(whole["final"], pc.equal(whole["status"].cast(pa.string()), "ok")))
    start = _first_sent(whole, table) if from_sending else pc.coalesce(table["scheduled_ns"], table["issued_ns"])
    table = table.append_column("start_ns", start)
    table = table.take(pc.sort_indices(table, sort_keys=[("start_ns", "ascending"), ("sample_id", "ascending")]))
    names = table["endpoint"].cast(pa.string())
    endpoints += tuple(sorted(set(pc.unique(names).to_pylist()) - {None, *endpoints}))
    index = pc.index_in(names, value_set=pa.array(endpoints, pa.string()))
    columns = {name: _ints(table[name]) for name in _COLUMN_FIELDS if name != "endpoint"}
    streamed = columns["streamed_tokens"]
    columns["streamed_tokens"] = np.where(streamed == MISSING, columns["output_tokens"], streamed)
    over_ns = pc.max(whole.filter(whole["final"])["done_ns"]).as_py() or MISSING
    until_ns = None
    if shape is not None and len(table):
        begin_ns = int(columns["start_ns"].min())
        window_s = shape.window_s(pc.sum(whole["final"]).as_py(), (over_ns - begin_ns) / 1e9)
        until_ns = None if window_s is None else begin_ns + int(window_s * 1e9)
    return Samples(endpoints, endpoint=_ints(index), **columns, until_ns=until_ns, over_ns=over_ns)


def _first_sent(whole: pa.Table, wanted: pa.Table) -> pa.Array:
    """When each of the wanted samples was first sent; the time of issue where that never got so far."""
    first = whole.filter(pc.equal(whole["attempt"], 1))
    place = pc.index_in(wanted["sample_id"], value_set=first["sample_id"].combine_chunks())
    return pc.coalesce(first["sent_ns"].combine_chunks().take(place.combine_chunks()), wanted["issued_ns"])


def _ints(column: pa.ChunkedArray) -> Ints:
    values = pc.fill_null(column.cast(pa.int64()), MISSING).to_numpy()
    return np.asarray(values, dtype=np.int64)
