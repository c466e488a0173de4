"""A run as one row: what it was, what it gave, what may be said of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from assay.analysis.names import title_in
from assay.runs import CampaignState, Distribution, Result, RunEntry, RunFolder, check_run, read_record

_PERCENTILES = ("p50", "p90", "p95", "p99")
_SHARED = " | "

Row = dict[str, Any]


def figures_row(state: CampaignState, entry: RunEntry, folder: RunFolder, result: Result | None) -> Row:
    """The columns of one run. Names end in their unit where it isn't in `result.json`'s own name.

    What a reader of its figures must know is in the row: whether samples are missing, whether the files are those that
    the run was closed with, whose energy it is and in what a cost is.
    """
    record = read_record(folder)
    row: Row = {
        "run": record.id,
        "campaign": state.id,
        "name": title_in(state.runs, entry),
        "scenario": record.scenario,
        "mode": record.mode,
        "nodes": " + ".join(entry.nodes),
        "target_qps": record.target_qps,
        "benchmark": record.benchmark,
        "model": record.model,
        "official": record.official,
        "started_utc": record.started_utc,
        "status": str(entry.status or "in progress"),
        "valid": result.verdict.valid if result else False,
        "verdict": result.verdict.words if result else "no result",
        "unanswered": result.unanswered_words if result else "",
        "manifest": check_run(folder, record).words,
        "metered": result.energy.words if result and result.energy else "",
        "currency": record.cost.currency if record.cost else "",
        "notices": _SHARED.join(result.notices) if result else "",
    }
    return row | dict(_measured(result)) if result else row


def _measured(result: Result) -> Iterator[tuple[str, Any]]:
    for name, figure in result.figures.items():
        yield from _with_ends(name, figure.value, figure.low, figure.high)
    for name, distribution in result.latency.items():
        yield from _percentiles(name.removesuffix("_ns"), distribution)
    if result.accuracy:
        for name, score in result.accuracy.scores.items():
            yield from _with_ends(f"score_{name}", score.value, score.low, score.high)
        yield "quality_gate", result.accuracy.gate


def _percentiles(name: str, distribution: Distribution) -> Iterator[tuple[str, Any]]:
    yield f"{name}_mean_ns", distribution.mean
    for percentile in _PERCENTILES:
        low, high = distribution.intervals.get(percentile, (None, None))
        yield from _with_ends(f"{name}_{percentile}_ns", getattr(distribution, percentile), low, high)


def _with_ends(name: str, value: float, low: float | None, high: float | None) -> Iterator[tuple[str, Any]]:
    yield name, float(value)
    yield f"{name}_low", None if low is None else float(low)
    yield f"{name}_high", None if high is None else float(high)


def table_of(rows: Sequence[Row]) -> pa.Table:
    """The rows with every column that some row has; null where a row lacks it."""
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: [row.get(name) for row in rows] for name in names}
    return pa.table({name: pa.array(values, _type(values)) for name, values in columns.items()})


def _type(values: Sequence[Any]) -> pa.DataType:
    """A column without any value is of numbers: intervals that nothing could bound."""
    known = next((value for value in values if value is not None), 0.0)
    return pa.bool_() if isinstance(known, bool) else pa.string() if isinstance(known, str) else pa.float64()
