"""The charts of a run's latencies: distributions, over time, by length."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np

from assay.analysis.latency import LengthGroup, OverTime
from assay.analysis.samples import MISSING, Samples
from assay.analysis.statistics import Ints
from assay.report.chart import MEDIAN, TAIL, Chart, Mark, Panel, Series
from assay.report.run_view import SOURCE, TOTAL, RunView, ms

_POINTS = 240
_FEWEST_FOR_WINDOWS = 200  # fewer are drawn one by one


class LatencyCharts:
    """Builds the latency charts of one run."""

    def __init__(self, view: RunView) -> None:
        self._view = view

    @cached_property
    def distribution(self) -> Chart:
        """`latency_distribution`: cumulative distributions by node, with the scenario's limits."""
        spec = self._view.analysis.benchmark.scenarios.get(self._view.analysis.record.scenario)
        limits = (spec.ttft_limit_ns, spec.tpot_limit_ns) if spec else (None, None)
        panels = [
            self._cumulative("TTFT", "TTFT", _timed(lambda s: s.ttft_ns), limits[0]),
            self._cumulative("TPOT", "TPOT", lambda s: s.tpot_ns, limits[1]),
            self._cumulative("Latency", "latency, start to last token", _timed(lambda s: s.latency_ns), None),
        ]
        panels = [panel for panel in panels if any(len(series.y) for series in panel.series)]  # some have no TPOT
        itl = self._itl_panel()
        return Chart(
            name="latency_distribution",
            title="Latency distribution",
            panels=[*panels, itl] if itl else panels,
            columns=2,
            text="Share of samples at or below each latency. The dotted line is the scenario's limit of the 99th "
            "percentile, where it has one.",
            source=f"{SOURCE}: as the table of latencies; the highest 0.1 % lie beyond the axis",
        )

    def _cumulative(self, title: str, label: str, values: Callable[[Samples], Ints], limit: int | None) -> Panel:
        series = []
        everything = values(self._view.samples)
        seconds = len(everything) > 0 and float(np.median(everything)) > 5e9
        unit, factor = ("s", 1e9) if seconds else ("ms", 1e6)
        for group, own in self._view.groups:
            ordered = np.sort(values(own))
            if len(ordered):
                shares = np.unique(
                    np.concatenate([np.linspace(0, 0.9, _POINTS // 2), np.linspace(0.9, 0.999, _POINTS // 2)])
                )
                at = ordered[np.minimum((shares * len(ordered)).astype(int), len(ordered) - 1)] / factor
                series.append(self._view.line(group, list(at), list(shares)))
        marks = [Mark("x", limit / factor, f"limit {limit / factor:g} {unit}")] if limit else []
        return Panel(
            title, f"{label} ({unit})", "share of samples", series, marks, x_log=_wide(everything), y_share=True
        )

    def _itl_panel(self) -> Panel | None:
        counts = self._view.analysis.itl_counts
        if counts is None or counts.sum() < 2:
            return None
        cumulative = np.cumsum(counts) / counts.sum()
        at = np.unique(np.searchsorted(cumulative, np.linspace(0.001, 0.999, _POINTS)))
        shares = cumulative[at]
        x = np.maximum(at, 1) / 1e3
        line = Series("all", "line", list(x), list(shares), TOTAL)
        wide = float(x[-1]) > 30 * float(x[0])
        return Panel("ITL", "time between chunks of an answer (ms)", "share of gaps", [line], x_log=wide, y_share=True)

    def over_time(self) -> Chart:
        """Percentiles of service TTFT and TPOT in windows of the run."""
        latency = self._view.analysis.latency
        samples = self._view.samples
        windows = len(samples) >= _FEWEST_FOR_WINDOWS
        sent_ns, ttft_ns, timed = samples.sent_ns, samples.service_ttft_ns, samples.first_ns != MISSING
        panels = (
            [
                _windows("TTFT from sending, over time", "TTFT from sending (ms)", latency.ttft_over_time),
                _windows("TPOT over time", "TPOT (ms)", latency.tpot_over_time),
            ]
            if windows
            else [
                _each("TTFT from sending, over time", "TTFT from sending (ms)", sent_ns[timed], ttft_ns[timed]),
                _each("TPOT over time", "TPOT (ms)", sent_ns[samples.has_tpot], samples.tpot_ns),
            ]
        )
        return Chart(
            name="latency_over_time",
            title="Latency over time",
            panels=[panel for panel in panels if panel is not None],
            columns=2,
            text="Median and 99th percentile in 30 equal windows by the time of sending; a gap means too few samples."
            if windows
            else "Every sample by the time of its sending: they are too few for percentiles over time.",
            source=f"{SOURCE}: first_ns - sent_ns; (last_ns - first_ns) / (output_tokens - 1)",
        )

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
            text="Median and 99th percentile of groups of equal size, with 95 % intervals.",
            source=f"{SOURCE}: first_ns - sent_ns; last_ns - sent_ns",
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


def _windows(title: str, label: str, series: OverTime | None) -> Panel | None:
    if series is None:
        return None
    return Panel(
        title,
        "time since the first was sent (s)",
        label,
        [
            Series("median", "line", series.middles_s, [ms(v) for v in series.p50_ns], MEDIAN),
            Series("99th percentile", "line", series.middles_s, [ms(v) for v in series.p99_ns], TAIL),
        ],
    )


def _each(title: str, label: str, sent_ns: Ints, values_ns: Ints) -> Panel | None:
    """Every sample's value, ms, against the time of its sending."""
    if len(values_ns) == 0:
        return None
    x = list((sent_ns - sent_ns.min()) / 1e9)
    points = Series("samples", "points", x, list(values_ns / 1e6), TOTAL)
    return Panel(title, "time since the first was sent (s)", label, [points])


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
