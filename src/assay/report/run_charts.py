"""The charts of one run, as descriptions."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from assay.analysis.latency import histogram
from assay.analysis.run import RunAnalysis
from assay.analysis.titles import benchmark_title
from assay.report.bars import Values, value_panel
from assay.report.chart import Chart, Mark, Panel, Series
from assay.report.latency_charts import LatencyCharts
from assay.report.run_view import SOURCE, TOTAL, RunView, ms


class RunCharts:
    """Builds the charts of one analysed run that has samples. A panel that two charts show is built once."""

    def __init__(self, analysis: RunAnalysis) -> None:
        self._view = RunView(analysis)
        self.latency = LatencyCharts(self._view)

    @property
    def several(self) -> bool:
        return self._view.several

    def timeline(self) -> Chart:
        """`throughput_timeline`: tokens a second and samples in flight."""
        spread = " Of many nodes: the median, the band of the middle 90 %, and by name those that stand apart."
        return Chart(
            name="throughput_timeline",
            title="Throughput over time",
            panels=[*self._rate_panels, *self._flight_panels],
            columns=2,
            text="Output tokens a second and samples in flight over the run." + spread * self._view.many,
            source=f"{SOURCE}: tokens spread evenly between an answer's first and last token, 200 bins",
        )

    @cached_property
    def _rate_panels(self) -> list[Panel]:
        """None where tokens aren't counted."""
        if not self._view.samples.counted:
            return []
        return self._over_time("Output tokens/s", "output tokens/s", "tokens_per_s")

    @cached_property
    def _flight_panels(self) -> list[Panel]:
        return self._over_time("Samples in flight", "samples", "in_flight")

    def _over_time(self, title: str, label: str, attribute: str) -> list[Panel]:
        """All nodes together with each of them, or, where they are many, beside how they spread."""
        view, line = self._view, self._view.analysis.timeline
        assert line is not None
        x = list(line.middles_s)
        values = getattr(line, attribute)
        by_node = view.by_node(values)
        alone = [view.line(node, x, list(by_node[view.nodes.index(node)])) for node in view.alone]
        whole = view.line("all nodes", x, list(values.sum(axis=0)))
        marks = []
        parts = view.analysis.phases
        if parts is not None:
            marks.append(Mark("x", parts.steady_from_s, "steady", parts.steady_to_s, "the steady window"))
        seconds = "time since the first start (s)"
        if not view.many:
            return [Panel(title, seconds, label, [whole, *alone], marks, over_time=True)]
        apart = [view.spread(x, by_node), *alone]
        return [
            Panel(title, seconds, label, [whole], marks, over_time=True),
            Panel(f"{title}, by node", seconds, label, apart, marks, over_time=True),
        ]

    @cached_property
    def nodes(self) -> Chart:
        """`node_comparison`: rate, pace, first token and share of each node."""
        symmetry = self._view.analysis.nodes
        assert symmetry is not None
        facts = [fact for fact in symmetry.nodes if fact.samples]
        names = [fact.node for fact in facts]
        colors = [self._view.colors[name] for name in names]

        def bars(title: str, label: str, y: Values, low: Values | None = None, high: Values | None = None) -> Panel:
            return value_panel(title, label, names, y, colors, low, high)

        panels = [
            bars(
                "Output tokens/s until its last sample", "tokens/s", [f.tokens_per_s for f in facts],
                [f.tokens_low for f in facts], [f.tokens_high for f in facts],
            ),
            bars(
                "Mean TPOT", "ms", [ms(f.mean_tpot_ns) for f in facts], [ms(f.tpot_low) for f in facts],
                [ms(f.tpot_high) for f in facts],
            ),
            bars("Mean TTFT from sending", "ms", [ms(f.mean_service_ttft_ns) for f in facts]),
            bars("Share of samples", "%", [100 * f.share for f in facts]),
        ]  # fmt: skip
        return Chart(
            name="node_comparison",
            title="Nodes side by side",
            panels=panels,
            columns=2,
            text="Each node's rate, pace, time to first token and share of the samples.",
            source=f"{SOURCE}, run.json",
        )

    @property
    def by_endpoint(self) -> bool:
        """Whether the endpoints' rates say what the nodes' don't: a node has several, or tokens aren't counted."""
        return len(self._view.node_of) > len(self._view.nodes) or not self._view.samples.counted

    def throughput(self) -> Chart:
        """`throughput_comparison`: samples and tokens a second by endpoint."""
        rows = [entry for entry in self._view.analysis.result.endpoints if entry.samples_per_s is not None]
        names = [entry.endpoint for entry in rows]
        panels = []
        for title, label, attribute in (
            ("Samples/s until its last sample", "samples/s", "samples_per_s"),
            ("Output tokens/s until its last sample", "tokens/s", "output_tokens_per_s"),
        ):
            figures = [getattr(entry, attribute) for entry in rows]
            if None in figures:  # tokens aren't counted
                continue
            colors = [self._view.colors[entry.node] for entry in rows]
            values = ([f.value for f in figures], colors, [f.low for f in figures], [f.high for f in figures])
            panels.append(value_panel(title, label, names, *values))
        return Chart(
            name="throughput_comparison",
            title="Throughput by endpoint",
            panels=panels,
            columns=2,
            text="Each endpoint's rate over the time until its own last sample.",
            source=f"{SOURCE}: done_ns, output_tokens",
        )

    def tokens(self) -> Chart:
        """Distribution of input and output lengths."""
        panels = []
        for title, values in (
            ("Input length", self._view.samples.input_tokens),
            ("Output length", self._view.samples.output_tokens),
        ):
            known = values[values >= 0]
            if len(known):
                shape = histogram(known)
                middles = (shape.edges[1:] + shape.edges[:-1]) / 2
                shares = 100 * shape.shares
                if len(middles) > 1:  # empty bins at both ends close the outline
                    ends = 2 * shape.edges[[0, -1]] - middles[[0, -1]]
                    middles, shares = np.r_[ends[0], middles, ends[1]], np.r_[0.0, shares, 0.0]
                line = Series("", "steps", list(middles), list(shares), TOTAL)
                panels.append(Panel(title, "tokens", "share of samples (%)", [line]))
        return Chart(
            name="token_lengths",
            title="Token lengths",
            panels=panels,
            columns=2,
            text="How long prompts and answers were; the last bin holds the highest 0.1 %.",
            source=f"{SOURCE}: input_tokens, output_tokens",
        )

    def performance(self) -> Chart:
        """`performance_analysis`: the four panels that most readers want on one picture."""
        latency = self.latency.distribution
        nodes = self.several and self._view.analysis.nodes is not None
        last = self.nodes.panels if nodes else self._flight_panels
        record = self._view.analysis.record
        return Chart(
            name="performance_analysis",
            title=f"{benchmark_title(self._view.analysis.benchmark, [record])}: {record.scenario}",
            panels=[*self._rate_panels[:1], *latency.panels[:2], *last[:1]],
            columns=2,
            text=f"Throughput over time, TTFT, TPOT and {'each node' if nodes else 'samples in flight'}.",
            source=f"{self._view.analysis.folder.id}: {SOURCE}",
        )
