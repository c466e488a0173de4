"""What a campaign measured: a row for each load, over its repeats, each figure with its interval."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from assay.analysis.names import name_in, same_load
from assay.analysis.statistics import from_interval, over_repeats
from assay.runs.campaign import CampaignState, RunEntry
from assay.runs.result import Figure, Result
from assay.runs.shapes import LoadShape

PERCENTILES = ("p50", "p95", "p99")
_FIGURES = (
    *("samples_per_s", "output_tokens_per_s", "mean_input_tokens", "mean_output_tokens"),
    *("goodput_per_s", "good_share"),
)
LATENCIES = ("ttft_ns", "answer_ttft_ns", "tpot_ns", "itl_ns", "latency_ns")


class Value(BaseModel):
    """A number with its 95 % interval; null where a side isn't known."""

    model_config = ConfigDict(extra="forbid")

    value: float
    low: float | None = None
    high: float | None = None


class LoadRow(BaseModel):
    """What one load gave. Times are ns; over several repeats every number is the mean of theirs."""

    model_config = ConfigDict(extra="forbid")

    load: str = Field(description="the load in words")
    shape: LoadShape | None = Field(description="null: LoadGen drove")
    runs: list[str] = Field(description="run folders that the row is of")
    issued: int
    ok: int
    failed: int = Field(description="the last attempt at it failed")
    lost: int = Field(description="sent or waiting when the run ended; every sample is ok, failed or lost")
    resent: int = Field(default=0, description="that needed more than one attempt")
    samples_per_s: Value | None = None
    output_tokens_per_s: Value | None = None
    mean_input_tokens: Value | None = None
    mean_output_tokens: Value | None = None
    goodput_per_s: Value | None = None
    good_share: Value | None = None
    latency: dict[str, dict[str, Value]] = Field(description="ttft_ns, …: p50, p95, p99")
    notices: list[str] = Field(default_factory=list, description="what a reader must know beside the figures")


def load_rows(state: CampaignState, results: Sequence[Result]) -> list[LoadRow]:
    """One row for each load whose speed was measured, in the order of the plan. Runs without a rate give no rate."""
    of_run = {result.run: result for result in results}
    groups: list[list[tuple[RunEntry, Result]]] = []
    for entry in sorted(state.runs, key=lambda entry: entry.repeat):
        if entry.mode != "performance" or entry.compliance is not None or entry.run not in of_run:
            continue
        group = next((group for group in groups if same_load(group[0][0], entry)), None)
        if group is None:
            groups.append(group := [])
        group.append((entry, of_run[entry.run]))
    return [_row(name_in(state.runs, pairs[0][0]), pairs) for pairs in groups]


def with_rates(rows: Sequence[LoadRow], groups: Sequence[Mapping[str, Any]]) -> list[LoadRow]:
    """The rows with the rates of `report.json`'s `groups` of the same runs.

    Those were computed from the samples, and know what a result's interval doesn't tell: how much of its error repeats
    have in common.
    """
    of_runs = {frozenset(group["runs"]): group for group in groups}
    return [
        row if (group := of_runs.get(frozenset(row.runs))) is None else row.model_copy(update=_rates_of(group))
        for row in rows
    ]


def _rates_of(group: Mapping[str, Any]) -> dict[str, Value]:
    """A group without tokens has no number for their rate."""
    found = {name: group[name] for name in ("samples_per_s", "output_tokens_per_s")}
    return {
        name: Value(value=rate["value"], low=rate["low"], high=rate["high"])
        for name, rate in found.items()
        if rate["value"] is not None
    }


def _row(name: str, pairs: Sequence[tuple[RunEntry, Result]]) -> LoadRow:
    results = [result for _, result in pairs]
    counts = ("issued", "completed", "failed", "lost", "resent")
    issued, completed, failed, lost, resent = (sum(_count(result, name) for result in results) for name in counts)
    return LoadRow(
        load=name,
        shape=pairs[0][0].shape,
        runs=[result.run for result in results],
        issued=issued,
        ok=completed,
        failed=failed,
        lost=lost,
        resent=resent,
        **{name: figure_over(results, name) for name in _FIGURES},
        latency={name: found for name in LATENCIES if (found := _latency(results, name))},
        notices=list(dict.fromkeys(notice for result in results for notice in result.notices)),
    )


def figure_over(results: Sequence[Result], name: str) -> Value | None:
    """A figure over repeats; None where one of them doesn't have it."""
    return _over(results, lambda result: _of_figure(result.figures.get(name)))


def _count(result: Result, name: str) -> int:
    found = result.figures.get(f"samples_{name}")
    return 0 if found is None else int(found.value)


def percentile_over(results: Sequence[Result], name: str, percentile: str) -> Value | None:
    """A latency's percentile over repeats, ns; None where one of them doesn't have it."""

    def of(result: Result) -> Value | None:
        found = result.latency.get(name)
        if found is None:
            return None
        low, high = found.intervals.get(percentile, (None, None))
        return Value(value=getattr(found, percentile), low=low, high=high)

    return _over(results, of)


def _latency(results: Sequence[Result], name: str) -> dict[str, Value]:
    values = {percentile: percentile_over(results, name, percentile) for percentile in PERCENTILES}
    return {percentile: value for percentile, value in values.items() if value is not None}


def _of_figure(figure: Figure | None) -> Value | None:
    return None if figure is None else Value(value=figure.value, low=figure.low, high=figure.high)


def _over(results: Sequence[Result], read: Callable[[Result], Value | None]) -> Value | None:
    """One repeat's value as it is; the mean of several, whose spread gives the interval. None where one has none."""
    values = [read(result) for result in results]
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return None
    if len(known) == 1:
        return known[0]
    pooled = over_repeats([from_interval(value.value, value.low, value.high, 1) for value in known])
    return Value(value=pooled.value, low=pooled.low, high=pooled.high)
