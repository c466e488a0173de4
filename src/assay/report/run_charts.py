"""The charts of one run, as descriptions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from assay.analysis.latency import LengthGroup, OverTime, histogram
from assay.analysis.run import RunAnalysis
from assay.analysis.samples import MISSING, Samples
from assay.analysis.statistics import Ints
from assay.report import format as fmt
from assay.report.chart import MEDIAN, NEUTRAL, PALETTE, TAIL, Chart, Colors, Mark, Panel, Series

Values = list[float | None]

_POINTS = 240
_FEWEST_FOR_WINDOWS = 200  # fewer are drawn one by one
_MOST_LINES = 12
_SOURCE = "requests.parquet"
_TOTAL = PALETTE[0]


class RunCharts:
    """Builds the charts of one analysed run that has samples; nodes keep their colour in all of them."""

    def __init__(self, analysis: RunAnalysis) -> None:
        assert analysis.samples is not None  # callers ask only where there are samples
        self.analysis = analysis
        self.samples: Samples = analysis.samples
        self.nodes = analysis.nodes_in_order
        self.colors = Colors(self.nodes)
        of = {endpoint.name: endpoint.node for endpoint in analysis.record.endpoints}
        self._node_of = [of.get(name, "unknown") for name in self.samples.endpoints]

    @property
    def several(self) -> bool:
        return len(self.nodes) > 1

    def of_node(self, node: str) -> Samples:
        numbers = [i for i, name in enumerate(self._node_of) if name == node]
        return self.samples.where(np.isin(self.samples.endpoint, numbers))

    def timeline(self) -> Chart:
        """`throughput_timeline`: tokens a second and samples in flight."""
        return Chart(
            name="throughput_timeline",
            title="Throughput over time",
            panels=[self._rate_panel(), self._flight_panel()],
            columns=2,
            text="Output tokens a second and samples in flight over the run; the shaded span is the steady window.",
            source=f"{_SOURCE}: tokens spread evenly between an answer's first and last token, 200 bins",
        )

    def _rate_panel(self) -> Panel:
        return self._over_time("Output tokens/s", "output tokens/s", "tokens_per_s")

    def _flight_panel(self) -> Panel:
        return self._over_time("Samples in flight", "samples", "in_flight")

    def _over_time(self, title: str, label: str, attribute: str) -> Panel:
        line = self.analysis.timeline
        assert line is not None
        x = list(line.middles_s)
        values = getattr(line, attribute)
        series = [Series("all nodes", "line", x, list(values.sum(axis=0)), NEUTRAL if self.several else _TOTAL)]
        if self.several and len(self.nodes) <= _MOST_LINES:
            for node in self.nodes:
                rows = [i for i, name in enumerate(self._node_of) if name == node]
                own = list(values[rows].sum(axis=0))
                series.append(Series(node, "line", x, own, self.colors[node], dashed=self.colors.dashed(node)))
        marks = []
        parts = self.analysis.phases
        if parts is not None:
            marks.append(Mark("x", parts.steady_from_s, "steady", parts.steady_to_s))
        return Panel(title, "time since the first start (s)", label, series, marks)

    def latency(self) -> Chart:
        """`latency_distribution`: cumulative distributions by node, with the scenario's limits."""
        spec = self.analysis.benchmark.scenarios.get(self.analysis.record.scenario)
        limits = (spec.ttft_limit_ns, spec.tpot_limit_ns) if spec else (None, None)
        panels = [
            self._cumulative("TTFT", "TTFT", _timed(lambda s: s.ttft_ns), limits[0]),
            self._cumulative("TPOT", "TPOT", lambda s: s.tpot_ns, limits[1]),
            self._cumulative("Latency", "latency, start to last token", _timed(lambda s: s.latency_ns), None),
        ]
        itl = self._itl_panel()
        return Chart(
            name="latency_distribution",
            title="Latency distribution",
            panels=[*panels, itl] if itl else panels,
            columns=2,
            text="Share of samples at or below each latency. The dotted line is the scenario's limit of the 99th "
            "percentile, where it has one.",
            source=f"{_SOURCE}: as the table of latencies; the highest 0.1 % lie beyond the axis",
        )

    def _cumulative(self, title: str, label: str, values: Callable[[Samples], Ints], limit: int | None) -> Panel:
        series = []
        everything = values(self.samples)
        seconds = len(everything) > 0 and float(np.median(everything)) > 5e9
        unit, factor = ("s", 1e9) if seconds else ("ms", 1e6)
        groups = [(node, self.of_node(node)) for node in self.nodes] if self._draw_nodes else [("all", self.samples)]
        for node, own in groups:
            ordered = np.sort(values(own))
            if len(ordered):
                shares = np.unique(
                    np.concatenate([np.linspace(0, 0.9, _POINTS // 2), np.linspace(0.9, 0.999, _POINTS // 2)])
                )
                at = ordered[np.minimum((shares * len(ordered)).astype(int), len(ordered) - 1)] / factor
                color = self.colors[node] if self._draw_nodes else _TOTAL
                dashed = self._draw_nodes and self.colors.dashed(node)
                series.append(Series(node, "line", list(at), list(shares), color, dashed=dashed))
        marks = [Mark("x", limit / factor, f"limit {limit / factor:g} {unit}")] if limit else []
        return Panel(
            title, f"{label} ({unit})", "share of samples", series, marks, x_log=_wide(everything), y_share=True
        )

    @property
    def _draw_nodes(self) -> bool:
        return self.several and len(self.nodes) <= _MOST_LINES

    def _itl_panel(self) -> Panel | None:
        counts = self.analysis.itl_counts
        if counts is None or counts.sum() < 2:
            return None
        cumulative = np.cumsum(counts) / counts.sum()
        at = np.unique(np.searchsorted(cumulative, np.linspace(0.001, 0.999, _POINTS)))
        shares = cumulative[at]
        x = np.maximum(at, 1) / 1e3
        line = Series("all", "line", list(x), list(shares), _TOTAL)
        wide = float(x[-1]) > 30 * float(x[0])
        return Panel("ITL", "time between chunks of an answer (ms)", "share of gaps", [line], x_log=wide, y_share=True)

    def over_time(self) -> Chart:
        """Percentiles of service TTFT and TPOT in windows of the run."""
        latency = self.analysis.latency
        samples = self.samples
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
            source=f"{_SOURCE}: first_ns - sent_ns; (last_ns - first_ns) / (output_tokens - 1)",
        )

    def by_length(self) -> Chart:
        """Latency against input and output length."""
        latency = self.analysis.latency
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
            source=f"{_SOURCE}: first_ns - sent_ns; last_ns - sent_ns",
        )

    def nodes_chart(self) -> Chart:
        """`node_comparison`: rate, pace, first token and share of each node."""
        symmetry = self.analysis.nodes
        assert symmetry is not None
        facts = [fact for fact in symmetry.nodes if fact.samples]
        names = [fact.node for fact in facts]

        def bars(title: str, label: str, y: Values, low: Values | None = None, high: Values | None = None) -> Panel:
            return Panel(title, "", label, [value_bars(names, y, [self.colors[name] for name in names], low, high)])

        return Chart(
            name="node_comparison",
            title="Nodes side by side",
            panels=[
                bars(
                    "Output tokens/s until its last sample", "tokens/s", [f.tokens_per_s for f in facts],
                    [f.tokens_low for f in facts], [f.tokens_high for f in facts],
                ),
                bars(
                    "Mean TPOT", "ms", [_ms(f.mean_tpot_ns) for f in facts], [_ms(f.tpot_low) for f in facts],
                    [_ms(f.tpot_high) for f in facts],
                ),
                bars("Mean TTFT from sending", "ms", [_ms(f.mean_service_ttft_ns) for f in facts]),
                bars("Share of samples", "%", [100 * f.share for f in facts]),
            ],
            columns=2,
            text="Each node's rate, pace, time to first token and share of the samples; error bars are 95 % intervals.",
            source=f"{_SOURCE}, run.json",
        )  # fmt: skip

    def throughput(self) -> Chart:
        """`throughput_comparison`: samples and tokens a second by endpoint."""
        rows = [entry for entry in self.analysis.result.endpoints if entry.samples_per_s is not None]
        names = [entry.endpoint for entry in rows]
        panels = []
        for title, label, attribute in (
            ("Samples/s until its last sample", "samples/s", "samples_per_s"),
            ("Output tokens/s until its last sample", "tokens/s", "output_tokens_per_s"),
        ):
            figures = [getattr(entry, attribute) for entry in rows]
            colors = [self.colors[entry.node] for entry in rows]
            values = ([f.value for f in figures], colors, [f.low for f in figures], [f.high for f in figures])
            panels.append(Panel(title, "", label, [value_bars(names, *values)]))
        return Chart(
            name="throughput_comparison",
            title="Throughput by endpoint",
            panels=panels,
            columns=2,
            text="Each endpoint's rate over the time until its own last sample, with 95 % intervals.",
            source=f"{_SOURCE}: done_ns, output_tokens",
        )

    def tokens(self) -> Chart:
        """Distribution of input and output lengths."""
        panels = []
        for title, values in (
            ("Input length", self.samples.input_tokens),
            ("Output length", self.samples.output_tokens),
        ):
            known = values[values >= 0]
            if len(known):
                shape = histogram(known)
                middles = (shape.edges[1:] + shape.edges[:-1]) / 2
                line = Series("", "steps", list(middles), list(100 * shape.shares), _TOTAL)
                panels.append(Panel(title, "tokens", "share of samples (%)", [line]))
        return Chart(
            name="token_lengths",
            title="Token lengths",
            panels=panels,
            columns=2,
            text="How long prompts and answers were; the last bin holds the highest 0.1 %.",
            source=f"{_SOURCE}: input_tokens, output_tokens",
        )

    def performance(self) -> Chart:
        """`performance_analysis`: the four panels that most readers want on one picture."""
        latency = self.latency()
        last = self.nodes_chart().panels[0] if self.analysis.nodes else self._flight_panel()
        record = self.analysis.record
        return Chart(
            name="performance_analysis",
            title=f"{record.benchmark}, {record.scenario}: {self.analysis.result.verdict.words}",
            panels=[self._rate_panel(), latency.panels[0], latency.panels[1], last],
            columns=2,
            text="Throughput over time, TTFT, TPOT and the nodes' rates.",
            source=f"{self.analysis.folder.id}: {_SOURCE}",
        )


def value_bars(
    names: list[str], y: Values, colors: list[str], low: Values | None = None, high: Values | None = None
) -> Series:
    """One bar a name, each with its value written at it."""
    labels = [fmt.number(value, 3) for value in y]
    return Series("", "bars", names, y, colors[0] if colors else NEUTRAL, low, high, labels=labels, colors=colors)


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
            Series("median", "line", series.middles_s, [_ms(v) for v in series.p50_ns], MEDIAN),
            Series("99th percentile", "line", series.middles_s, [_ms(v) for v in series.p99_ns], TAIL),
        ],
    )


def _each(title: str, label: str, sent_ns: Ints, values_ns: Ints) -> Panel | None:
    """Every sample's value, ms, against the time of its sending."""
    if len(values_ns) == 0:
        return None
    x = list((sent_ns - sent_ns.min()) / 1e9)
    points = Series("samples", "points", x, list(values_ns / 1e6), _TOTAL)
    return Panel(title, "time since the first was sent (s)", label, [points])


def _groups(title: str, x_label: str, y_label: str, groups: list[LengthGroup]) -> Panel:
    names = [f"{g.from_tokens} to {g.to_tokens}" for g in groups]
    return Panel(
        title,
        x_label,
        y_label,
        [
            Series(
                "median", "bars", names, [_ms(g.p50_ns) for g in groups], MEDIAN,
                low=[_ms(g.p50_low) for g in groups], high=[_ms(g.p50_high) for g in groups],
            ),
            Series(
                "99th percentile", "bars", names, [_ms(g.p99_ns) for g in groups], TAIL,
                low=[_ms(g.p99_low) for g in groups], high=[_ms(g.p99_high) for g in groups],
            ),
        ],
    )  # fmt: skip


def _ms(value: float | None) -> float | None:
    return None if value is None else value / 1e6
