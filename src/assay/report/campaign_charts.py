"""The charts of a campaign: runs side by side, scaling."""

from __future__ import annotations

import math
from collections.abc import Mapping

from assay.analysis.campaign import CampaignAnalysis, Group
from assay.analysis.loads import Value, percentile_over
from assay.analysis.scaling import Scaling
from assay.report.bars import value_bars, value_panel
from assay.report.campaign_sections import nodes_alone
from assay.report.chart import MEDIAN, NEUTRAL, PALETTE, TAIL, Chart, Mark, Panel, Series
from assay.report.colors import Colors
from assay.report.many import MOST_ROWS
from assay.report.run_view import ms

Rate = tuple[float, float | None, float | None]
_SOURCE = "runs/*/requests.parquet"
_BEYOND = "beyond the measured numbers of nodes: a prediction"


def throughput_chart(analysis: CampaignAnalysis, colors: Colors) -> Chart:
    """`throughput_comparison`: every group of performance runs, mean of its repeats."""
    panels = []
    for title, label, attribute in (
        ("Samples/s", "samples/s", "samples_per_s"),
        ("Output tokens/s", "tokens/s", "tokens_per_s"),
    ):
        for words, groups in _parts(analysis):
            estimates = [getattr(group, attribute) for group in groups.values()]
            if not any(math.isfinite(e.value) for e in estimates):  # tokens aren't counted
                continue
            names, tints = list(groups), [_tint(group, colors) for group in groups.values()]
            values = ([e.value for e in estimates], tints, [e.low for e in estimates], [e.high for e in estimates])
            panels.append(value_panel(f"{title}{words}", label, names, *values))
    return Chart(
        name="throughput_comparison",
        title="Throughput of the runs",
        panels=panels,
        columns=2,
        text=_of_what(analysis),
        source=f"{_SOURCE}: done_ns, output_tokens",
    )


def _parts(analysis: CampaignAnalysis) -> list[tuple[str, dict[str, Group]]]:
    """The groups that one panel can hold, by their names, each part with words for its title: many nodes alone have one
    of their own. A campaign's only group has its repeats side by side: how far they differ is what they were made for.
    """
    if _only_repeats(analysis):
        (group,) = analysis.groups
        titled = {f"run {n} of {len(group.lines)}": line for n, line in enumerate(group.lines, 1)}
        return [("", {title: Group(line.entry.key, (line,)) for title, line in titled.items()})]
    alone = nodes_alone(analysis)
    nodes = {analysis.name(own.first.entry): own for own in analysis.groups if own.first.entry.key in alone}
    others = {analysis.name(own.first.entry): own for own in analysis.groups if own.first.entry.key not in alone}
    return [(words, part) for words, part in (("", others), (", each node alone", nodes)) if part]


def _only_repeats(analysis: CampaignAnalysis) -> bool:
    return len(analysis.groups) == 1 and len(analysis.groups[0].lines) > 1


def _of_what(analysis: CampaignAnalysis) -> str:
    return "Each run by itself." if _only_repeats(analysis) else "Mean of each planned run's repeats."


def _tint(group: Group, colors: Colors) -> str:
    nodes = group.first.entry.nodes
    return colors[nodes[0]] if len(nodes) == 1 else NEUTRAL


def scaling_chart(scaling: Scaling, colors: Colors) -> Chart:
    """`scaling_analysis`: rates alone and together, efficiency, and the fitted law with its prediction."""
    panels = [*_rates_panels(scaling, colors), _efficiency_panel(scaling)]
    if scaling.fit is not None:
        panels.append(_fit_panel(scaling))
    return Chart(
        name="scaling_analysis",
        title="Scaling",
        panels=panels,
        columns=2,
        text="Rates of the nodes alone and together, and the efficiency: combined throughput over the sum of the "
        "measured single-node throughputs.",
        source=f"{_SOURCE}: output tokens/s",
    )


def _rates_panels(scaling: Scaling, colors: Colors) -> list[Panel]:
    """Alone and together, in one panel where the nodes aren't many."""
    alone = scaling.alone
    if len(alone) <= MOST_ROWS:
        return [_rates_panel(scaling, alone, colors)]
    rates = alone.values()
    y: list[float | None] = [rate for rate, _, _ in rates]
    tints, low, high = [NEUTRAL] * len(alone), [low for _, low, _ in rates], [high for _, _, high in rates]
    each = value_panel("Each node alone", "output tokens/s", list(alone), y, tints, low, high)
    return [each, _rates_panel(scaling, {}, colors)]


def _rates_panel(scaling: Scaling, alone: Mapping[str, Rate], colors: Colors) -> Panel:
    names = [*alone, *(group_name(g.nodes) for g in scaling.groups)]
    tints = [*(colors[node] for node in alone), *(NEUTRAL for _ in scaling.groups)]
    rates = [*alone.values(), *((g.rate, g.rate_low, g.rate_high) for g in scaling.groups)]
    y: list[float | None] = [r[0] for r in rates]
    measured = value_bars(names, y, tints, [r[1] for r in rates], [r[2] for r in rates])
    measured = Series(
        "measured", "bars", names, y, NEUTRAL, measured.low, measured.high, labels=measured.labels, colors=tints
    )
    sums = [(group_name(g.nodes), g) for g in scaling.groups if g.sum_alone is not None]
    points = Series(
        "sum of the nodes alone", "points", [n for n, _ in sums], [g.sum_alone for _, g in sums], "#B00060",
        [g.sum_low for _, g in sums], [g.sum_high for _, g in sums],
    )  # fmt: skip
    return Panel(
        "Alone and together" if alone else "Together", "", "output tokens/s", [measured, points] if sums else [measured]
    )


def _efficiency_panel(scaling: Scaling) -> Panel:
    known = [g for g in scaling.groups if g.efficiency is not None]
    names = [group_name(g.nodes) for g in known]
    bars = value_bars(
        names,
        [_percent(g.efficiency) for g in known],
        [NEUTRAL] * len(known),
        [_percent(g.low) for g in known],
        [_percent(g.high) for g in known],
    )
    return Panel("Efficiency", "", "% of the sum alone", [bars], [Mark("y", 100.0, "sum of the nodes alone")])


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _fit_panel(scaling: Scaling) -> Panel:
    fit = scaling.fit
    assert fit is not None
    last = max(fit.sizes)
    inside = [i for i, n in enumerate(fit.predicted_nodes) if n <= last]
    beyond = [i for i, n in enumerate(fit.predicted_nodes) if n >= last]

    def line(name: str, places: list[int], dashed: bool) -> Series:
        x = [float(fit.predicted_nodes[i]) for i in places]
        low, high = [fit.predicted_low[i] for i in places], [fit.predicted_high[i] for i in places]
        y: list[float | None] = [fit.predicted[i] for i in places]
        return Series(name, "line", x, y, PALETTE[0] if not dashed else PALETTE[1], low, high, dashed=dashed)

    known = [g for g in scaling.groups if g.sum_alone is not None]
    x = [(g.sum_alone or 0.0) / fit.unit for g in known]
    measured = Series(
        "measured", "points", x, [g.rate for g in known], NEUTRAL,
        [g.rate_low for g in known], [g.rate_high for g in known],
    )  # fmt: skip
    ideal_x = [1.0, float(fit.predicted_nodes[-1])]
    ideal = Series("linear", "line", ideal_x, [fit.unit * v for v in ideal_x], NEUTRAL, dashed=True)
    return Panel(
        f"{fit.law}: fit and prediction",
        "nodes (of mean speed)",
        "output tokens/s",
        [ideal, line("fit", inside, False), line("prediction", beyond, True), measured],
        [Mark("x", float(last), "beyond: prediction", float(fit.predicted_nodes[-1]), _BEYOND)],
    )


def group_name(nodes: list[str]) -> str:
    return " + ".join(nodes) if len(nodes) <= 2 else f"{len(nodes)} nodes"


def latency_chart(analysis: CampaignAnalysis, colors: Colors) -> Chart | None:
    """`latency_distribution`: median and 99th percentile of every group, the mean of its repeats."""
    panels = []
    for key, title in (("service_ttft_ns", "TTFT from sending"), ("tpot_ns", "TPOT")):
        for words, groups in _parts(analysis):
            found = {name: own for name, group in groups.items() if (own := _latencies(group, key))}
            if found:
                panels += _latency_panels(f"{title}{words}", list(found), list(found.values()))
    if not panels:
        return None
    return Chart(
        name="latency_distribution",
        title="Latency of the runs",
        panels=panels,
        columns=2,
        text=f"Median and 99th percentile. {_of_what(analysis)}",
        source=_SOURCE,
    )


_SHARES = (("p50", MEDIAN), ("p99", TAIL))


def _latencies(group: Group, key: str) -> dict[str, Value]:
    """Its percentiles over the repeats, ns; empty where one of them has none."""
    results = [line.result for line in group.lines]
    return {share: value for share, _ in _SHARES if (value := percentile_over(results, key, share)) is not None}


def _latency_panels(title: str, names: list[str], values: list[dict[str, Value]]) -> list[Panel]:
    """Median and tail side by side; of many runs a strip each."""
    series = [_percentile_bars(names, values, share, tint) for share, tint in _SHARES]
    if len(names) <= MOST_ROWS:
        return [Panel(title, "", "ms", series)]
    bounds = [(list(one.low or ()), list(one.high or ())) for one in series]
    return [
        value_panel(f"{title}, {one.name}", "ms", names, list(one.y), [], low, high)
        for one, (low, high) in zip(series, bounds, strict=True)
    ]


def _percentile_bars(names: list[str], values: list[dict[str, Value]], share: str, tint: str) -> Series:
    bounds = [(ms(value[share].low), ms(value[share].high)) for value in values]
    y: list[float | None] = [value[share].value / 1e6 for value in values]
    label = "median" if share == "p50" else "99th percentile"
    return Series(label, "bars", names, y, tint, [b[0] for b in bounds], [b[1] for b in bounds])
