"""Tables of what the nodes' sensors and engines reported: a row a series, or, for many, a row a kind of series."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from assay.analysis.hardware import MetricSummary
from assay.report import format as fmt
from assay.report.many import MOST_ROWS, quantiles
from assay.report.names import name_in_words, value_in_words
from assay.report.page import Rows, Table

# An engine's own histograms, HTTP statistics and labels: kept in telemetry.parquet, of no use in a table.
_INNER = re.compile(r"/(http_.*|.*_(count|sum|info))$")
_PART = re.compile(r"^(gpu|cpu)\d+_")
_SOURCE = "telemetry.parquet"


def telemetry_tables(summaries: Sequence[MetricSummary]) -> Iterator[Table]:
    """Every series of a few nodes; of many how each quantity spreads over them, and whose is the lowest and highest."""
    shown = [summary for summary in summaries if not _INNER.search(summary.metric)]
    if len({summary.node for summary in shown}) > MOST_ROWS:
        yield _by_kind(shown)
        return
    rows: Rows = [(s.node, _name(s.metric), fmt.number(s.n), *_spread(s)) for s in shown]
    columns = ("Node", "What", "Readings", "Mean", "Least", "Most", "Increase")
    yield Table("Telemetry during the run", columns, rows, frozenset({2, 3, 4, 5, 6}), _SOURCE, folded=True)


def _name(metric: str) -> str:
    """What was also looked at once, before the run, was read here during it."""
    return name_in_words(metric).replace(" before the run", "")


def _spread(summary: MetricSummary) -> Sequence[str]:
    """Mean, least and most; of a counter only its increase; a set of bits has no mean."""
    if _counter(summary.metric):
        return "", "", "", fmt.number(summary.last - summary.first)
    show = _show(summary.metric)
    mean = "" if summary.metric.endswith("_reasons") else show(summary.mean)
    return mean, show(summary.min), show(summary.max), ""


def _by_kind(summaries: Sequence[MetricSummary]) -> Table:
    kinds: dict[str, list[MetricSummary]] = {}
    for summary in summaries:
        kinds.setdefault(_kind(summary.metric), []).append(summary)
    rows: Rows = []
    for kind, own in kinds.items():
        measure, value = _measure(kind)
        ordered = sorted(own, key=value)
        low, _, middle, _, high = map(_show(kind), quantiles([value(summary) for summary in own]))
        ends = (f"{low} ({_whose(ordered[0])})", middle, f"{high} ({_whose(ordered[-1])})")
        rows.append((_name(kind), measure, fmt.number(len(own)), *ends))
    columns = ("What", "Of each series", "Series", "Lowest", "Median", "Highest")
    caption = "Telemetry during the run: how the nodes spread"
    return Table(caption, columns, rows, frozenset({2, 3, 4, 5}), f"{_SOURCE}, which has every series")


def _kind(metric: str) -> str:
    """The metric without which endpoint's, accelerator's or CPU package's it is."""
    return _PART.sub(r"\1_", metric.split("/", 1)[-1])


def _measure(kind: str) -> tuple[str, Callable[[MetricSummary], float]]:
    """The one number of a series that says most: a set of bits has no mean, a counter counts from anywhere."""
    if _counter(kind):
        return "increase", lambda summary: summary.last - summary.first
    if kind.endswith("_reasons"):
        return "highest", lambda summary: summary.max
    return "mean", lambda summary: summary.mean


def _whose(summary: MetricSummary) -> str:
    part = _PART.match(summary.metric)
    if part:
        return f"{summary.node} {part[0].rstrip('_')}"
    return summary.metric.split("/")[0] if "/" in summary.metric else summary.node


def _counter(metric: str) -> bool:
    return metric.endswith(("_total", "_energy_j"))


def _show(metric: str) -> Callable[[float | None], str]:
    return lambda value: fmt.NOT_MEASURED if value is None else value_in_words(metric, value)
