"""The charts of a run's latencies: distributions, over time, by length."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from assay.analysis.latency import WINDOWS, LengthGroup, OverTime, over_time
from assay.analysis.samples import MISSING, Samples
from assay.analysis.statistics import Ints
from assay.report import format as fmt
from assay.report.chart import MEDIAN, TAIL, Chart, Mark, Panel, Series
from assay.report.limits import held_limits
from assay.report.run_view import SOURCE, TOTAL, RunView, ms

_OfSamples = Callable[[Samples], tuple[Ints, Ints]]
_LIMIT = "the limit of the 99th percentile"
_TAIL = "99th percentile"
_POINTS = 240
_NEXT_TO_NOTHING_NS, _OF_THE_MEAN = 1_000_000, 0.1
"""A gap between chunks under both, the mean's tenth too, is none: they came together."""
_WORTH_TELLING = 0.01
_LEAST_IN_A_WINDOW = 20
_FEWEST_FOR_WINDOWS = 200  # fewer are drawn one by one


class _Together(NamedTuple):
    """Gaps between chunks that came together: their share, what each is under, and the mean of all."""

    share: float
    under_ns: float
    mean_ns: float


class LatencyCharts:
    """Builds the latency charts of one run."""

    def __init__(self, view: RunView) -> None:
        self._view = view

    @cached_property
    def distribution(self) -> Chart:
        """`latency_distribution`: cumulative distributions by node, with the scenario's limits."""
        limits = held_limits(self._view.analysis.benchmark, self._view.analysis.record)
        tpot = self._cumulative("TPOT", "TPOT", lambda s: s.tpot_ns, limits.get("tpot_ns"))
        if self._view.analysis.record.scenario == "Offline":
            # All samples are issued at once: from then on most of the time is the wait for a place.
            panels = [
                self._cumulative("TTFT from sending", "TTFT from sending", _sent(lambda s: s.service_ttft_ns), None),
                tpot,
                self._cumulative(
                    "Latency from sending",
                    "latency, sent to last token",
                    _sent(lambda s: s.service_latency_ns),
                    None,
                ),
            ]
        else:
            panels = [
                self._cumulative("TTFT", "TTFT", _timed(lambda s: s.ttft_ns), limits.get("ttft_ns")),
                tpot,
                self._cumulative(
                    "Latency", "latency, start to last token", _timed(lambda s: s.latency_ns), limits.get("latency_ns")
                ),
            ]
        panels = [panel for panel in panels if panel.series]  # some have no TPOT
        itl = self._itl_panel()
        return Chart(
            name="latency_distribution",
            title="Latency distribution",
            panels=[*panels, itl] if itl else panels,
            columns=2,
            text="Share of samples at or below each latency." + (self._together_words() if itl else ""),
            source=f"{SOURCE}: as the table of latencies; the highest 0.1 % lie beyond the axis",
        )

    def _cumulative(self, title: str, label: str, values: Callable[[Samples], Ints], limit: int | None) -> Panel:
        series = []
        everything = values(self._view.samples)
        seconds = len(everything) > 0 and float(np.median(everything)) > 5e9
        unit, factor = ("s", 1e9) if seconds else ("ms", 1e6)
        wide = _wide(everything)
        shares = np.unique(np.concatenate([np.linspace(0, 0.9, _POINTS // 2), np.linspace(0.9, 0.999, _POINTS // 2)]))
        for group, own in self._view.groups:
            ordered = np.sort(values(own))
            if len(ordered):
                at = ordered[np.minimum((shares * len(ordered)).astype(int), len(ordered) - 1)] / factor
                drawn = (
                    at > 0 if wide else np.ones(len(at), dtype=bool)
                )  # a log axis has no place for 0: tokens at once
                series.append(self._view.line(group, list(at[drawn]), list(shares[drawn])))
        marks = []
        if limit:
            words = f"p99 limit: {fmt.number(limit / factor)} {unit}"
            marks.append(Mark("x", limit / factor, words, meaning=_LIMIT, limit=True))
        return Panel(title, f"{label} ({unit})", "share of samples", series, marks, x_log=wide, y_share=True)

    def _itl_panel(self) -> Panel | None:
        counts = self._view.analysis.itl_counts
        if counts is None or counts.sum() < 2:
            return None
        cumulative = np.cumsum(counts) / counts.sum()
        at = np.unique(np.searchsorted(cumulative, np.linspace(0.001, 0.999, _POINTS)))
        together = self._together
        if together is not None:  # the axis begins where gaps are gaps
            at = np.unique(np.maximum(at, math.ceil(together.under_ns / 1e3)))
        shares = cumulative[at]
        x = np.maximum(at, 1) / 1e3
        line = Series("all", "line", list(x), list(shares), TOTAL)
        wide = float(x[-1]) > 30 * float(x[0])
        return Panel("ITL", "time between chunks of an answer (ms)", "share of gaps", [line], x_log=wide, y_share=True)

    @cached_property
    def _together(self) -> _Together | None:
        """The gaps of ITL that are next to nothing; None where they are less than 1 %, or aren't known."""
        counts, itl = self._view.analysis.itl_counts, self._view.analysis.result.latency.get("itl_ns")
        if counts is None or itl is None:
            return None
        under_ns = min(_NEXT_TO_NOTHING_NS, _OF_THE_MEAN * itl.mean)
        share = float(counts[: math.ceil(under_ns / 1e3)].sum()) / itl.n
        return _Together(share, under_ns, itl.mean) if share >= _WORTH_TELLING else None

    def _together_words(self) -> str:
        found = self._together
        if found is None:
            return ""
        late = ", or were read late" * self._view.analysis.record.client.client_bound
        return (
            f" ITL: {fmt.percent(found.share)} of gaps are under {fmt.ms(found.under_ns)} ms, where the axis begins; "
            f"the mean is {fmt.ms(found.mean_ns)} ms. Their chunks came together, several tokens at a time{late}."
        )

    def over_time(self) -> Chart:
        """Percentiles of service TTFT and TPOT in windows of the run."""
        latency = self._view.analysis.latency
        windows = len(self._view.samples) >= _FEWEST_FOR_WINDOWS
        panels = [
            self._over_time(title, label, of, whole if windows else None)
            for title, label, of, whole in (
                ("TTFT from sending, over time", "TTFT from sending (ms)", _ttft_sent, latency.ttft_over_time),
                ("TPOT over time", "TPOT (ms)", _tpot_sent, latency.tpot_over_time),
            )
        ]
        return Chart(
            name="latency_over_time",
            title="Latency over time",
            panels=panels,
            columns=2,
            text=_windows_text(panels)
            if windows
            else "Every sample by the time of its sending: they are too few for percentiles over time.",
            source=f"{SOURCE}: first_ns - sent_ns; (last_ns - first_ns) / (output_tokens - 1)",
        )

    def _over_time(self, title: str, label: str, of: _OfSamples, whole: OverTime | None) -> Panel:
        """Medians node by node: that of nodes of different speed is now one's, now another's."""
        view, seconds = self._view, "time since the first was sent (s)"
        sent_ns, _ = of(view.samples)
        if len(sent_ns) == 0:
            return Panel(title, seconds, label, [])
        first, last = int(sent_ns.min()), int(sent_ns.max())
        if whole is None:
            groups = [(group, of(own)) for group, own in (view.groups if view.several else [("samples", view.samples)])]
            each = [
                replace(view.line(group, list((sent - first) / 1e9), list(values / 1e6)), kind="points")
                for group, (sent, values) in groups
            ]
            return Panel(title, seconds, label, each, over_time=True)
        series = []
        for node in view.alone:
            sent, values = of(view.of_node(node))
            if len(sent):
                # As many as leave some samples in each: a node has but its share of them.
                windows = int(np.clip(len(sent) // _LEAST_IN_A_WINDOW, 2, WINDOWS))
                own = over_time(sent, values, (first, last), windows)
                series.append(view.line(node, own.middles_s, [ms(v) for v in own.p50_ns]))
        series = [replace(line, name=f"{line.name}, median") for line in series]
        if view.many or not view.several:
            series.insert(0, Series("median", "line", whole.middles_s, [ms(v) for v in whole.p50_ns], MEDIAN))
        tail = _TAIL if not view.several else f"{_TAIL} of all"
        series.append(Series(tail, "line", whole.middles_s, [ms(v) for v in whole.p99_ns], TAIL))
        known = [line for line in series if line.known]
        if len(known) == 1:  # which has no legend
            label = f"{known[0].name}, {label}"
        return Panel(title, seconds, label, known, over_time=True)

    def by_length(self) -> Chart:
        """Latency against input and output length."""
        latency = self._view.analysis.latency
        return Chart(
            name="latency_by_length",
            title="Latency by length",
            panels=[
                _groups(
                    "TTFT from sending by input length", "input tokens", "TTFT from sending (ms)", latency.ttft_by_input
                ),
                _groups(
                    "Latency from sending by output length", "output tokens", "latency (ms)", latency.latency_by_output
                ),
            ],
            columns=2,
            text="Median and 99th percentile of groups of equal size.",
            source=f"{SOURCE}: first_ns - sent_ns; last_ns - sent_ns",
        )


def _windows_text(panels: list[Panel]) -> str:
    tail = any(series.name.startswith(_TAIL) for panel in panels for series in panel.series)
    of_all = f" and the {_TAIL} of all" * tail
    return (
        f"Medians (of each node, where there are few){of_all}, in equal windows by the time of sending; a gap means "
        "too few samples."
    )


def _timed(values: Callable[[Samples], Ints]) -> Callable[[Samples], Ints]:
    """Of the samples whose first token was timed."""
    return lambda samples: values(samples)[samples.first_ns != MISSING]


def _wide(values: Ints) -> bool:
    """Whether a linear axis would hide most of the distribution."""
    if len(values) == 0:
        return False
    low, high = np.quantile(values, [0.05, 0.995])
    return bool(low > 0 and high > 30 * low)


def _sent(values: Callable[[Samples], Ints]) -> Callable[[Samples], Ints]:
    """Of the samples whose sending and first token were timed."""
    return lambda samples: values(samples)[(samples.first_ns != MISSING) & (samples.sent_ns != MISSING)]


def _ttft_sent(samples: Samples) -> tuple[Ints, Ints]:
    """When samples were sent, and how long their first token took from then."""
    timed = (samples.first_ns != MISSING) & (samples.sent_ns != MISSING)
    return samples.sent_ns[timed], samples.service_ttft_ns[timed]


def _tpot_sent(samples: Samples) -> tuple[Ints, Ints]:
    """When samples were sent, and their time per output token."""
    sent = samples.sent_ns[samples.has_tpot]
    return sent[sent != MISSING], samples.tpot_ns[sent != MISSING]


def _groups(title: str, x_label: str, y_label: str, groups: list[LengthGroup]) -> Panel:
    names = [f"{g.from_tokens} to {g.to_tokens}" for g in groups]
    return Panel(
        title,
        x_label,
        y_label,
        [
            Series(
                "median", "bars", names, [ms(g.p50_ns) for g in groups], MEDIAN,
                low=[ms(g.p50_low) for g in groups], high=[ms(g.p50_high) for g in groups],
            ),
            Series(
                "99th percentile", "bars", names, [ms(g.p99_ns) for g in groups], TAIL,
                low=[ms(g.p99_low) for g in groups], high=[ms(g.p99_high) for g in groups],
            ),
        ],
    )  # fmt: skip
