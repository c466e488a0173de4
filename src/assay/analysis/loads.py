"""What a campaign measured: a row for each load, over its repeats, each figure with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from assay.analysis.distributions import PERCENTILES as ALL_PERCENTILES
from assay.analysis.distributions import percentile
from assay.analysis.figures import estimate_of
from assay.analysis.goodput import OF_ISSUED, Share, share_over
from assay.analysis.names import name_in, same_load
from assay.analysis.statistics import Estimate, in_order, over_repeats
from assay.runs.campaign import CampaignState, RunEntry
from assay.runs.result import Distribution, Result
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
        if not entry.measures or entry.run not in of_run:
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
    known = [found for result in results if (found := result.figures.get(name)) is not None]
    if not known or len(known) < len(results):
        return None
    if len(known) == 1:
        return Value(value=known[0].value, low=known[0].low, high=known[0].high)
    if known[0].unit == OF_ISSUED and all(one.n for one in known):
        share = share_over([Share(one.value, one.low, one.high) for one in known], [one.n or 0 for one in known])
        return Value(value=share.value, low=share.low, high=share.high)
    return _value(over_repeats([estimate_of(one) for one in known]))


def _count(result: Result, name: str) -> int:
    found = result.figures.get(f"samples_{name}")
    return 0 if found is None else int(found.value)


def percentile_over(results: Sequence[Result], name: str, share: str) -> Value | None:
    """A latency's percentile over repeats, ns: the mean; None where one of them doesn't have it.

    A side that one repeat's samples don't bound stays open, and the other is the mean of the repeats' own ends: the
    spread of what is but the largest of few samples each doesn't tell how far the percentile is from it. Neighbouring
    percentiles' intervals cut it.
    """
    known = [found for result in results if (found := result.latency.get(name)) is not None]
    if not known or len(known) < len(results):
        return None
    values = {each: _by_itself(known, each) for each in ALL_PERCENTILES}
    cut = in_order([(value.low, value.high) for value in values.values()])
    low, high = dict(zip(values, cut, strict=True))[share]
    return Value(value=values[share].value, low=low, high=high)


def _by_itself(known: Sequence[Distribution], share: str) -> Value:
    """A percentile over repeats, whatever its neighbours say."""
    ends = [found.intervals[share] for found in known if share in found.intervals]
    if len(known) == 1 or any(None in pair for pair in ends):
        low, high = (_mean_end(side) for side in zip(*ends, strict=True)) if ends else (None, None)
        return Value(value=sum(getattr(found, share) for found in known) / len(known), low=low, high=high)
    return _value(over_repeats([percentile(found, share) for found in known]))


def pace_of(tpot_ns: Value) -> Value:
    """Tokens/s of an answer whose tokens are so far apart; the longest time is the slowest pace."""
    low, high = (1e9 / bound if bound else None for bound in (tpot_ns.high, tpot_ns.low))
    return Value(value=1e9 / tpot_ns.value, low=low, high=high)


def _mean_end(side: Sequence[int | None]) -> float | None:
    """One side's end over repeats; None where one of them has none."""
    known = [end for end in side if end is not None]
    return sum(known) / len(known) if len(known) == len(side) else None


def _latency(results: Sequence[Result], name: str) -> dict[str, Value]:
    values = {share: percentile_over(results, name, share) for share in PERCENTILES}
    return {share: value for share, value in values.items() if value is not None}


def _value(estimate: Estimate) -> Value:
    return Value(value=estimate.value, low=estimate.low, high=estimate.high)
